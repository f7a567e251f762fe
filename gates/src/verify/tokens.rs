//! Tokens add up: prompt and sampled tokens are those asked for, and every timed step has its sample.

use baselines::{
    RunRecord,
    metric::SPAN_PREFIX,
    record::{Output, Process, StopReason, WorkloadDef},
};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "tokens",
    class: Class::Invalid,
    demand: "Prompts and outputs have the lengths asked for, and every sampled token of every iteration has its sample.",
    way_out: "run the session again; an early stop is reported with its reason, never padded or cut",
    check: Check::Record(check),
};

/// Kinds that put something out.
pub(super) const GENERATING: [&str; 4] = ["prefill", "decode", "batch", "end-to-end"];

/// Sequences that a workload has in its batch: its output is theirs, one after the other.
pub(super) fn n_sequences(workload: &WorkloadDef) -> u64 {
    workload.params.get("sequences").copied().unwrap_or(1).max(1)
}

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    for process in &record.processes {
        for workload in &record.suite.workloads {
            check_iterations(process, workload, &mut faults);
            if GENERATING.contains(&workload.kind.as_str()) {
                check_output(record, process, workload, &mut faults);
            }
        }
        let known = |output: &&Output| {
            !record.suite.workloads.iter().any(|workload| workload.name == output.workload)
        };
        for output in process.outputs.iter().filter(known) {
            faults.push(Fault::new(
                field(process, &output.workload),
                "a workload of the suite",
                "an output of another",
            ));
        }
    }
    faults
}

/// Whole iterations, as many as the suite asks for, one sampled token to a decode sample.
fn check_iterations(process: &Process, workload: &WorkloadDef, faults: &mut Vec<Fault>) {
    for series in process.series.iter().filter(|series| series.workload == workload.name) {
        let field = format!("{} {}", field(process, &workload.name), series.metric);
        let carried_out = series.samples.len() as u64 / series.per_iteration.max(1);
        if let Some(asked) = workload.params.get("iterations") {
            faults.extend(Fault::unless_equal(&format!("{field} iterations"), *asked, carried_out));
        }
        let output = process.outputs.iter().find(|output| output.workload == workload.name);
        if let Some(output) = output.filter(|output| output.iterations < carried_out) {
            let found = format!("{} of {carried_out} timed", output.iterations);
            faults.push(Fault::new(format!("{field} iterations"), "at least those timed", found));
        }
        let asked = |param: &str| workload.params.get(param).copied().unwrap_or(0);
        let samples = match series.metric.as_str() {
            "decode_step_ns" => output.map_or(0, |output| output.n_generated),
            "batch_step_ns" | "sample_ns" => asked("tokens"),
            span if span.starts_with(SPAN_PREFIX) => match workload.kind.as_str() {
                "batch" | "decode" => asked("tokens"),
                _ => 1,
            },
            "generation_ns" | "rss_bytes" => asked("generations"),
            _ => 1,
        };
        faults.extend(Fault::unless_equal(
            &format!("{field} per_iteration"),
            samples,
            series.per_iteration,
        ));
    }
}

fn check_output(
    record: &RunRecord,
    process: &Process,
    workload: &WorkloadDef,
    faults: &mut Vec<Fault>,
) {
    let field = field(process, &workload.name);
    let mut outputs = process.outputs.iter().filter(|output| output.workload == workload.name);
    let (Some(output), None) = (outputs.next(), outputs.next()) else {
        faults.push(Fault::new(field, "one output", "none, or several"));
        return;
    };
    if output.n_prompt == 0 || output.iterations == 0 {
        let found = format!("{} tokens in {} iterations", output.n_prompt, output.iterations);
        faults.push(Fault::new(format!("{field} n_prompt"), "a prompt, carried out", found));
    }
    let n_sequences = n_sequences(workload);
    let of_all = |asked: &u64| asked.saturating_mul(n_sequences);
    if let Some(asked) = workload.params.get("prompt_tokens").map(of_all) {
        faults.extend(Fault::unless_equal(&format!("{field} n_prompt"), asked, output.n_prompt));
    }
    let asked = workload.params.get("tokens").map(of_all);
    let stopped = output.stop == StopReason::EndOfGeneration;
    let fits = asked
        .is_none_or(|asked| output.n_generated == asked || stopped && output.n_generated < asked);
    let empty = workload.kind != "prefill" && output.n_generated == 0;
    if !fits || empty {
        let expected = asked.map_or_else(|| "at least 1".to_owned(), |asked| asked.to_string());
        let found = format!("{}, stopped by {:?}", output.n_generated, output.stop);
        faults.push(Fault::new(format!("{field} n_generated"), expected, found));
    }
    let length = output.n_prompt.saturating_add(output.n_generated) / n_sequences;
    let n_ctx = record.subject.engine().map_or(0, |engine| engine.model.n_ctx);
    if length > n_ctx {
        faults.push(Fault::new(
            format!("{field} length"),
            format!("at most {n_ctx} tokens"),
            length.to_string(),
        ));
    }
}

fn field(process: &Process, workload: &str) -> String {
    format!("process {} {workload}", process.order)
}
