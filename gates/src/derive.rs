//! Evidence into everything that a gate says about it: verdict, rows, gate documents, route, report.
//!
//! In: the bundle, policy inside. Out: [`Derived`], a pure function of it: the same bundle gives the same bytes.

use baselines::{Digest, Evidence};

use crate::{
    Result,
    budget::{self, Budget, State},
    compare::{Row, compare_arms},
    exact::{self, Exact},
    gate::{self, GateReport},
    inference,
    policy::Policy,
    report,
    route::{self, Route},
    verdict::{MetricVerdict, Outcome, Verdict},
    verify::{Class, Refusal, check_evidence},
};

/// How many gated metrics had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Metrics with an estimate.
    pub compared: usize,
    /// Of these, proven slower.
    pub regressed: usize,
    /// Proven faster.
    pub improved: usize,
    /// Proven within the margin.
    pub unchanged: usize,
    /// Neither.
    pub inconclusive: usize,
    /// Metrics with nothing to compare.
    pub missing: usize,
}

impl Tally {
    /// Counts the outcomes of `rows`.
    #[must_use]
    pub fn of(rows: &[Row]) -> Self {
        let with = |outcome: Outcome| rows.iter().filter(|row| row.outcome == outcome).count();
        Self {
            compared: rows.iter().filter(|row| row.comparison.is_some()).count(),
            regressed: with(Outcome::Regressed),
            improved: with(Outcome::Improved),
            unchanged: with(Outcome::Unchanged),
            inconclusive: with(Outcome::Inconclusive),
            missing: with(Outcome::Missing),
        }
    }

    /// In one line, every count named: "0 of 0" is never a silence.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { compared, regressed, improved, unchanged, inconclusive, missing } = self;
        format!(
            "{compared} compared, {regressed} regressed, {improved} improved, {unchanged} unchanged, \
             {inconclusive} inconclusive, {missing} missing"
        )
    }
}

/// Digests of what a verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records {
    /// SHA-256 of the bundle's bytes.
    pub evidence: Digest,
    /// SHA-256 of the base's record.
    pub base: Digest,
    /// SHA-256 of the head's record.
    pub head: Digest,
    /// SHA-256 of the stored baseline's record, as the pointer names it, if there is one.
    pub baseline: Option<Digest>,
}

/// All that follows from a bundle.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// The verdict of the session.
    pub verdict: Verdict,
    /// Quantities without noise, in the policy's order; empty where the evidence is refused.
    pub exact: Vec<Exact>,
    /// One row per gated metric, in the policy's order; empty where the evidence is refused.
    pub rows: Vec<Row>,
    /// Their outcomes, counted.
    pub counts: Tally,
    /// Absolute bounds; empty where the evidence is refused.
    pub budgets: Vec<Budget>,
    /// Why evidence is refused.
    pub refusals: Vec<Refusal>,
    /// `review:gate:benchmarks`.
    pub benchmarks_gate: GateReport,
    /// `review:gate:perf`.
    pub perf_gate: GateReport,
    /// Where work goes next.
    pub route: Route,
    /// `inference.json`, with the keys of the report this project started from.
    pub inference: serde_json::Value,
    report: String,
}

impl Derived {
    /// Name and bytes of every file, in the order they are written.
    #[must_use]
    pub fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("inference.json", inference::to_json(&self.inference)),
            ("benchmarks_gate.json", self.benchmarks_gate.to_json()),
            ("perf_gate.json", self.perf_gate.to_json()),
            ("route.json", self.route.to_json()),
            ("report.md", self.report.clone().into_bytes()),
        ]
    }
}

/// What the documents are rendered from: the bundle and everything judged about it.
pub(crate) struct Judged<'a> {
    pub(crate) evidence: &'a Evidence,
    pub(crate) policy: &'a Policy,
    pub(crate) records: Records,
    pub(crate) refusals: &'a [Refusal],
    pub(crate) exact: &'a [Exact],
    pub(crate) rows: &'a [Row],
    pub(crate) counts: Tally,
    pub(crate) budgets: &'a [Budget],
    pub(crate) verdict: Verdict,
}

