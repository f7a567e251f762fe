//! No copied processes: two processes never take the same times to the nanosecond.

use baselines::{
    Metric, RunRecord,
    record::{Process, Series},
};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "repeated-samples",
    class: Class::Invalid,
    demand: "No two processes of an arm have the same times.",
    way_out: "measure again: these samples were copied, not taken",
    check: Check::Record(check),
};

/// Fewer samples could agree by chance on a coarse clock.
const LEAST: usize = 4;

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (place, process) in record.processes.iter().enumerate() {
        for series in &process.series {
            if let Some(twin) = twin(series, &record.processes[..place]) {
                let field =
                    format!("processes[{place}].series[{}/{}]", series.workload, series.metric);
                let found = format!("the samples of process {} again", twin.order);
                faults.push(Fault::new(field, "times of its own", found));
            }
        }
    }
    faults
}

/// The process among `others` that has the very samples of `series`.
pub(super) fn twin<'a>(series: &Series, others: &'a [Process]) -> Option<&'a Process> {
    // Processor time may be counted in ticks, and what a command says of itself may be rounded.
    let timed = baselines::metric::find(&series.metric).is_some_and(Metric::is_interval);
    let same = |other: &Series| {
        other.workload == series.workload
            && other.metric == series.metric
            && other.samples == series.samples
    };
    let enough = timed && series.samples.len() >= LEAST;
    others.iter().find(|other| enough && other.series.iter().any(same))
}
