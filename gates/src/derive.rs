//! Evidence into everything that a gate says about it: verdict, rows, gate documents, route, report.
//!
//! In: the bundle, policy inside. Out: [`Derived`], a pure function of it: the same bundle gives the same bytes.

use baselines::{Digest, Evidence};

use crate::{
    Result,
    budget::{self, Budget, State},
    compare::Row,
    exact::{self, Exact},
    gate::{self, GateReport},
    history::Trend,
    inference,
    policy::Policy,
    report,
    route::{self, Route},
    triage::{self, Triage},
    verdict::{MetricVerdict, Outcome, Verdict},
    verify::{Class, Refusal, check_evidence},
    waived::{self, WaiverUse},
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
    /// Of the improved and unchanged: those that pass only by a waiver.
    pub waived: usize,
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
            waived: rows.iter().filter(|row| row.waived.is_some()).count(),
        }
    }

    /// In one line, every count named: "0 of 0" is never a silence. Waivers are named where there are any.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { compared, regressed, improved, unchanged, inconclusive, missing, waived } = self;
        let waived = if *waived == 0 { String::new() } else { format!(", {waived} waived") };
        format!(
            "{compared} compared, {regressed} regressed, {improved} improved, {unchanged} unchanged, \
             {inconclusive} inconclusive, {missing} missing{waived}"
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
    /// Every waiver of the policy, in force or not.
    pub waivers: Vec<WaiverUse>,
    /// Why evidence is refused.
    pub refusals: Vec<Refusal>,
    /// `review:gate:benchmarks`.
    pub benchmarks_gate: GateReport,
    /// `review:gate:perf`.
    pub perf_gate: GateReport,
    /// The gates of the checks in the bundle, in its order.
    pub check_gates: Vec<GateReport>,
    /// Those of them that the policy requires: name and verdict. They decide together with the measurement.
    pub other_gates: Vec<(String, Verdict)>,
    /// Where work goes next.
    pub route: Route,
    /// `inference.json`, with the keys of the report this project started from.
    pub inference: serde_json::Value,
    /// `inference_gpu.json`: the same of a GPU, or why there is none.
    pub inference_gpu: serde_json::Value,
    /// `report.md`.
    pub report: String,
    /// Where the time went, where the bundle has a session of triage.
    pub triage: Option<Triage>,
}

impl Derived {
    /// Name and bytes of every file, in the order they are written.
    #[must_use]
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let gates = [&self.benchmarks_gate, &self.perf_gate];
        let gates = gates.into_iter().chain(&self.check_gates);
        let mut files = vec![
            ("inference.json".to_owned(), inference::to_json(&self.inference)),
            ("inference_gpu.json".to_owned(), inference::to_json(&self.inference_gpu)),
        ];
        files.extend(gates.map(|gate| (gate.file(), gate.to_json())));
        files.push(("route.json".to_owned(), self.route.to_json()));
        files.push(("report.md".to_owned(), self.report.clone().into_bytes()));
        files
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
    pub(crate) waivers: &'a [WaiverUse],
    /// What the stored sessions say of each gated metric: context, which decides nothing.
    pub(crate) trends: &'a [Trend],
    /// Gates of the checks in the bundle.
    pub(crate) checks: &'a [GateReport],
    /// Those of them that the policy requires.
    pub(crate) other_gates: &'a [(String, Verdict)],
    /// What the measurement alone comes to.
    pub(crate) measured: Verdict,
    /// The same together with the other gates.
    pub(crate) verdict: Verdict,
    /// Where the time went: context, which decides nothing.
    pub(crate) triage: Option<&'a Triage>,
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
    let exact = if holds { waived::exact(evidence, &policy) } else { Vec::new() };
    let rows = if holds { waived::rows(evidence, &policy) } else { Vec::new() };
    let waivers = waived::uses(evidence, &policy, &rows, &exact);
    let budgets = if holds { budget::check(&evidence.head, &policy) } else { Vec::new() };
    let trend = |row: &Row| Trend::of(&evidence.history, &row.workload, &row.metric);
    let trends: Vec<Trend> = rows.iter().map(trend).collect();
    let counts = Tally::of(&rows);
    let all: Vec<&Budget> = budgets.iter().collect();
    let measured = decide(&refusals, &exact, &rows, &all);
    let check_gates = gate::checks(evidence, records.evidence, &policy, &refusals);
    let other_gates = required(&check_gates, &policy);
    let verdict = with_others(measured, &refusals, &other_gates);
    let triage = if holds { triage::attached(evidence, &policy) } else { None };
    let judged = Judged {
        evidence,
        triage: triage.as_ref(),
        policy: &policy,
        records,
        refusals: &refusals,
        exact: &exact,
        rows: &rows,
        counts,
        budgets: &budgets,
        waivers: &waivers,
        trends: &trends,
        checks: &check_gates,
        other_gates: &other_gates,
        measured,
        verdict,
    };
    let (benchmarks_gate, perf_gate) = (gate::benchmarks(&judged), gate::perf(&judged));
    let mut decided = vec![&benchmarks_gate, &perf_gate];
    decided.extend(check_gates.iter().filter(|gate| policy.gates.required.contains(&gate.name)));
    let route = route::of(&judged, &decided);
    let (inference, inference_gpu) = inference::both(&judged);
    let report = report::render(&judged, &benchmarks_gate, &perf_gate, &route);
    Ok(Derived {
        verdict,
        exact,
        rows,
        counts,
        budgets,
        waivers,
        refusals,
        benchmarks_gate,
        perf_gate,
        check_gates,
        other_gates,
        route,
        inference,
        inference_gpu,
        report,
        triage,
    })
}

/// The gates that the policy requires, with their verdicts. One that is present and not required is shown, and decides nothing.
fn required(gates: &[GateReport], policy: &Policy) -> Vec<(String, Verdict)> {
    let required = gates.iter().filter(|gate| policy.gates.required.contains(&gate.name));
    required.map(|gate| (gate.name.clone(), gate.verdict)).collect()
}

/// What a measurement comes to beside other gates, in the order of judgement below: evidence that does not hold, a failure of
/// either, a hole in either, noise, pass.
fn with_others(measured: Verdict, refusals: &[Refusal], others: &[(String, Verdict)]) -> Verdict {
    let taken_away = refusals.iter().any(|refusal| refusal.class != Class::Missing);
    let other = |verdict: Verdict| others.iter().any(|(_, other)| *other == verdict);
    if taken_away || measured == Verdict::Fail {
        measured
    } else if other(Verdict::Fail) {
        Verdict::Fail
    } else if others.iter().any(|(_, other)| *other != Verdict::Pass) {
        Verdict::Incomparable
    } else {
        measured
    }
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
