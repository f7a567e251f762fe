//! Both arms were set up alike: threads, instruction set, activations, batch, device.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule, same_model::engines};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "same-settings",
    class: Class::Incomparable,
    demand: "Both arms ran with the same settings.",
    way_out: "run `bench gate` with one set of settings: a change of threads or instruction set is no change of code",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let Some((base, head)) = engines(evidence) else { return Vec::new() };
    let (base, head) = (&base.settings, &head.settings);
    let differ = (base != head)
        .then(|| Fault::new("head.subject.settings", format!("{base:?}"), format!("{head:?}")));
    differ.into_iter().collect()
}
