//! Both arms of a session were asked the same, and gave the same answers.

use baselines::{Evidence, record::Process};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "same-challenge",
    class: Class::Invalid,
    demand: "Both arms have one nonce, and in each pair the head answers the challenge with the ids and logits of the base.",
    way_out: "different output on a prompt that neither could know: find the difference before looking at times",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let (base, head) = (&evidence.base, &evidence.head);
    let said = |nonce: &Option<String>| nonce.clone().unwrap_or_else(|| "none".to_owned());
    let mut faults: Vec<Fault> =
        Fault::unless_equal("head.nonce", said(&base.nonce), said(&head.nonce))
            .into_iter()
            .collect();
    for mine in &head.processes {
        let Some(theirs) = base.processes.iter().find(|process| process.pair == mine.pair) else {
            // The rule `pairing` says so.
            continue;
        };
        faults.extend(differs(mine, theirs));
    }
    faults
}

/// The first answer of a pair in which its two processes differ.
fn differs(mine: &Process, theirs: &Process) -> Option<Fault> {
    let field = |what: &str| format!("head process {} challenges{what}", mine.order);
    if mine.challenges.len() != theirs.challenges.len() {
        let (expected, found) = (theirs.challenges.len(), mine.challenges.len());
        return Fault::unless_equal(&field(""), expected, found);
    }
    let (answer, expected) =
        mine.challenges.iter().zip(&theirs.challenges).find(|(a, b)| a != b)?;
    let what = if answer.prompt_ids_digest != expected.prompt_ids_digest {
        "prompt"
    } else if answer.generated != expected.generated {
        "generated"
    } else if answer.logits_digest != expected.logits_digest {
        "logits_digest"
    } else {
        "workload and iterations"
    };
    Some(Fault::new(
        field(&format!("[{}].{what}", answer.workload)),
        format!("that of process {}, of the base", theirs.order),
        "another",
    ))
}
