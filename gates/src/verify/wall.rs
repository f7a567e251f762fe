//! A process cannot hold more timed work than the time it took.

use std::collections::BTreeMap;

use baselines::{
    Metric, RunRecord,
    metric::BENCH_METRIC,
    record::{Process, Series},
    timestamp::parse_ms,
};

use super::{Check, Class, Fault, Rule, rates::as_f64};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "wall",
    class: Class::Invalid,
    demand: "The samples of a process fit in its wall time, and its wall time fits its stamps.",
    way_out: "run the session again; a sum of samples above the wall time was never measured",
    check: Check::Record(check),
};

/// The stamps and the wall time come from two clocks, one of which may be slewed: 100 ms and 1 %.
pub(super) const CLOCKS_NS: f64 = 100e6;
pub(super) const CLOCKS_SHARE: f64 = 0.01;

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (place, process) in record.processes.iter().enumerate() {
        let (timed, wall) = (timed_ns(process), as_f64(process.wall_ns));
        let field = format!("processes[{place}].wall_ns");
        if timed > wall {
            faults.push(Fault::new(
                &field,
                format!("at least {timed} ns, the sum of its samples"),
                format!("{wall} ns"),
            ));
        }
        let stamps = parse_ms(&process.started_at).zip(parse_ms(&process.ended_at));
        let Some(stamped) = stamps.map(|(start, end)| as_f64(start.abs_diff(end)) * 1e6) else {
            continue;
        };
        if (stamped - wall).abs() > CLOCKS_NS + CLOCKS_SHARE * wall {
            faults.push(Fault::new(
                &field,
                format!("about {stamped} ns, as its stamps say"),
                format!("{wall} ns"),
            ));
        }
    }
    faults
}

/// Time under measurement: of each workload the metric with the largest sum, since one may lie inside another
/// (time to first token inside end to end). A sample of a benchmark is one iteration of several.
pub(super) fn timed_ns(process: &Process) -> f64 {
    let mut by_workload: BTreeMap<&str, f64> = BTreeMap::new();
    for series in &process.series {
        let sum: f64 = if series.metric == BENCH_METRIC {
            benchmark_ns(process, series)
        } else if baselines::metric::find(&series.metric).is_some_and(Metric::is_interval) {
            series.samples.iter().sum()
        } else {
            continue;
        };
        let longest = by_workload.entry(&series.workload).or_default();
        *longest = longest.max(sum);
    }
    by_workload.values().sum()
}

/// Time that all iterations of a benchmark took.
fn benchmark_ns(process: &Process, series: &Series) -> f64 {
    let mut runs = process.runs.iter().filter(|runs| runs.workload == series.workload);
    let iterations = runs.next().map(|runs| runs.iterations.as_slice()).unwrap_or_default();
    let times = series.samples.iter().zip(iterations);
    times.map(|(iteration_ns, n)| iteration_ns * as_f64(*n)).sum()
}
