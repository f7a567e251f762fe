//! Two arms into one row per gated metric: estimate, interval, p-values, and the verdict of the two margins.
//!
//! In: the records of both arms and the policy. Out: a [`Row`] per gated metric, in the policy's order.

mod judge;
mod warm_up;

pub(crate) use judge::outcome;

use baselines::{
    RunRecord,
    metric::Better,
    record::{Process, Series, pair_log_ratio},
    unit::Unit,
};
use rayon::prelude::*;

use crate::{
    decision::Margins,
    policy::{Gated, Policy},
    stats::{self, Location, Method, quantile::median},
    text,
    verdict::{MetricVerdict, Outcome},
    waived::Waived,
};
pub use warm_up::WarmUp;

/// The numbers behind one row. Log ratios are ln(head ÷ base), turned so that above 0 is worse.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The test.
    pub method: Method,
    /// Pairs that the numbers rest on: those of the look at which the verdict fell. For an unpaired comparison, processes of
    /// the smaller arm.
    pub n_pairs: usize,
    /// Pairs that were averaged into one value of the test, because neighbours depend on each other; else 1.
    pub block_size: usize,
    /// Median over the base's processes of their medians, in the unit of the metric.
    pub base_median: f64,
    /// The same of the head.
    pub head_median: f64,
    /// Log ratio.
    pub estimate: f64,
    /// Lower end of its two-sided 95 % interval.
    pub ci_low: f64,
    /// Upper end.
    pub ci_high: f64,
    /// One-sided p against "the log ratio is ≤ `m0`" (≤ `m1` where the policy fails on `unacceptable`).
    pub p_fail: f64,
    /// One-sided p against "the log ratio is ≥ `m1`".
    pub p_pass: f64,
    /// What `p_fail` had to reach at this look, as the first of its family; `None` before the first look.
    pub level_fail: Option<f64>,
    /// What `p_pass` had to reach at this look.
    pub level_pass: Option<f64>,
    /// Log of the negligible margin.
    pub m0: f64,
    /// Log of the unacceptable margin.
    pub m1: f64,
    /// The least true log ratio that ends in FAIL 9 times in 10 by the design's last look, if the spread stays as it is.
    /// `None` where the arms do not pair up, and nothing is judged.
    pub detectable: Option<f64>,
    /// The greatest true log ratio that ends in PASS 9 times in 10.
    pub passable: Option<f64>,
}

/// One gated metric, compared and judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Workload name.
    pub workload: String,
    /// Metric name.
    pub metric: String,
    /// Base unit of the medians.
    pub unit: Unit,
    /// The numbers; `None` where there is nothing to compare, or too little for an interval.
    pub comparison: Option<Comparison>,
    /// What the comparison found.
    pub outcome: Outcome,
    /// What that means for the gate.
    pub verdict: MetricVerdict,
    /// Of a pass: whether it is proven slower, within the margin. A reader must be told, whatever the word of the row is.
    pub proven_slower: bool,
    /// Of a pass: the waiver without which it would not be one.
    pub waived: Option<Waived>,
    /// Why, in a sentence with its numbers.
    pub reason: String,
    /// Whether its processes ran at one level. Said, and no part of the numbers.
    pub warm_up: WarmUp,
    /// Pairs that would decide an inconclusive row with 90 % power, if the truth is the estimate.
    pub pairs_needed: Option<u32>,
}

/// Judges the two arms of one paired session.
#[must_use]
pub fn compare_arms(base: &RunRecord, head: &RunRecord, policy: &Policy) -> Vec<Row> {
    let measured: Vec<Measured<'_>> =
        policy.gated.par_iter().map(|gated| Measured::paired(base, head, gated)).collect();
    let mut rows = judge::rows(&measured, &warm_ups(base, head, policy), policy);
    if let Some(why) = too_disturbed(base, head) {
        for row in rows.iter_mut().filter(|row| row.verdict != MetricVerdict::Missing) {
            (row.verdict, row.outcome) = (MetricVerdict::Inconclusive, Outcome::Inconclusive);
            row.reason.clone_from(&why);
        }
    }
    rows
}

/// Largest share of a session's pairs that may be disturbed: beyond it what is left is no fair sample of the machine.
const DISTURBED_MAX: f64 = 0.25;

/// Why a session says nothing, if too many of its pairs were disturbed.
fn too_disturbed(base: &RunRecord, head: &RunRecord) -> Option<String> {
    let both = base.processes.iter().zip(&head.processes);
    let marks: Vec<&str> = both
        .filter_map(|(base, head)| base.disturbed.as_deref().or(head.disturbed.as_deref()))
        .collect();
    let n_pairs = base.processes.len().min(head.processes.len());
    let most = DISTURBED_MAX * stats::yuen::as_f64(n_pairs);
    (stats::yuen::as_f64(marks.len()) > most).then(|| {
        format!(
            "{} of {n_pairs} pairs were disturbed ({}), a quarter is the most: measure in a quieter hour or on a quieter \
             host",
            marks.len(),
            text::inline(marks.first().unwrap_or(&"unknown"))
        )
    })
}

/// Compares two records: judged where they are the arms of one paired session, else estimated, and inconclusive.
#[must_use]
pub fn compare_records(base: &RunRecord, head: &RunRecord, policy: &Policy) -> Vec<Row> {
    let paired = baselines::record::Purpose::Paired;
    if base.session == head.session && base.purpose == paired && head.purpose == paired {
        return compare_arms(base, head, policy);
    }
    let measured: Vec<Measured<'_>> =
        policy.gated.par_iter().map(|gated| Measured::unpaired(base, head, gated)).collect();
    judge::rows(&measured, &warm_ups(base, head, policy), policy)
}

