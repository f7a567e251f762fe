//! The route: which stage of work follows. In: a judged bundle and its gates. Out: [`Route`], the same for the same bundle.

use baselines::Digest;
use serde::Serialize;
use serde_json::Value;

use crate::{
    derive::{Judged, Records},
    gate::{self, GateReport, Ordered, Sorted},
    policy::Policy,
    verdict::{MetricVerdict, Verdict},
};

/// Where work goes next, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The stage that asked.
    pub from: String,
    /// The stage that follows.
    pub to: String,
    /// The rule that chose it.
    pub rule: &'static str,
    /// The verdict it follows from.
    pub verdict: Verdict,
    /// Gates it was computed from: name, conclusion, digest of the document.
    pub gates: Vec<(String, &'static str, Digest)>,
    /// Digests of what it rests on.
    pub records: Records,
    /// Commit it holds for.
    pub sha: Option<String>,
    /// Exact metrics, rows and budgets that kept it from passing, with their numbers.
    pub open: Vec<Value>,
}

impl Route {
    /// The document's bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let gate = |(name, conclusion, digest): &(String, &'static str, Digest)| {
            let digest = digest.to_string();
            Ordered(vec![
                ("name", name.as_str().into()),
                ("conclusion", (*conclusion).into()),
                ("sha256", digest.into()),
            ])
        };
        gate::to_json(&Wire {
            version: gate::GATE_VERSION,
            from: &self.from,
            to: &self.to,
            rule: self.rule,
            verdict: self.verdict.name(),
            exit_code: self.verdict.exit_code(),
            gates: self.gates.iter().map(gate).collect(),
            records: gate::records(&self.records),
            sha: self.sha.as_deref(),
            open: self.open.iter().map(Sorted).collect(),
        })
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    version: &'a str,
    from: &'a str,
    to: &'a str,
    rule: &'a str,
    verdict: &'a str,
    exit_code: u8,
    gates: Vec<Ordered>,
    records: Ordered,
    sha: Option<&'a str>,
    open: Vec<Sorted<'a>>,
}

pub(crate) fn of(judged: &Judged<'_>, gates: &[&GateReport]) -> Route {
    let open_exact = judged
        .exact
        .iter()
        .filter(|place| place.state == crate::exact::State::Broken || place.is_hole())
        .map(gate::place);
    let open_rows =
        judged.rows.iter().filter(|row| row.verdict != MetricVerdict::Pass).map(gate::row);
    let open_budgets = judged.budgets.iter().filter(|budget| budget.state != crate::budget::State::Met).map(|budget| {
        serde_json::json!({ "budget": budget.name, "value": budget.value, "limit": budget.limit, "reason": budget.text })
    });
    Route {
        from: judged.policy.routes.from.clone(),
        to: next(judged.verdict, judged.policy).to_owned(),
        rule: rule(judged.verdict),
        verdict: judged.verdict,
        gates: gates
            .iter()
            .map(|gate| (gate.name.to_owned(), gate.conclusion, Digest::of(&gate.to_json())))
            .collect(),
        records: judged.records,
        sha: judged.evidence.head_sha.clone(),
        open: open_exact.chain(open_rows).chain(open_budgets).collect(),
    }
}

/// The stage after a `verdict` against stored sessions only: no pair confirms its fail.
#[must_use]
pub fn next_unconfirmed(verdict: Verdict, policy: &Policy) -> &str {
    match verdict {
        Verdict::Fail => &policy.routes.fail_unconfirmed,
        _ => next(verdict, policy),
    }
}

/// The stage after `verdict`. Every fail of a bundle is one of a paired session or a budget: confirmed.
pub(crate) fn next(verdict: Verdict, policy: &Policy) -> &str {
    let routes = &policy.routes;
    match verdict {
        Verdict::Pass => &routes.pass,
        Verdict::Fail => &routes.fail,
        Verdict::Inconclusive => &routes.inconclusive,
        Verdict::Invalid => &routes.invalid,
        Verdict::Incomparable => &routes.incomparable,
    }
}

const fn rule(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => {
            "every required gate succeeded: all gated metrics compared, none regressed, no exact rule broken, all budgets met"
        }
        Verdict::Fail => {
            "more work than an exact rule allows, a regression confirmed in a paired session, or a broken budget"
        }
        Verdict::Inconclusive => {
            "a gated metric is neither shown to be within its margin nor shown to be slower"
        }
        Verdict::Invalid => "the evidence does not hold",
        Verdict::Incomparable => "the evidence cannot be compared, or lacks something required",
    }
}
