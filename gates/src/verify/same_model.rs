//! Both arms loaded one model, and describe it alike.

use baselines::{Evidence, record::Engine};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "same-model",
    class: Class::Invalid,
    demand: "Both arms of a session loaded the same model file.",
    way_out: "run `bench gate` again with one model for both arms",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    // One engine beside one command is the business of the rule `same-command`.
    let Some((base, head)) = engines(evidence) else { return Vec::new() };
    let (base, head) = (&base.model, &head.model);
    let mut faults: Vec<Fault> =
        Fault::unless_equal("head.subject.model.digest", base.digest, head.digest)
            .into_iter()
            .collect();
    if faults.is_empty() && base != head {
        faults.push(Fault::new(
            "head.subject.model",
            "the description that the base gives",
            "another one",
        ));
    }
    faults
}

/// The engines of both arms, if both are engines.
pub(super) fn engines(evidence: &Evidence) -> Option<(&Engine, &Engine)> {
    evidence.base.subject.engine().zip(evidence.head.subject.engine())
}
