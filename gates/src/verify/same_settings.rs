//! Both arms were set up alike: threads, instruction set, activations, batch, device.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "same-settings",
    class: Class::Incomparable,
    demand: "Both arms ran with the same settings.",
    way_out: "run `bench gate` with one set of settings: a change of threads or instruction set is no change of code",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let (base, head) = (&evidence.base.subject.settings, &evidence.head.subject.settings);
    let differ = (base != head)
        .then(|| Fault::new("head.subject.settings", format!("{base:?}"), format!("{head:?}")));
    differ.into_iter().collect()
}