impl Judged<'_> {
    /// The first refusal that takes the evidence away, if any.
    pub(crate) fn refused(&self) -> Option<&Refusal> {
        self.refusals.iter().find(|refusal| refusal.class != Class::Missing)
    }

    pub(crate) fn budgets(&self, name: &str) -> Vec<&Budget> {
        self.budgets.iter().filter(|budget| budget.name == name).collect()
    }
}

/// Derives everything from a bundle. Bad evidence is a verdict, not an error.
///
/// # Errors
/// `ErrorKind::Policy` if the bundle's policy cannot be read.
pub fn derive(evidence: &Evidence) -> Result<Derived> {
    let policy = Policy::parse_with(&evidence.policy, &evidence.head.suite.metrics)?;
    let records = Records {
        evidence: Digest::of(&evidence.to_json()),
        base: Digest::of(&evidence.base.to_json()),
        head: Digest::of(&evidence.head.to_json()),
        baseline: evidence.baseline.as_ref().map(|baseline| baseline.record),
    };
    let refusals = check_evidence(evidence, &policy);
    // Times of evidence that does not hold are not looked at: a speed-up with another output is none.
    let holds = refusals.iter().all(|refusal| refusal.class == Class::Missing);
    let exact =
        if holds { exact::check(&evidence.base, &evidence.head, &policy) } else { Vec::new() };
    let rows =
        if holds { compare_arms(&evidence.base, &evidence.head, &policy) } else { Vec::new() };
    let budgets = if holds { budget::check(&evidence.head, &policy) } else { Vec::new() };
    let counts = Tally::of(&rows);
    let all: Vec<&Budget> = budgets.iter().collect();
    let verdict = decide(&refusals, &exact, &rows, &all);
    let judged = Judged {
        evidence,
        policy: &policy,
        records,
        refusals: &refusals,
        exact: &exact,
        rows: &rows,
        counts,
        budgets: &budgets,
        verdict,
    };
    let (benchmarks_gate, perf_gate) = (gate::benchmarks(&judged), gate::perf(&judged));
    let route = route::of(&judged, &[&benchmarks_gate, &perf_gate]);
    let inference = inference::of(&judged);
    let report = report::render(&judged, &benchmarks_gate, &perf_gate, &route);
    Ok(Derived {
        verdict,
        exact,
        rows,
        counts,
        budgets,
        refusals,
        benchmarks_gate,
        perf_gate,
        route,
        inference,
        report,
    })
}

/// The order of judgement: evidence that is not true (other output among it), that cannot be compared, a confirmed failure
/// (exact metrics before times), a hole, noise, pass. Nothing compared is a hole.
pub(crate) fn decide(
    refusals: &[Refusal],
    exact: &[Exact],
    rows: &[Row],
    budgets: &[&Budget],
) -> Verdict {
    let refused = |class: Class| refusals.iter().any(|refusal| refusal.class == class);
    let broken = exact.iter().any(|place| place.state == exact::State::Broken);
    let row = |verdict: MetricVerdict| rows.iter().any(|row| row.verdict == verdict);
    let budget = |state: State| budgets.iter().any(|budget| budget.state == state);
    if refused(Class::Invalid) {
        Verdict::Invalid
    } else if refused(Class::Incomparable) {
        Verdict::Incomparable
    } else if broken || row(MetricVerdict::Fail) || budget(State::Broken) {
        Verdict::Fail
    } else if refused(Class::Missing)
        || row(MetricVerdict::Missing)
        || budget(State::NotMeasured)
        || exact.iter().any(Exact::is_hole)
        || rows.is_empty()
    {
        Verdict::Incomparable
    } else if row(MetricVerdict::Inconclusive) {
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    }
}
