//! Whether two records of one build on one machine say the same: equivalence within the policy's margin, per metric.
//! In: two records and the policy. Out: a row per gated metric that both have. Pure.
//!
//! A baseline that its own build does not come back to is no baseline: whatever is compared with it later inherits the
//! difference. The rows are estimated from process medians, as unpaired records are everywhere; both ends of the 95 %
//! interval must lie within the unacceptable margin, so a noisy machine does not agree by being noisy.

use baselines::{RunRecord, metric, quantile::median, unit::Unit};
use gates::{Policy, stats::Location};

/// One metric of two records.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) workload: String,
    pub(crate) metric: String,
    pub(crate) unit: Unit,
    /// Median over the processes of their medians.
    pub(crate) earlier: f64,
    pub(crate) later: f64,
    /// Log ratio of later ÷ earlier with its 95 % interval; `None` where the samples allow none.
    pub(crate) change: Option<Change>,
    /// Log of the policy's unacceptable margin.
    pub(crate) margin: f64,
}

/// A log ratio and its two-sided 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) estimate: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Row {
    /// Whether the interval lies within the margin on both sides.
    pub(crate) fn agrees(&self) -> bool {
        self.change.is_some_and(|change| change.reach() < self.margin)
    }
}

impl Change {
    /// Of two records that share no session; `None` for fewer than two processes, or times without a logarithm.
    pub(crate) fn of(earlier: &[f64], later: &[f64]) -> Option<Self> {
        let logs = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<_>>();
        let location = Location::of_groups(&logs(earlier), &logs(later))?;
        let (low, high) = location.interval_95()?;
        Some(Self { estimate: location.estimate(), low, high })
    }

    /// The end of the interval that is further from no change.
    pub(crate) fn reach(&self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}

/// Every gated metric that both records have, in the policy's order.
pub(crate) fn rows(earlier: &RunRecord, later: &RunRecord, policy: &Policy) -> Vec<Row> {
    let row = |gated: &gates::policy::Gated| {
        let of = |record| medians(record, &gated.workload, &gated.metric);
        let (before, after) = (of(earlier), of(later));
        Some(Row {
            workload: gated.workload.clone(),
            metric: gated.metric.clone(),
            unit: metric::find(&gated.metric).map_or(Unit::Nanoseconds, |metric| metric.unit),
            earlier: median(&before)?,
            later: median(&after)?,
            change: Change::of(&before, &after),
            margin: gated.margin_unacceptable.ln(),
        })
    };
    policy.gated.iter().filter_map(row).collect()
}

/// Whether two records asked the same question of the same build on the same machine.
pub(crate) fn same_question(a: &RunRecord, b: &RunRecord) -> bool {
    a.tool.commit == b.tool.commit
        && a.subject.binary == b.subject.binary
        && a.subject.engine().map(|engine| (engine.model.digest, &engine.settings))
            == b.subject.engine().map(|engine| (engine.model.digest, &engine.settings))
        && a.suite.digest == b.suite.digest
        && a.host.fingerprint == b.host.fingerprint
        && a.seed == b.seed
}

/// The median of each process that has samples of a series.
pub(crate) fn medians(record: &RunRecord, workload: &str, metric: &str) -> Vec<f64> {
    record.samples(workload, metric).filter_map(|(_, samples)| median(samples)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy::parse(gates::DEFAULT_POLICY).unwrap()
    }

    #[test]
    fn two_sessions_of_one_build_agree_and_a_slower_one_does_not() {
        let script = |seed, factor| baselines::testing::evidence(seed, factor).head;
        let earlier = script(1, 1.0);
        let rows_of = |later: &RunRecord| rows(&earlier, later, &policy());
        let same = rows_of(&script(2, 1.0));
        // The script gives every metric of the shipped policy that is not of another suite.
        assert!(same.len() >= 3, "{same:?}");
        assert!(same.iter().all(Row::agrees), "{same:?}");
        // 7 % either way is beyond the margin of 5 %: faster does not agree any more than slower.
        for factor in [1.07, 0.93] {
            let other = rows_of(&script(2, factor));
            assert!(!other.iter().any(Row::agrees), "{factor}: {other:?}");
        }
    }

    #[test]
    fn noise_that_hides_everything_does_not_agree() {
        // Medians equal, spread 30 %: the interval is wider than the margin.
        let earlier: Vec<f64> = (0..10).map(|i| 100.0 + 6.0 * f64::from(i)).collect();
        let change = Change::of(&earlier, &earlier).unwrap();
        assert!(change.estimate.abs() < 1e-12 && change.reach() > 1.05_f64.ln(), "{change:?}");
    }

    #[test]
    fn values_without_a_logarithm_or_a_spread_have_no_agreement() {
        for bad in [&[][..], &[1.0], &[0.0, 1.0, 2.0], &[-1.0, 1.0], &[f64::NAN, 1.0, 1.0]] {
            assert_eq!(Change::of(&[1.0, 2.0, 3.0], bad), None, "{bad:?}");
        }
    }

    #[test]
    fn another_seed_or_suite_asks_another_question() {
        let record = baselines::testing::record(1);
        assert!(same_question(&record, &record));
        let mut other = record.clone();
        other.seed += 1;
        assert!(!same_question(&record, &other));
        let mut other = record.clone();
        other.subject.engine_mut().unwrap().settings.threads = 1;
        assert!(!same_question(&record, &other));
    }
}
