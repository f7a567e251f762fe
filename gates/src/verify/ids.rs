//! The ids that were put out stand in the record, and are those of the digests.

use baselines::{
    Digest, RunRecord,
    record::{Ids, Output},
};

use super::{Check, Class, Fault, Rule, schema::CHAINED};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "ids",
    class: Class::Invalid,
    demand: "The ids of each output are in the record, once, as many as it counts, of the model's vocabulary, with its digests.",
    way_out: "measure again: an output that nobody can read back proves nothing",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    if record.version < CHAINED {
        return Vec::new();
    }
    let n_vocab = record.subject.engine().map_or(0, |engine| engine.model.n_vocab);
    let outputs = record.processes.first().map_or(&[][..], |process| &process.outputs);
    let mut faults = Vec::new();
    for output in outputs {
        let mut ids = record.ids.iter().filter(|ids| ids.workload == output.workload);
        match (ids.next(), ids.next()) {
            (Some(ids), None) => check_one(output, ids, n_vocab, &mut faults),
            (found, _) => {
                let found = if found.is_none() { "none" } else { "several" };
                faults.push(Fault::new(format!("ids[{}]", output.workload), "one entry", found));
            }
        }
    }
    for ids in &record.ids {
        if !outputs.iter().any(|output| output.workload == ids.workload) {
            let field = format!("ids[{}]", ids.workload);
            faults.push(Fault::new(field, "a workload that puts something out", "another"));
        }
    }
    faults
}

fn check_one(output: &Output, ids: &Ids, n_vocab: u64, faults: &mut Vec<Fault>) {
    for (what, list, n, digest) in [
        ("prompt", &ids.prompt, output.n_prompt, output.prompt_ids_digest),
        ("generated", &ids.generated, output.n_generated, output.output_ids_digest),
    ] {
        let field = format!("ids[{}].{what}", output.workload);
        faults.extend(Fault::unless_equal(&format!("{field} length"), n, list.len() as u64));
        faults.extend(Fault::unless_equal(&field, digest, Digest::of_ids(list)));
        faults.extend(beyond(&field, list, n_vocab));
    }
}

/// A fault for the first id that the vocabulary does not have.
pub(super) fn beyond(field: &str, ids: &[u32], n_vocab: u64) -> Option<Fault> {
    let place = ids.iter().position(|id| u64::from(*id) >= n_vocab)?;
    Some(Fault::new(
        format!("{field}[{place}]"),
        format!("an id below {n_vocab}"),
        ids[place].to_string(),
    ))
}
