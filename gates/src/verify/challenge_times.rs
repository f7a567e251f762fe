//! The fixed prompt and that of the nonce take the same time: neither was answered from memory.

use baselines::{
    RunRecord,
    metric::SPAN_PREFIX,
    record::{Series, WorkloadDef, is_challenged},
};

use super::{Check, Class, Fault, Rule, challenge::CHALLENGED, schema::CHAINED};
use crate::{policy::Policy, stats::quantile::median};

pub(super) const RULE: Rule = Rule {
    name: "challenge-times",
    class: Class::Invalid,
    demand: "Iterations with the fixed prompt take as long as those with a prompt of the nonce, within a half, by the median over six processes or more.",
    way_out: "find what answers a known prompt faster (a cache of outputs or of the prompt's state) and measure without it",
    check: Check::Record(check),
};

/// Prompts of one length are the same work; a machine's noise is far below this in the median over processes.
const MOST_APART: f64 = 1.5;
/// Of fewer processes the noise of one machine may be all there is: a process beside a busy one differs from itself by half.
const LEAST_PROCESSES: usize = 6;

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    if record.version < CHAINED || record.subject.engine().is_none() {
        return Vec::new();
    }
    let challenged = |workload: &&WorkloadDef| CHALLENGED.contains(&workload.kind.as_str());
    let mut faults = Vec::new();
    for workload in record.suite.workloads.iter().filter(challenged) {
        let mut metrics: Vec<&str> = record
            .processes
            .iter()
            .flat_map(|process| &process.series)
            .filter(|series| series.workload == workload.name)
            .map(|series| series.metric.as_str())
            // Of a span of a microsecond an interrupt is more than half; it is in the whole as well.
            .filter(|metric| !metric.starts_with(SPAN_PREFIX))
            .collect();
        metrics.sort_unstable();
        metrics.dedup();
        for metric in metrics {
            let ratios: Vec<f64> = record
                .processes
                .iter()
                .flat_map(|process| &process.series)
                .filter(|series| (&*series.workload, &*series.metric) == (&workload.name, metric))
                .filter_map(ratio)
                .collect();
            let Some(ratio) = median(&ratios).filter(|_| ratios.len() >= LEAST_PROCESSES) else {
                continue;
            };
            if !(1.0 / MOST_APART..=MOST_APART).contains(&ratio) {
                faults.push(Fault::new(
                    format!("{}/{metric}", workload.name),
                    format!("a ratio of 1 / {MOST_APART} to {MOST_APART}"),
                    format!("{ratio:.3} times as long with prompts of the nonce"),
                ));
            }
        }
    }
    faults
}

/// Median time with a prompt of the nonce, over that with the fixed one.
fn ratio(series: &Series) -> Option<f64> {
    let per_iteration = usize::try_from(series.per_iteration).ok()?.max(1);
    let (mut fixed, mut of_nonce) = (Vec::new(), Vec::new());
    for (nth, iteration) in (0..).zip(series.samples.chunks(per_iteration)) {
        let part = if is_challenged(nth) { &mut of_nonce } else { &mut fixed };
        part.extend_from_slice(iteration);
    }
    Some(median(&of_nonce)? / median(&fixed)?)
}
