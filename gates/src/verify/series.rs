//! Every series is one the reader knows: a registered metric on a workload of the suite, once, whole iterations.

use baselines::{
    RunRecord,
    record::{
        Process,
        wire::{self, MAX_ITERATIONS},
    },
};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "series",
    class: Class::Invalid,
    demand: "Workloads have names of their own, and every series is a registered metric, or one that the suite defines, on one of them, given once, in whole iterations.",
    way_out: "write records with `bench run`; a metric that is not registered has no meaning here",
    check: Check::Record(check),
};

/// Limits of the bundle, per record half of them.
const MAX_SERIES: usize = wire::MAX_SERIES / 2;
const MAX_SAMPLES: usize = wire::MAX_SAMPLES / 2;

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    if record.processes.is_empty() {
        faults.push(Fault::new("processes", "at least one", "none"));
    }
    let all = || record.processes.iter().flat_map(|process| &process.series);
    let (n_series, n_samples) =
        (all().count(), all().map(|series| series.samples.len()).sum::<usize>());
    if n_series > MAX_SERIES || n_samples > MAX_SAMPLES {
        let expected = format!("at most {MAX_SERIES} series and {MAX_SAMPLES} samples");
        faults.push(Fault::new(
            "processes",
            expected,
            format!("{n_series} series, {n_samples} samples"),
        ));
    }
    check_suite(record, &mut faults);
    for (place, process) in record.processes.iter().enumerate() {
        check_process(record, process, place, &mut faults);
    }
    faults
}

/// Workloads with names of their own, in a number of rounds that a session can have.
fn check_suite(record: &RunRecord, faults: &mut Vec<Fault>) {
    let workloads = &record.suite.workloads;
    for (place, workload) in workloads.iter().enumerate() {
        if workloads[..place].iter().any(|other| other.name == workload.name) {
            let field = format!("suite.workloads[{}]", workload.name);
            faults.push(Fault::new(field, "given once", "given again"));
        }
    }
    let rounds = record.suite.rounds;
    if !(1..=MAX_ITERATIONS).contains(&rounds) {
        let expected = format!("1 to {MAX_ITERATIONS}");
        faults.push(Fault::new("suite.rounds", expected, rounds.to_string()));
    }
}

fn check_process(record: &RunRecord, process: &Process, place: usize, faults: &mut Vec<Fault>) {
    for (idx, series) in process.series.iter().enumerate() {
        let field = format!("processes[{place}].series[{}/{}]", series.workload, series.metric);
        if record.suite.metric(&series.metric).is_none() {
            let expected = "a metric of the register, or of a command's own";
            faults.push(Fault::new(&field, expected, series.metric.clone()));
        }
        if !record.suite.workloads.iter().any(|workload| workload.name == series.workload) {
            faults.push(Fault::new(&field, "a workload of the suite", series.workload.clone()));
        }
        let same = |other: &&baselines::record::Series| {
            other.workload == series.workload && other.metric == series.metric
        };
        if process.series[..idx].iter().any(|other| same(&other)) {
            faults.push(Fault::new(&field, "given once", "given again"));
        }
        let n = series.samples.len() as u64;
        if n == 0 || series.per_iteration == 0 || !n.is_multiple_of(series.per_iteration) {
            let expected = format!("whole iterations of {} samples", series.per_iteration);
            faults.push(Fault::new(&field, expected, format!("{n} samples")));
        }
    }
}
