//! Two arms are two measurements: no process of the head has the times of one of the base.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule, repeated_samples::twin};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "arms-alike",
    class: Class::Invalid,
    demand: "No process of the head has the times of a process of the base.",
    way_out: "measure both binaries: one arm is a copy of the other, so nothing was compared",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (place, process) in evidence.head.processes.iter().enumerate() {
        for series in &process.series {
            if let Some(twin) = twin(series, &evidence.base.processes) {
                let field = format!(
                    "head.processes[{place}].series[{}/{}]",
                    series.workload, series.metric
                );
                let found = format!("the samples of the base's process {}", twin.order);
                faults.push(Fault::new(field, "times of its own", found));
            }
        }
    }
    faults
}
