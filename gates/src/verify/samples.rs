//! Samples are times that something took: positive, finite, and never all the same.

use std::collections::BTreeMap;

use baselines::{
    Metric, RunRecord,
    metric::{BENCH_METRIC, PROCESSOR_TIMES},
    unit::Unit,
};

use super::{Check, Class, Fault, Rule};
use crate::{policy::Policy, stats::quantile::median};

pub(super) const RULE: Rule = Rule {
    name: "samples",
    class: Class::Invalid,
    demand: "Samples are positive and finite, times at least a nanosecond, and neither a series nor an arm repeats one time.",
    way_out: "measure again: a clock never gives one time to the nanosecond eight times over",
    check: Check::Record(check),
};

/// So many equal times are a constant, not a measurement.
const LEAST: usize = 8;

/// No clock of a worker tells shorter times: it counts whole nanoseconds.
const TICK_NS: f64 = 1.0;

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut medians: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for (place, process) in record.processes.iter().enumerate() {
        for series in &process.series {
            let field = format!("processes[{place}].series[{}/{}]", series.workload, series.metric);
            let metric = baselines::metric::find(&series.metric);
            // An iteration of a benchmark is a share of what a clock told, and may be less than it can tell.
            let of_benchmark = series.metric == BENCH_METRIC;
            // Ticks of one run may all be the program's own, or all the system's.
            let is_part = PROCESSOR_TIMES.contains(&series.metric.as_str());
            let is_time = metric.is_some_and(|metric| metric.unit == Unit::Nanoseconds)
                && !of_benchmark
                && !is_part;
            let is_count = metric.is_some_and(|metric| metric.unit == Unit::Count);
            // Nothing may be counted; no time is nothing.
            let least = match (is_time, is_count || is_part) {
                (true, _) => TICK_NS,
                (_, true) => 0.0,
                _ => f64::MIN_POSITIVE,
            };
            let is_sound = |sample: &f64| sample.is_finite() && *sample >= least;
            if let Some(bad) = series.samples.iter().find(|sample| !is_sound(sample)) {
                let expected = format!("finite samples of at least {least}");
                faults.push(Fault::new(&field, expected, format!("{bad:e}")));
            }
            // Processor time may be counted in ticks, what a command says of itself may be rounded, and a loop may take the same each time.
            if !of_benchmark && !metric.is_some_and(Metric::is_interval) {
                continue;
            }
            if constant(&series.samples) {
                faults.push(Fault::new(
                    &field,
                    "times that vary",
                    format!("{} times {} ns", series.samples.len(), series.samples[0]),
                ));
            }
            medians
                .entry((&series.workload, &series.metric))
                .or_default()
                .extend(median(&series.samples));
        }
    }
    for ((workload, metric), medians) in medians {
        if constant(&medians) {
            let found = format!("{} processes with the median {} ns", medians.len(), medians[0]);
            faults.push(Fault::new(
                format!("series[{workload}/{metric}]"),
                "process medians that vary",
                found,
            ));
        }
    }
    faults
}

#[expect(clippy::float_cmp, reason = "the very same number is what the rule looks for")]
fn constant(values: &[f64]) -> bool {
    values.len() >= LEAST && values.iter().all(|value| *value == values[0])
}
