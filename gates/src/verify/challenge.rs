//! The challenge was answered within the timed iterations: prompts from the nonce, another for each pair, with ids to show.

use std::collections::BTreeMap;

use baselines::{
    Digest, RunRecord,
    record::{Challenge, Process, WorkloadDef, n_challenged},
};

use super::{Check, Class, Fault, Rule, ids::beyond, schema::CHAINED};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "challenge",
    class: Class::Invalid,
    demand: "Half of the timed iterations of prefill, decode and batch answer a prompt of the nonce, another for each pair, with as many ids as the fixed one.",
    way_out: "measure again: an output that was known beforehand proves nothing; `bench verify --replay` asks the questions again",
    check: Check::Record(check),
};

/// Kinds whose prompt is a list of ids, so that another one costs the same.
pub(super) const CHALLENGED: [&str; 3] = ["batch", "decode", "prefill"];
/// Prompts of fewer ids may be equal by chance.
const LEAST_IDS: u64 = 8;

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    if record.version < CHAINED || record.subject.engine().is_none() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    let workloads = || {
        let kind = |workload: &&WorkloadDef| CHALLENGED.contains(&workload.kind.as_str());
        record.suite.workloads.iter().filter(kind)
    };
    if record.nonce.is_none() && workloads().next().is_some() {
        faults.push(Fault::new("nonce", "32 hex digits", "none"));
    }
    for process in &record.processes {
        for workload in workloads() {
            check_one(record, process, workload, &mut faults);
        }
        for challenge in &process.challenges {
            if !workloads().any(|workload| workload.name == challenge.workload) {
                let found = "an answer of another";
                faults.push(Fault::new(
                    field(process, &challenge.workload),
                    "prefill, decode or batch",
                    found,
                ));
            }
        }
    }
    for workload in workloads() {
        check_prompts(record, workload, &mut faults);
    }
    faults
}

fn check_one(
    record: &RunRecord,
    process: &Process,
    workload: &WorkloadDef,
    faults: &mut Vec<Fault>,
) {
    let field = field(process, &workload.name);
    let carried_out = process
        .series
        .iter()
        .filter(|series| series.workload == workload.name)
        .map(|series| series.samples.len() as u64 / series.per_iteration.max(1))
        .max();
    let due = n_challenged(carried_out.unwrap_or(0));
    let mut answers = process.challenges.iter().filter(|found| found.workload == workload.name);
    let (answer, second) = (answers.next(), answers.next());
    let Some(answer) = answer.filter(|_| second.is_none()) else {
        if due > 0 || second.is_some() {
            let found = if second.is_some() { "several" } else { "none" };
            faults.push(Fault::new(field, "one answer", found));
        }
        return;
    };
    faults.extend(Fault::unless_equal(&format!("{field} iterations"), due, answer.iterations));
    let output = process.outputs.iter().find(|output| output.workload == workload.name);
    let Some(output) = output else { return };
    let n = answer.generated.len() as u64;
    faults.extend(Fault::unless_equal(&format!("{field} length"), output.n_generated, n));
    let n_vocab = record.subject.engine().map_or(0, |engine| engine.model.n_vocab);
    faults.extend(beyond(&field, &answer.generated, n_vocab));
    if output.n_prompt >= LEAST_IDS && answer.prompt_ids_digest == output.prompt_ids_digest {
        faults.push(Fault::new(field, "a prompt of the nonce", "the fixed prompt"));
    }
}

/// No two pairs have the same prompt.
fn check_prompts(record: &RunRecord, workload: &WorkloadDef, faults: &mut Vec<Fault>) {
    let long = workload.params.get("prompt_tokens").is_none_or(|n| *n >= LEAST_IDS);
    let mut pairs: BTreeMap<Digest, u64> = BTreeMap::new();
    for process in record.processes.iter().filter(|_| long) {
        let answer = process.challenges.iter().find(|found| found.workload == workload.name);
        let Some(Challenge { prompt_ids_digest, .. }) = answer else { continue };
        let pair = *pairs.entry(*prompt_ids_digest).or_insert(process.pair);
        if pair != process.pair {
            let found = format!("that of pair {pair}");
            faults.push(Fault::new(field(process, &workload.name), "a prompt of its own", found));
        }
    }
}

fn field(process: &Process, workload: &str) -> String {
    format!("process {} challenges[{workload}]", process.order)
}
