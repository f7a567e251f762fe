//! Allocations are those of workloads of the engine, each counted once.

use baselines::{RunRecord, record::Process};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "allocations",
    class: Class::Invalid,
    demand: "Allocations are counted of workloads of the engine alone, once each.",
    way_out: "run `bench gate` again; the worker counts what one untimed iteration asks of the allocator",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let of_engine = record.subject.engine().is_some();
    let counted = record.processes.iter().filter(|process| !process.allocations.is_empty());
    counted.flat_map(|process| of_process(record, process, of_engine)).collect()
}

fn of_process(record: &RunRecord, process: &Process, of_engine: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let field = |workload: &str| format!("process {} {workload} allocations", process.order);
    if !of_engine {
        faults.push(Fault::new(field("command"), "none of a command", "a count"));
    }
    for counted in &process.allocations {
        if !record.suite.workloads.iter().any(|workload| workload.name == counted.workload) {
            faults.push(Fault::new(field(&counted.workload), "a workload of the suite", "another"));
        }
    }
    for (place, counted) in process.allocations.iter().enumerate() {
        let name = &counted.workload;
        if process.allocations[..place].iter().any(|other| other.workload == *name) {
            faults.push(Fault::new(field(name), "one count", "several"));
        }
        if counted.requests == 0 && counted.bytes > 0 {
            faults.push(Fault::new(field(name), "a request for all bytes", "bytes without one"));
        }
    }
    faults
}
