//! Gate documents: `review:gate:benchmarks` (was it measured?) and `review:gate:perf` (is it as fast, and as good?).
//!
//! In: a judged bundle. Out: [`GateReport`], each string rendered from the value beside it.

mod benchmarks;
pub(crate) mod command;
mod ordered;
mod perf;

use serde::Serialize;
use serde_json::Value;

use crate::{
    derive::{Judged, Records},
    policy::{ConclusionWhenInconclusive, Policy},
    verdict::Verdict,
    verify::Refusal,
};
pub(crate) use benchmarks::{REPORTED_FORMATS, benchmarks};
pub(crate) use ordered::{Ordered, Sorted};
pub(crate) use perf::{perf, place, row};

/// Version of the gate documents, `inference.json` and `route.json`. 1.0: first version. 1.1: exact metrics, and the
/// evidence class of each row.
pub const GATE_VERSION: &str = "1.1";

/// Names of the gates that this crate derives.
pub const NAMES: [&str; 2] = ["review:gate:benchmarks", "review:gate:perf"];

/// One gate: its conclusion and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct GateReport {
    /// `review:gate:…`.
    pub name: &'static str,
    /// The verdict on what this gate looks at.
    pub verdict: Verdict,
    /// Conclusion of its check run.
    pub conclusion: &'static str,
    /// What it found, in the order of the document.
    pub evidence: Vec<Item>,
    /// Refusals of the evidence.
    pub refusals: Vec<Refusal>,
    /// Digests of what it rests on.
    pub records: Records,
    /// Commit under test; the gate holds for no other.
    pub head_sha: Option<String>,
    /// Next stage of work, if this gate were the only one.
    pub next: String,
}

/// One finding: as text and as the values that the text was rendered from.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Key of the document.
    pub key: &'static str,
    /// For people.
    pub text: String,
    /// For programs.
    pub value: Value,
}

impl GateReport {
    /// The document's bytes: indented JSON in one key order, ending in a line break.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let wire = Wire {
            version: GATE_VERSION,
            name: self.name,
            status: "completed",
            conclusion: self.conclusion,
            verdict: self.verdict.name(),
            evidence: Ordered(
                self.evidence
                    .iter()
                    .map(|item| (item.key, Value::from(item.text.as_str())))
                    .collect(),
            ),
            values: Ordered(
                self.evidence.iter().map(|item| (item.key, item.value.clone())).collect(),
            ),
            refusals: self.refusals.iter().map(refusal).collect(),
            records: records(&self.records),
            head_sha: self.head_sha.as_deref(),
            next: &self.next,
        };
        to_json(&wire)
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    version: &'a str,
    name: &'a str,
    status: &'a str,
    conclusion: &'a str,
    verdict: &'a str,
    evidence: Ordered,
    values: Ordered,
    refusals: Vec<Ordered>,
    records: Ordered,
    head_sha: Option<&'a str>,
    next: &'a str,
}

pub(crate) fn refusal(refusal: &Refusal) -> Ordered {
    Ordered(vec![
        ("rule", refusal.rule.into()),
        ("field", refusal.field.as_str().into()),
        ("expected", refusal.expected.as_str().into()),
        ("found", refusal.found.as_str().into()),
        ("way_out", refusal.way_out.into()),
    ])
}

pub(crate) fn records(records: &Records) -> Ordered {
    Ordered(vec![
        ("evidence", records.evidence.to_string().into()),
        ("base", records.base.to_string().into()),
        ("head", records.head.to_string().into()),
        ("baseline", records.baseline.map(|digest| digest.to_string()).into()),
    ])
}

pub(crate) fn to_json(wire: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(wire)
        .expect("keys are strings and every number is finite or null");
    bytes.push(b'\n');
    bytes
}

/// The gate called `name` with its verdict put into words.
fn report(
    judged: &Judged<'_>,
    name: &'static str,
    verdict: Verdict,
    evidence: Vec<Item>,
) -> GateReport {
    GateReport {
        name,
        verdict,
        conclusion: conclusion(verdict, judged.policy),
        evidence,
        refusals: judged.refusals.to_vec(),
        records: judged.records,
        head_sha: judged.evidence.head_sha.clone(),
        next: crate::route::next(verdict, judged.policy).to_owned(),
    }
}

/// The check conclusion of `verdict` under this policy.
#[must_use]
pub fn conclusion(verdict: Verdict, policy: &Policy) -> &'static str {
    let neutral =
        policy.verdict.conclusion_when_inconclusive == ConclusionWhenInconclusive::Neutral;
    if verdict == Verdict::Inconclusive && neutral { "neutral" } else { verdict.conclusion() }
}

/// `items`, or where the evidence is refused, the same keys without a single number.
fn unless_refused(
    judged: &Judged<'_>,
    keys: &[&'static str],
    items: impl FnOnce() -> Vec<Item>,
) -> Vec<Item> {
    let Some(refusal) = judged.refused() else { return items() };
    let text = format!("not judged: the evidence is refused by the rule `{}`", refusal.rule);
    keys.iter().map(|key| Item { key, text: text.clone(), value: Value::Null }).collect()
}
