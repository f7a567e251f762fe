//! What the rule decided becomes rows: its numbers, and each verdict in a sentence.
//!
//! In: the current record, past ones that ask the same, the policy. Out: a [`StoredRow`] per gated metric. The decision
//! itself: [`super::rule`].

use baselines::{RunRecord, unit::Unit};

use super::{
    rule::{Decision, Found, Measured, Rule, SESSIONS_LEAST, decide},
    samples,
};
use crate::{
    decision::Margins,
    policy::{Gated, Policy},
    stats::quantile::median,
    text,
    verdict::{MetricVerdict, Outcome},
};

/// The numbers behind one row. Log ratios to what the past sessions predict, turned so that above 0 is worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predicted {
    /// Median over the past sessions of the median of their processes, in the unit of the metric.
    pub base_median: f64,
    /// Median of the current session's processes.
    pub current_median: f64,
    /// Log of the unacceptable margin.
    pub m1: f64,
    /// What the rule found.
    pub found: Found,
}

/// One gated metric, held against past sessions.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRow {
    /// Workload name.
    pub workload: String,
    /// Metric name.
    pub metric: String,
    /// Base unit of the medians.
    pub unit: Unit,
    /// Past sessions that have it.
    pub n_sessions: usize,
    /// The numbers; `None` where there are too few sessions, or nothing to compare.
    pub predicted: Option<Predicted>,
    /// What the comparison found.
    pub outcome: Outcome,
    /// What that means for the gate. A fail is unconfirmed.
    pub verdict: MetricVerdict,
    /// Why, in a sentence with its numbers.
    pub reason: String,
}

pub(super) fn rows(current: &RunRecord, past: &[&RunRecord], policy: &Policy) -> Vec<StoredRow> {
    let family: Vec<Option<Measured>> =
        policy.gated.iter().map(|gated| measured(current, past, gated)).collect();
    let decisions = decide(&family, &Rule::of(policy));
    let all = policy.gated.iter().zip(decisions);
    all.map(|(gated, decision)| row(current, past, gated, decision)).collect()
}

/// `None` where the current record lacks the metric, or no past one has it.
fn measured(current: &RunRecord, past: &[&RunRecord], gated: &Gated) -> Option<Measured> {
    let of = |record| samples::processes(record, &gated.workload, &gated.metric);
    let past: Vec<Vec<f64>> = past.iter().filter_map(|record| of(record)).collect();
    let margins = Margins {
        m0: libm::log(gated.margin_negligible),
        m1: libm::log(gated.margin_unacceptable),
    };
    (!past.is_empty()).then_some(Measured { past, now: of(current)?, margins })
}

fn row(current: &RunRecord, past: &[&RunRecord], gated: &Gated, decision: Decision) -> StoredRow {
    let (workload, metric) = (&gated.workload, &gated.metric);
    let whole = |record: &RunRecord| samples::processes(record, workload, metric).is_some();
    let have: Vec<&RunRecord> = past.iter().copied().filter(|record| whole(record)).collect();
    let middle = |record: &RunRecord| median(&samples::medians(record, workload, metric));
    let n_lack = past.len() - have.len();
    let (outcome, verdict, mut reason) = match &decision {
        Decision::Judged(found) => judged(found, libm::log(gated.margin_unacceptable)),
        Decision::TooFew(n) => {
            let reason = format!("too few past sessions ({n} of the least {SESSIONS_LEAST})");
            (Outcome::Inconclusive, MetricVerdict::Inconclusive, reason)
        }
        Decision::Missing => {
            let reason = if whole(current) {
                format!("too few past sessions (0 of the least {SESSIONS_LEAST})")
            } else {
                "nothing to compare: the current record has no positive finite times of it"
                    .to_owned()
            };
            (Outcome::Missing, MetricVerdict::Missing, reason)
        }
    };
    if n_lack > 0 {
        reason += &format!("; {n_lack} of {} past sessions lack it", past.len());
    }
    let predicted = match decision {
        Decision::Judged(found) => {
            let medians: Vec<f64> = have.iter().filter_map(|record| middle(record)).collect();
            median(&medians).zip(middle(current)).map(|(base_median, current_median)| Predicted {
                base_median,
                current_median,
                m1: libm::log(gated.margin_unacceptable),
                found,
            })
        }
        Decision::TooFew(_) | Decision::Missing => None,
    };
    StoredRow {
        workload: workload.clone(),
        metric: metric.clone(),
        unit: baselines::metric::find(metric).map_or(Unit::Nanoseconds, |metric| metric.unit),
        n_sessions: have.len(),
        predicted,
        outcome,
        verdict,
        reason,
    }
}

fn judged(found: &Found, m1: f64) -> (Outcome, MetricVerdict, String) {
    let Found { change, n_sessions, p_fail, p_pass, .. } = *found;
    let (change, bound, margin) =
        (text::change(change), text::change(found.bound()), text::change(m1));
    let sees = format!(
        "{n_sessions} sessions see a slow-down of {} 9 times in 10",
        text::change(found.detectable())
    );
    let within = format!("{change}: within the prediction bound of {bound}");
    let slower = format!("slower than the bound of {bound}");
    let (outcome, reason) = match found.verdict {
        MetricVerdict::Pass if found.proven_slower => (
            Outcome::Unchanged,
            format!("pass, {change} is {slower} and within the margin of {margin}; {sees}"),
        ),
        MetricVerdict::Pass => {
            let faster = found.proven_faster();
            let outcome = if faster { Outcome::Improved } else { Outcome::Unchanged };
            (outcome, format!("{within}, not slower than {margin} (p = {p_pass:.2e}); {sees}"))
        }
        MetricVerdict::Fail => (
            Outcome::Regressed,
            format!(
                "{change}: {slower} (p = {p_fail:.2e}, level {:.1e}); unconfirmed: `bench gate` pairs the builds",
                found.level_fail
            ),
        ),
        MetricVerdict::Inconclusive | MetricVerdict::Missing => (
            Outcome::Inconclusive,
            format!("{within}, which does not show that it is not slower than {margin}; {sees}"),
        ),
    };
    (outcome, found.verdict, reason)
}
