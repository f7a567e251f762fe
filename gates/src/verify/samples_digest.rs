//! The samples of a process are those that it made a digest of when it took them.

use baselines::RunRecord;

use super::{Check, Class, Fault, Rule, schema::CHAINED};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "samples-digest",
    class: Class::Invalid,
    demand: "The samples of each process have the digest that it made of them when it took them, as that process of that session and program.",
    way_out: "measure again: samples were changed, left out or mixed up after they were taken",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    for process in &record.processes {
        let field = format!("process {} samples_digest", process.order);
        let computed = record.samples_digest(process);
        match process.samples_digest {
            Some(found) => faults.extend(Fault::unless_equal(&field, computed, found)),
            None if record.version < CHAINED => {}
            None => faults.push(Fault::new(field, computed.to_string(), "none")),
        }
    }
    faults
}
