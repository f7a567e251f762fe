//! Every process of an arm put out the same, and said what it put out.

use baselines::RunRecord;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "stable-output",
    class: Class::Invalid,
    demand: "Every process of an arm put out the same ids and logits.",
    way_out: "find what makes the output vary (threads, uninitialised memory, the seed) before timing it",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let Some(first) = record.processes.first() else { return Vec::new() };
    let differs = |process: &&baselines::record::Process| process.outputs != first.outputs;
    let fault = |process: &baselines::record::Process| {
        Fault::new(
            format!("outputs of process {}", process.order),
            format!("those of process {}", first.order),
            "others",
        )
    };
    record.processes.iter().filter(differs).map(fault).collect()
}
