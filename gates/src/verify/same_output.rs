//! Same output, or no comparison: ids and logits of the head equal those of the base and of the stored baseline.

use baselines::{Evidence, RunRecord, record::Output};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "same-output",
    class: Class::Invalid,
    demand: "The head puts out the ids and logits of the base and of the stored baseline; of commands, if asked for, the bytes.",
    way_out: "different output: if it is meant, record a new baseline with the reason; a speed-up never hides it",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    let (base, head) = (outputs(&evidence.base), outputs(&evidence.head));
    let names = |outputs: &[Output]| {
        outputs.iter().map(|output| output.workload.clone()).collect::<Vec<_>>().join(", ")
    };
    faults.extend(Fault::unless_equal("head.outputs", names(base), names(head)));
    for (mine, theirs) in head.iter().zip(base) {
        for (what, found, expected) in [
            ("prompt_ids_digest", mine.prompt_ids_digest, theirs.prompt_ids_digest),
            ("output_ids_digest", mine.output_ids_digest, theirs.output_ids_digest),
            ("logits_digest", mine.logits_digest, theirs.logits_digest),
        ] {
            faults.extend(Fault::unless_equal(
                &format!("head.outputs[{}].{what}", mine.workload),
                expected,
                found,
            ));
        }
    }
    // Another seed asks another question: then only the kept binary's answer of this session can be held against.
    for stored in evidence.baseline.iter().flat_map(|baseline| &baseline.outputs) {
        let same_prompt = |mine: &&Output| {
            mine.workload == stored.workload && mine.prompt_ids_digest == stored.prompt_ids_digest
        };
        let Some(mine) = head.iter().find(same_prompt) else { continue };
        let field = |what: &str| {
            format!("head.outputs[{}].{what}, against the stored baseline", mine.workload)
        };
        faults.extend(Fault::unless_equal(
            &field("output_ids_digest"),
            stored.output_ids_digest,
            mine.output_ids_digest,
        ));
        faults.extend(Fault::unless_equal(
            &field("logits_digest"),
            stored.logits_digest,
            mine.logits_digest,
        ));
    }
    faults.extend(stdout(evidence));
    faults
}

/// Where the same output was asked of commands: the first run of the head wrote what the first of the base wrote. The rule
/// `command` says that the other runs of an arm wrote the same.
fn stdout(evidence: &Evidence) -> Vec<Fault> {
    let runs = |record: &RunRecord| {
        record.processes.first().map(|process| process.runs.clone()).unwrap_or_default()
    };
    let mut faults = Vec::new();
    for (mine, theirs) in runs(&evidence.head).iter().zip(runs(&evidence.base)) {
        if let Some((found, expected)) =
            mine.stdout_digests.first().zip(theirs.stdout_digests.first())
        {
            let field = format!("head.runs[{}].stdout_digests", mine.workload);
            faults.extend(Fault::unless_equal(&field, *expected, *found));
        }
    }
    faults
}

/// Those of the first process; the rule `stable-output` says that the others have the same.
fn outputs(record: &RunRecord) -> &[Output] {
    record.processes.first().map_or(&[], |process| &process.outputs)
}
