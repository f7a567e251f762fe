//! Two arms into one row per gated metric: estimate, interval, p-values, and the verdict of the two margins.
//!
//! In: the records of both arms and the policy. Out: a [`Row`] per gated metric, in the policy's order.

mod judge;

use baselines::{RunRecord, metric::Better, unit::Unit};

use crate::{
    policy::{Gated, Policy},
    stats::{Location, Method, holm, power, quantile::median},
    verdict::{MetricVerdict, Outcome},
};

/// The numbers behind one row. Log ratios are ln(head ÷ base), turned so that above 0 is worse.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The test.
    pub method: Method,
    /// Pairs; for an unpaired comparison, processes of the smaller arm.
    pub n_pairs: usize,
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
    /// Log of the negligible margin.
    pub m0: f64,
    /// Log of the unacceptable margin.
    pub m1: f64,
    /// The least true log ratio that FAIL finds 9 times in 10 at this n, at the family's strictest level.
    pub detectable: f64,
    /// The greatest true log ratio that PASS finds 9 times in 10 at this n.
    pub passable: f64,
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
    /// Why, in a sentence with its numbers.
    pub reason: String,
    /// Pairs that would decide an inconclusive row with 90 % power, if the truth is the estimate.
    pub pairs_needed: Option<u32>,
}

/// Judges the two arms of one paired session.
#[must_use]
pub fn compare_arms(base: &RunRecord, head: &RunRecord, policy: &Policy) -> Vec<Row> {
    let measured: Vec<Measured<'_>> =
        policy.gated.iter().map(|gated| Measured::paired(base, head, gated)).collect();
    judge::rows(&measured, policy)
}

/// Compares two records: judged where they are the arms of one paired session, else estimated, and inconclusive.
#[must_use]
pub fn compare_records(base: &RunRecord, head: &RunRecord, policy: &Policy) -> Vec<Row> {
    let paired = baselines::record::Purpose::Paired;
    if base.session == head.session && base.purpose == paired && head.purpose == paired {
        return compare_arms(base, head, policy);
    }
    let measured: Vec<Measured<'_>> =
        policy.gated.iter().map(|gated| Measured::unpaired(base, head, gated)).collect();
    judge::rows(&measured, policy)
}

/// What was measured of one gated metric, before any judgement.
struct Measured<'a> {
    gated: &'a Gated,
    base: Vec<f64>,
    head: Vec<f64>,
    location: Result<Location, String>,
}

impl<'a> Measured<'a> {
    fn paired(base: &RunRecord, head: &RunRecord, gated: &'a Gated) -> Self {
        let (base_processes, head_processes) =
            (process_numbers(base, gated), process_numbers(head, gated));
        let location = log_ratios(&base_processes, &head_processes, gated)
            .and_then(|ratios| Location::of_pairs(&ratios).ok_or_else(|| too_few(ratios.len())));
        Self { gated, base: numbers(&base_processes), head: numbers(&head_processes), location }
    }

    fn unpaired(base: &RunRecord, head: &RunRecord, gated: &'a Gated) -> Self {
        let (base, head) =
            (numbers(&process_numbers(base, gated)), numbers(&process_numbers(head, gated)));
        let logs = |values: &[f64]| -> Vec<f64> {
            values.iter().map(|value| direction(gated) * value.ln()).collect()
        };
        let location = Location::of_groups(&logs(&base), &logs(&head))
            .ok_or_else(|| too_few(base.len().min(head.len())));
        Self { gated, base, head, location }
    }

    fn n(&self) -> usize {
        self.base.len().min(self.head.len())
    }
}

fn too_few(n: usize) -> String {
    match n {
        0 => "no samples in one of the arms".to_owned(),
        n => format!("{n} pairs of positive finite times, 2 are the least"),
    }
}

/// One process: its pair, and the median of its samples.
struct ProcessNumber {
    pair: u64,
    value: f64,
}

fn process_numbers(record: &RunRecord, gated: &Gated) -> Vec<ProcessNumber> {
    let of_process = |(process, samples): (&baselines::record::Process, &[f64])| {
        median(samples).map(|value| ProcessNumber { pair: process.pair, value })
    };
    record.samples(&gated.workload, &gated.metric).filter_map(of_process).collect()
}

fn numbers(processes: &[ProcessNumber]) -> Vec<f64> {
    processes.iter().map(|process| process.value).collect()
}

/// One log ratio per pair, in the order of the base arm; an error where the arms do not pair up one to one.
fn log_ratios(
    base: &[ProcessNumber],
    head: &[ProcessNumber],
    gated: &Gated,
) -> Result<Vec<f64>, String> {
    if base.len() != head.len() {
        return Err(format!(
            "{} processes of the base have it, {} of the head",
            base.len(),
            head.len()
        ));
    }
    let ratio = |base: &ProcessNumber| {
        let mut partners = head.iter().filter(|head| head.pair == base.pair);
        let (partner, second) = (partners.next(), partners.next());
        let partner = partner
            .filter(|_| second.is_none())
            .ok_or_else(|| format!("pair {} has no partner", base.pair))?;
        Ok(direction(gated) * (partner.value / base.value).ln())
    };
    base.iter().map(ratio).collect()
}

/// 1 where smaller is better, −1 where larger is.
fn direction(gated: &Gated) -> f64 {
    match baselines::metric::find(&gated.metric).map(|metric| metric.better) {
        Some(Better::Higher) => -1.0,
        Some(Better::Lower) | None => 1.0,
    }
}
