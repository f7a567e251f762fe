//! Gate documents: `review:gate:benchmarks` (was it measured?), `review:gate:perf` (is it as fast, and as good?), and one for
//! each check in the bundle.
//!
//! In: a judged bundle. Out: [`GateReport`], each string rendered from the value beside it.

mod benchmarks;
mod check;
pub(crate) mod command;
mod ordered;
mod perf;

use baselines::Digest;
use serde::Serialize;
use serde_json::Value;

use crate::{
    derive::{Judged, Records, Tally},
    policy::{ConclusionWhenInconclusive, Policy},
    verdict::Verdict,
    verify::Refusal,
};
pub(crate) use benchmarks::{REPORTED_FORMATS, benchmarks};
pub(crate) use check::checks;
pub use check::{full_name, standing_alone};
pub(crate) use ordered::{Ordered, Sorted};
pub(crate) use perf::{perf, place, row};

/// Version of the gate documents, `inference.json` and `route.json`.
///
/// 1.0: first version. 1.1: exact metrics, and the
/// evidence class of each row. 1.2: counts of outcomes, waivers; the route's conclusion, rounds and hops. 1.3: the
/// historical trend, intervals of medians.
pub const GATE_VERSION: &str = "1.3";

/// Names of the gates that are derived from measurements; each check in a bundle has one of its own beside them.
pub const NAMES: [&str; 2] = ["review:gate:benchmarks", "review:gate:perf"];

/// One gate: its conclusion and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct GateReport {
    /// `review:gate:…`.
    pub name: String,
    /// The verdict on what this gate looks at.
    pub verdict: Verdict,
    /// Conclusion of its check run.
    pub conclusion: &'static str,
    /// Outcomes of the gated metrics, counted; `None` of a check, which gates no metric.
    pub counts: Option<Tally>,
    /// What it found, in the order of the document.
    pub evidence: Vec<Item>,
    /// Refusals of the evidence.
    pub refusals: Vec<Refusal>,
    /// Digests of what it rests on.
    pub records: Basis,
    /// Commit under test; the gate holds for no other.
    pub head_sha: Option<String>,
    /// Next stage of work, if this gate were the only one.
    pub next: String,
}

/// What a gate rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Both arms of a session.
    Session(Records),
    /// One check record.
    Check {
        /// SHA-256 of the bundle's bytes; `None` where the record stands alone.
        evidence: Option<Digest>,
        /// SHA-256 of the check record.
        check: Digest,
    },
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
    /// Name of its file: `tests_gate.json` of `review:gate:tests`.
    #[must_use]
    pub fn file(&self) -> String {
        let name = self.name.rsplit(':').next().unwrap_or(&self.name);
        format!("{name}_gate.json")
    }

    /// The document's bytes: indented JSON in one key order, ending in a line break.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let wire = Wire {
            version: GATE_VERSION,
            name: &self.name,
            status: "completed",
            conclusion: self.conclusion,
            verdict: self.verdict.name(),
            counts: self.counts.as_ref().map(counts),
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
            records: self.records.ordered(),
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
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Ordered>,
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

fn counts(counts: &Tally) -> Ordered {
    let Tally { compared, regressed, improved, unchanged, inconclusive, missing, waived } = *counts;
    Ordered(vec![
        ("compared", compared.into()),
        ("regressed", regressed.into()),
        ("improved", improved.into()),
        ("unchanged", unchanged.into()),
        ("inconclusive", inconclusive.into()),
        ("missing", missing.into()),
        ("waived", waived.into()),
    ])
}

impl Basis {
    fn ordered(&self) -> Ordered {
        match self {
            Self::Session(digests) => records(digests),
            Self::Check { evidence, check } => Ordered(vec![
                ("evidence", evidence.map(|digest| digest.to_string()).into()),
                ("check", check.to_string().into()),
            ]),
        }
    }
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
        name: name.to_owned(),
        verdict,
        conclusion: conclusion(verdict, judged.policy),
        counts: Some(judged.counts),
        evidence,
        refusals: judged.refusals.to_vec(),
        records: Basis::Session(judged.records),
        head_sha: judged.evidence.head_sha.clone(),
        next: crate::route::alone(judged, verdict),
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
