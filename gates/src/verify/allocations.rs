//! Allocations are counted once for each workload of the engine, over its timed iterations.

use baselines::{RunRecord, record::Process};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "allocations",
    class: Class::Invalid,
    demand: "Where allocations are counted, it is once for each workload of the engine, over its timed iterations.",
    way_out: "run `bench gate` again; the worker counts what its timed stretches ask of the allocator",
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
    for workload in &record.suite.workloads {
        let name = &workload.name;
        let mut all = process.allocations.iter().filter(|counted| counted.workload == *name);
        let (Some(counted), None) = (all.next(), all.next()) else {
            faults.push(Fault::new(field(name), "one count", "none, or several"));
            continue;
        };
        let field = format!("{}.iterations", field(name));
        // A workload without samples is another rule's business.
        if let Some(series) = process.series.iter().find(|series| series.workload == *name) {
            let timed = series.samples.len() as u64 / series.per_iteration.max(1);
            faults.extend(Fault::unless_equal(&field, timed, counted.iterations));
        }
        if counted.requests == 0 && counted.bytes > 0 {
            faults.push(Fault::new(field, "a request for each byte", "bytes without a request"));
        }
    }
    faults
}
