//! One comparison of a calibration, judged by the rule that judges a gate.
//!
//! In: the log ratios of a family's pairs, whose true difference is known to be none or planted. Out: verdicts and estimates.

use crate::{
    compare,
    decision::{Decision, Margins, Rule, decide},
    stats::Location,
    verdict::{MetricVerdict, Outcome},
};

/// What a comparison measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Share by which the head was slowed on purpose; 0 in a comparison of a build with itself.
    pub planted: f64,
    /// Wall time of the whole comparison.
    pub seconds: f64,
    /// For each metric of the family the log ratios of its pairs, in the order taken.
    pub log_ratios: Vec<Vec<f64>>,
}

/// What the rule said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Of the whole family: the worst of its metrics, and missing evidence is inconclusive.
    pub verdict: MetricVerdict,
    /// Whether a metric was claimed to be faster.
    pub improved: bool,
    /// Pairs that were taken.
    pub n_pairs: usize,
    /// Metric by metric, in the family's order; `None` without two finite log ratios.
    pub metrics: Vec<Option<Decision>>,
    /// Estimates from the pairs of the first look alone. Later pairs are taken where the first ones decide nothing: to
    /// average over them would give sessions that happened to look slow or fast another weight.
    pub first: Vec<Option<Location>>,
}

impl Trial {
    /// Judges the family.
    #[must_use]
    pub fn judged(&self, margins: &[Margins], rule: &Rule) -> Judged {
        let family: Vec<(Option<&[f64]>, Margins)> = self
            .log_ratios
            .iter()
            .zip(margins)
            .map(|(pairs, margins)| (Some(&pairs[..]), *margins))
            .collect();
        let metrics = decide(&family, rule).metrics;
        let found = |verdict| metrics.iter().flatten().any(|metric| metric.verdict == verdict);
        let verdict = if found(MetricVerdict::Fail) {
            MetricVerdict::Fail
        } else if metrics.is_empty()
            || metrics.iter().any(Option::is_none)
            || found(MetricVerdict::Inconclusive)
        {
            MetricVerdict::Inconclusive
        } else {
            MetricVerdict::Pass
        };
        let n = margins.len();
        let outcomes = metrics.iter().flatten().map(|metric| compare::outcome(metric, rule, n));
        let improved = outcomes.into_iter().any(|outcome| outcome == Outcome::Improved);
        let first = self.log_ratios.iter().map(|pairs| Location::of_pairs(first(pairs, rule)));
        let n_pairs = self.log_ratios.iter().map(Vec::len).min().unwrap_or(0);
        Judged { verdict, improved, n_pairs, first: first.collect(), metrics }
    }
}

/// The pairs of the first look, as far as there are so many.
pub(super) fn first<'a>(pairs: &'a [f64], rule: &Rule) -> &'a [f64] {
    &pairs[..pairs.len().min(rule.design.first().pairs)]
}
