//! An external command did what its record says: its own workloads and metrics, exit codes as allowed, one output if promised.
//!
//! In: a record. Out: a fault where a command claims what only the engine can, or the engine what only a command can.

use baselines::{
    RunRecord,
    metric::{BENCH_METRIC, COMMAND_METRICS, COMMAND_TRIAGE_METRICS, PROCESSOR_TIMES},
    record::{CommandInfo, Process, Purpose, WorkloadDef},
};

use super::{Check, Class, Fault, Rule, rates::as_f64};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "command",
    class: Class::Invalid,
    demand: "An external command has workloads, metrics and exit codes of commands, no work of the engine, and one output if it was asked for; the engine has none of these.",
    way_out: "run `bench gate --base-command … --head-command …` again, or without them for the engine",
    check: Check::Record(check),
};

/// Kind of a workload that is runs of a command, and of one that is a benchmark of a Criterion bench target.
const KINDS: [&str; 2] = ["command", "criterion"];
/// Processor time is counted in ticks on some systems, and a run may begin and end within one.
const TICK_NS: f64 = 20e6;
/// The one metric that a triage reads of both the engine and commands.
const SHARED: &str = "minor_faults_count";

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    let command = record.subject.command();
    let kind = command.map(|command| KINDS[usize::from(command.bench.is_some())]);
    for workload in &record.suite.workloads {
        let of_engine = !KINDS.contains(&workload.kind.as_str());
        if kind.map_or(!of_engine, |kind| kind != workload.kind) {
            let expected = kind.unwrap_or("a kind that the engine runs");
            let field = format!("suite.workloads[{}].kind", workload.name);
            faults.push(Fault::new(field, expected, workload.kind.clone()));
        }
    }
    match command {
        Some(command) => of_command(record, command, &mut faults),
        None => of_engine(record, &mut faults),
    }
    faults
}

fn of_engine(record: &RunRecord, faults: &mut Vec<Fault>) {
    if let Some(own) = record.suite.metrics.first() {
        faults.push(Fault::new("suite.metrics", "none beside the register", own.name.clone()));
    }
    for process in &record.processes {
        if !process.runs.is_empty() {
            let field = format!("runs of process {}", process.order);
            faults.push(Fault::new(field, "none of the engine", process.runs.len().to_string()));
        }
        for series in &process.series {
            let metric = series.metric.as_str();
            let of_commands = COMMAND_METRICS.contains(&metric)
                || COMMAND_TRIAGE_METRICS.contains(&metric) && metric != SHARED;
            if of_commands || metric == BENCH_METRIC {
                let field = format!("process {} {}", process.order, series.workload);
                faults.push(Fault::new(field, "a metric of the engine", series.metric.clone()));
            }
        }
    }
}

fn of_command(record: &RunRecord, command: &CommandInfo, faults: &mut Vec<Fault>) {
    if record.accuracy.is_some() {
        faults.push(Fault::new("accuracy", "none of a command", "a count"));
    }
    let is_triage = record.purpose == Purpose::Triage;
    for process in &record.processes {
        let work = process.outputs.len() + process.counts.len();
        if work > 0 {
            let field = format!("outputs and counts of process {}", process.order);
            faults.push(Fault::new(field, "none of a command", work.to_string()));
        }
        for series in &process.series {
            let metric = series.metric.as_str();
            let known = if command.bench.is_some() {
                metric == BENCH_METRIC
            } else {
                COMMAND_METRICS.contains(&metric)
                    || is_triage && COMMAND_TRIAGE_METRICS.contains(&metric)
                    || record.suite.metrics.iter().any(|own| own.name == metric)
            };
            if !known {
                let field = format!("process {} {}", process.order, series.workload);
                faults.push(Fault::new(field, "a metric of commands", series.metric.clone()));
            }
        }
        for workload in &record.suite.workloads {
            match command.bench {
                Some(_) => check_benchmark(process, workload, faults),
                None => check_runs(command, process, workload, faults),
            }
            faults.extend(processor_time(process, workload, record.host.cpus));
            if is_triage && command.bench.is_none() {
                faults.extend(parts(process, workload, record.host.cpus));
            }
        }
    }
    if command.same_output {
        check_output(record, faults);
    }
}

/// One exit code to a timed run, 0 unless failure is allowed; one digest to a run if the same output was asked for.
fn check_runs(
    command: &CommandInfo,
    process: &Process,
    workload: &WorkloadDef,
    faults: &mut Vec<Fault>,
) {
    let field = |what: &str| format!("process {} {} {what}", process.order, workload.name);
    let mut all = process.runs.iter().filter(|runs| runs.workload == workload.name);
    let (Some(runs), None) = (all.next(), all.next()) else {
        faults.push(Fault::new(field("runs"), "one entry", "none, or several"));
        return;
    };
    let timed = process
        .series
        .iter()
        .find(|series| series.workload == workload.name && series.metric == "wall_ns")
        .map_or(0, |series| series.samples.len());
    let digests = if command.same_output { timed } else { 0 };
    faults.extend(Fault::unless_equal(
        &field("wall_ns samples"),
        workload.params.get("iterations").copied().unwrap_or(0),
        timed as u64,
    ));
    faults.extend(Fault::unless_equal(&field("exit_codes"), timed, runs.exit_codes.len()));
    let found = runs.stdout_digests.len();
    faults.extend(Fault::unless_equal(&field("stdout_digests"), digests, found));
    faults.extend(Fault::unless_equal(&field("iterations"), 0, runs.iterations.len()));
    if let Some(code) = runs.exit_codes.iter().find(|code| **code != 0)
        && !command.ignore_failure
    {
        faults.push(Fault::new(field("exit_codes"), "0 in every run", code.to_string()));
    }
}

