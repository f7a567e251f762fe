//! The route: which stage of work follows. In: a judged bundle and its gates. Out: [`Route`], the same for the same bundle.

mod log;
mod next;

use baselines::{Digest, evidence::Hop, record::Purpose};
use serde::Serialize;
use serde_json::Value;

use crate::{
    budget,
    derive::{Judged, Records},
    exact,
    gate::{self, GateReport, Ordered, Sorted},
    policy::Policy,
    triage::Triage,
    verdict::{MetricVerdict, Verdict},
};
pub use log::{Rounds, read_hops, unfinished};
pub use next::{Decision, Limits, Stage, State, next};

/// Where work goes next, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The stage that asked.
    pub from: String,
    /// The stage that follows.
    pub to: String,
    /// The rule that chose it.
    pub rule: &'static str,
    /// The verdict on the measurements.
    pub verdict: Verdict,
    /// Check conclusion of that verdict and of all other required gates together.
    pub conclusion: &'static str,
    /// Gates it was computed from: name, conclusion, digest of the document.
    pub gates: Vec<(String, &'static str, Digest)>,
    /// Digests of what it rests on.
    pub records: Records,
    /// Commit it holds for.
    pub sha: Option<String>,
    /// Exact metrics, rows and budgets that kept it from passing, with their numbers.
    pub open: Vec<Value>,
    /// Where the time went, where the bundle has a session of triage: what a fix starts from.
    pub triage: Option<Value>,
    /// Earlier re-measurements and attempts.
    pub rounds: Rounds,
    /// Earlier hops, oldest first, and this decision.
    pub hops: Vec<Hop>,
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
            conclusion: self.conclusion,
            exit_code: self.verdict.exit_code(),
            gates: self.gates.iter().map(gate).collect(),
            records: gate::records(&self.records),
            sha: self.sha.as_deref(),
            open: self.open.iter().map(Sorted).collect(),
            triage: self.triage.as_ref().map(Sorted),
            remeasurements: self.rounds.remeasurements,
            attempts: self.rounds.attempts,
            hops: self.hops.iter().map(log::ordered).collect(),
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
    conclusion: &'a str,
    exit_code: u8,
    gates: Vec<Ordered>,
    records: Ordered,
    sha: Option<&'a str>,
    open: Vec<Sorted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triage: Option<Sorted<'a>>,
    remeasurements: usize,
    attempts: usize,
    hops: Vec<Ordered>,
}

pub(crate) fn of(judged: &Judged<'_>, gates: &[&GateReport]) -> Route {
    let (evidence, policy) = (judged.evidence, judged.policy);
    let open_exact = judged
        .exact
        .iter()
        .filter(|place| place.state == exact::State::Broken || place.is_hole())
        .map(gate::place);
    let open_rows =
        judged.rows.iter().filter(|row| row.verdict != MetricVerdict::Pass).map(gate::row);
    let open_budgets = judged.budgets.iter().filter(|budget| budget.state != budget::State::Met).map(|budget| {
        serde_json::json!({ "budget": budget.name, "value": budget.value, "limit": budget.limit, "reason": budget.text })
    });
    let others = others(gates, policy);
    let rounds = rounds(judged);
    let Decision { stage, rule } = decision(judged, judged.measured, others, rounds);
    let (from, to) = (policy.routes.from.clone(), stage.name(&policy.routes).to_owned());
    let hop = Hop {
        at: evidence.created_at.clone(),
        from: from.clone(),
        to: to.clone(),
        rule: rule.to_owned(),
        verdict: judged.verdict.name().to_owned(),
        head_sha: evidence.head_sha.clone(),
        evidence: judged.records.evidence,
    };
    Route {
        from,
        to,
        rule,
        verdict: judged.verdict,
        conclusion: gate::conclusion(judged.verdict.worse(others), policy),
        gates: gates
            .iter()
            .map(|gate| (gate.name.to_owned(), gate.conclusion, Digest::of(&gate.to_json())))
            .collect(),
        records: judged.records,
        sha: evidence.head_sha.clone(),
        open: open_exact.chain(open_rows).chain(open_budgets).collect(),
        triage: judged.triage.map(Triage::to_value),
        rounds,
        hops: evidence.hops.iter().cloned().chain([hop]).collect(),
    }
}

/// The stage after a `verdict` of one gate, if it were the only one.
pub(crate) fn alone(judged: &Judged<'_>, verdict: Verdict) -> String {
    let decision = decision(judged, verdict, Verdict::Pass, rounds(judged));
    decision.stage.name(&judged.policy.routes).to_owned()
}

/// The stage after a `verdict` of a paired session that is the first of its change.
pub(crate) fn first(verdict: Verdict, policy: &Policy) -> &str {
    stage_of_first(verdict, true, policy)
}

/// The stage after a `verdict` against stored sessions only: no pair confirms its fail.
#[must_use]
pub fn next_unconfirmed(verdict: Verdict, policy: &Policy) -> &str {
    stage_of_first(verdict, false, policy)
}

fn stage_of_first(verdict: Verdict, confirmed: bool, policy: &Policy) -> &str {
    let state = State { verdict, confirmed, others: Verdict::Pass, remeasurements: 0, attempts: 0 };
    next(&state, &Limits::of(&policy.routes)).stage.name(&policy.routes)
}

/// The stage after a `verdict` of a check, if all else passed.
pub(crate) fn after_check(verdict: Verdict, policy: &Policy) -> &str {
    let (others, measured) = (verdict, Verdict::Pass);
    let state =
        State { verdict: measured, confirmed: true, others, remeasurements: 0, attempts: 0 };
    next(&state, &Limits::of(&policy.routes)).stage.name(&policy.routes)
}

fn decision(judged: &Judged<'_>, verdict: Verdict, others: Verdict, rounds: Rounds) -> Decision {
    let state = State {
        verdict,
        confirmed: is_confirmed(judged),
        others,
        remeasurements: rounds.remeasurements,
        attempts: rounds.attempts,
    };
    next(&state, &Limits::of(&judged.policy.routes))
}

fn rounds(judged: &Judged<'_>) -> Rounds {
    let evidence = judged.evidence;
    let sha = evidence.head_sha.as_deref();
    Rounds::of(&evidence.hops, judged.records.evidence, sha, &judged.policy.routes)
}

/// Whether a fail of this bundle is one of a paired session, or of a budget.
fn is_confirmed(judged: &Judged<'_>) -> bool {
    let (base, head) = (&judged.evidence.base, &judged.evidence.head);
    let paired = [base, head].iter().all(|arm| arm.purpose == Purpose::Paired);
    (paired && base.session == head.session)
        || judged.budgets.iter().any(|budget| budget.state == budget::State::Broken)
}

/// The worst verdict of the required gates beside those that look at the measurements.
fn others(gates: &[&GateReport], policy: &Policy) -> Verdict {
    gates
        .iter()
        .filter(|gate| !gate::NAMES.contains(&gate.name.as_str()))
        .filter(|gate| policy.gates.required.contains(&gate.name))
        .fold(Verdict::Pass, |worst, gate| worst.worse(gate.verdict))
}