/// One for each gated metric, in the policy's order.
fn warm_ups(base: &RunRecord, head: &RunRecord, policy: &Policy) -> Vec<WarmUp> {
    policy.gated.par_iter().map(|gated| WarmUp::of(base, head, gated)).collect()
}

/// Whether more pairs can change a verdict of this session: a gated metric is open, none has failed, and looks remain.
#[must_use]
pub fn goes_on(base: &RunRecord, head: &RunRecord, policy: &Policy) -> bool {
    let measured: Vec<Measured<'_>> =
        policy.gated.par_iter().map(|gated| Measured::paired(base, head, gated)).collect();
    judge::decided(&measured, policy).open && too_disturbed(base, head).is_none()
}

/// The log ratios of a gated metric's pairs, ln(head ÷ base) turned so that above 0 is worse, in the order taken.
///
/// # Errors
/// Why there are none: the arms do not pair up, or a time has no logarithm.
pub fn pair_log_ratios(
    base: &RunRecord,
    head: &RunRecord,
    gated: &Gated,
) -> Result<Vec<f64>, String> {
    log_ratios(base, head, gated)
}

/// What was measured of one gated metric, before any judgement.
struct Measured<'a> {
    gated: &'a Gated,
    unit: Unit,
    base: Vec<f64>,
    head: Vec<f64>,
    found: Found,
}

/// How the two arms of a metric belong together.
enum Found {
    /// One log ratio per pair, in the order taken; an error where the arms do not pair up.
    Pairs(Result<Vec<f64>, String>),
    /// Arms of two sessions; an error where one of them has too few samples.
    Groups(Result<Location, String>),
}

impl<'a> Measured<'a> {
    fn paired(base: &RunRecord, head: &RunRecord, gated: &'a Gated) -> Self {
        let found = Found::Pairs(log_ratios(base, head, gated).and_then(|ratios| {
            if ratios.len() < 2 { Err(too_few(ratios.len())) } else { Ok(ratios) }
        }));
        let unit = unit(base, gated);
        let (base, head) = (process_medians(base, gated), process_medians(head, gated));
        Self { gated, unit, base, head, found }
    }

    fn unpaired(base: &RunRecord, head: &RunRecord, gated: &'a Gated) -> Self {
        let (unit, direction) = (unit(base, gated), direction(base, gated));
        let (base, head) = (process_medians(base, gated), process_medians(head, gated));
        let logs = |values: &[f64]| -> Vec<f64> {
            values.iter().map(|value| direction * libm::log(*value)).collect()
        };
        let location = Location::of_groups(&logs(&base), &logs(&head))
            .ok_or_else(|| too_few(base.len().min(head.len())));
        Self { gated, unit, base, head, found: Found::Groups(location) }
    }

    fn margins(&self) -> Margins {
        Margins {
            m0: libm::log(self.gated.margin_negligible),
            m1: libm::log(self.gated.margin_unacceptable),
        }
    }
}

fn too_few(n: usize) -> String {
    match n {
        0 => "no samples in one of the arms".to_owned(),
        1 => "1 pair of positive finite times, 2 are the least".to_owned(),
        n => format!("{n} processes of positive finite times, 2 are the least"),
    }
}

/// The median of each process that has samples.
fn process_medians(record: &RunRecord, gated: &Gated) -> Vec<f64> {
    record
        .samples(&gated.workload, &gated.metric)
        .filter_map(|(_, samples)| median(samples))
        .collect()
}

/// One log ratio per pair that nothing disturbed, in the order of the base arm; an error where the arms do not pair up one to
/// one.
fn log_ratios(base: &RunRecord, head: &RunRecord, gated: &Gated) -> Result<Vec<f64>, String> {
    let (base_arm, head_arm) = (series_of(base, gated), series_of(head, gated));
    if base_arm.len() != head_arm.len() {
        return Err(format!(
            "{} processes of the base have it, {} of the head",
            base_arm.len(),
            head_arm.len()
        ));
    }
    let ratio = |(process, series): &(&Process, &Series)| {
        let pair = process.pair;
        let mut partners = head_arm.iter().filter(|(other, _)| other.pair == pair);
        let (partner, second) = (partners.next(), partners.next());
        let (other, partner) = partner
            .filter(|_| second.is_none())
            .ok_or_else(|| format!("pair {pair} has no partner"))?;
        if process.disturbed.is_some() || other.disturbed.is_some() {
            return Ok(None);
        }
        Ok(Some(direction(base, gated) * pair_log_ratio(&base.suite, series, partner)?))
    };
    base_arm.iter().filter_map(|both| ratio(both).transpose()).collect()
}

/// The gated series of each process that has samples of it, with the process.
fn series_of<'a>(record: &'a RunRecord, gated: &Gated) -> Vec<(&'a Process, &'a Series)> {
    let of_process = |process: &'a Process| -> Option<(&'a Process, &'a Series)> {
        let series = process.series.iter().find(|series| {
            series.workload == gated.workload
                && series.metric == gated.metric
                && !series.samples.is_empty()
        });
        Some((process, series?))
    };
    record.processes.iter().filter_map(of_process).collect()
}

/// 1 where smaller is better, −1 where larger is.
fn direction(record: &RunRecord, gated: &Gated) -> f64 {
    match record.suite.metric(&gated.metric) {
        Some((_, Better::Higher)) => -1.0,
        Some((_, Better::Lower)) | None => 1.0,
    }
}

/// Base unit of a gated metric.
fn unit(record: &RunRecord, gated: &Gated) -> Unit {
    record.suite.metric(&gated.metric).map_or(Unit::Nanoseconds, |(unit, _)| unit)
}