/// Where a process has a benchmark, it ran to its end, and it is known how many iterations each sample was timed over.
fn check_benchmark(process: &Process, workload: &WorkloadDef, faults: &mut Vec<Fault>) {
    let field = |what: &str| format!("process {} {} {what}", process.order, workload.name);
    let n_samples = process
        .series
        .iter()
        .find(|series| series.workload == workload.name)
        .map(|series| series.samples.len());
    let mut all = process.runs.iter().filter(|runs| runs.workload == workload.name);
    let (runs, more) = (all.next(), all.next());
    let (Some(runs), Some(n_samples), None) = (runs, n_samples, more) else {
        // A benchmark that one arm does not have is a hole in the comparison, which the rows say.
        if runs.is_some() || n_samples.is_some() {
            faults.push(Fault::new(
                field("runs"),
                "one entry, and samples",
                "one without the other",
            ));
        }
        return;
    };
    if runs.exit_codes != [0] || !runs.stdout_digests.is_empty() {
        let found = format!("{:?}, {} digests", runs.exit_codes, runs.stdout_digests.len());
        faults.push(Fault::new(field("exit_codes"), "0, of one run, and no output", found));
    }
    faults.extend(Fault::unless_equal(&field("iterations"), n_samples, runs.iterations.len()));
    if runs.iterations.contains(&0) {
        faults.push(Fault::new(field("iterations"), "at least 1 to a sample", "0"));
    }
}

/// No run has more processor time than all CPUs gave while it ran.
fn processor_time(process: &Process, workload: &WorkloadDef, cpus: u64) -> Option<Fault> {
    let (wall, cpu) = (samples(process, workload, "wall_ns"), samples(process, workload, "cpu_ns"));
    let beyond = |(wall, cpu): &(&f64, &f64)| **cpu > **wall * as_f64(cpus) + TICK_NS;
    let (wall, cpu) = wall.iter().zip(cpu).find(beyond)?;
    let field = format!("process {} {} cpu_ns", process.order, workload.name);
    Some(Fault::new(field, format!("at most {cpus} CPUs for {wall} ns"), format!("{cpu} ns")))
}

/// In a session of triage every run has both parts of its processor time, which sum to it, and to no more than all CPUs gave.
fn parts(process: &Process, workload: &WorkloadDef, cpus: u64) -> Option<Fault> {
    let of = |metric: &str| samples(process, workload, metric);
    let (wall, cpu) = (of("wall_ns"), of("cpu_ns"));
    let [system, user] = PROCESSOR_TIMES.map(of);
    let field = format!("process {} {} user_ns and system_ns", process.order, workload.name);
    if [system.len(), user.len()] != [wall.len(); 2] {
        let found = format!("{} and {}", user.len(), system.len());
        return Some(Fault::new(field, format!("{} samples of each", wall.len()), found));
    }
    for (nth, (user, system)) in user.iter().zip(system).enumerate() {
        let (sum, found) = (user + system, format!("{user} + {system} ns"));
        // Whole nanoseconds, far below 2^53.
        if let Some(cpu) = cpu.get(nth).filter(|cpu| (sum - **cpu).abs() > 0.5) {
            return Some(Fault::new(field, format!("a sum of {cpu} ns, the run's cpu_ns"), found));
        }
        if sum > wall[nth] * as_f64(cpus) + TICK_NS {
            let expected = format!("at most {cpus} CPUs for {} ns", wall[nth]);
            return Some(Fault::new(field, expected, found));
        }
    }
    None
}

/// The samples of one metric; none where it was not taken.
fn samples<'a>(process: &'a Process, workload: &WorkloadDef, metric: &str) -> &'a [f64] {
    let own = |series: &&baselines::record::Series| {
        series.workload == workload.name && series.metric == metric
    };
    process.series.iter().find(own).map(|series| series.samples.as_slice()).unwrap_or_default()
}

/// Every run of a workload wrote what its first run wrote.
fn check_output(record: &RunRecord, faults: &mut Vec<Fault>) {
    for workload in &record.suite.workloads {
        let runs = record
            .processes
            .iter()
            .flat_map(|process| process.runs.iter().map(move |runs| (process.order, runs)))
            .filter(|(_, runs)| runs.workload == workload.name);
        let mut first = None;
        for (order, runs) in runs {
            let Some(one) = runs.stdout_digests.first() else { continue };
            let first = *first.get_or_insert(*one);
            if let Some(other) = runs.stdout_digests.iter().find(|digest| **digest != first) {
                let field = format!("process {order} {} stdout_digests", workload.name);
                faults.extend(Fault::unless_equal(&field, first, *other));
            }
        }
    }
}
