//! A phase lies within the whole: the first token comes before the last.

use baselines::RunRecord;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "phases",
    class: Class::Invalid,
    demand: "The time to the first token is no longer than that to the last, in every iteration.",
    way_out: "measure again: one clock cannot have taken both times",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    for process in &record.processes {
        for whole in process.series.iter().filter(|series| series.metric == "e2e_ns") {
            let part = process
                .series
                .iter()
                .find(|series| series.metric == "ttft_ns" && series.workload == whole.workload);
            let Some(part) = part else { continue };
            let field = format!("process {} {}/ttft_ns", process.order, whole.workload);
            if part.samples.len() != whole.samples.len() {
                let expected = format!("{} samples, as of e2e_ns", whole.samples.len());
                faults.push(Fault::new(field, expected, part.samples.len().to_string()));
                continue;
            }
            for (nth, (part, whole)) in part.samples.iter().zip(&whole.samples).enumerate() {
                if part > whole {
                    let field = format!("{field}, iteration {nth}");
                    faults.push(Fault::new(field, format!("at most {whole}"), part.to_string()));
                }
            }
        }
    }
    faults
}
