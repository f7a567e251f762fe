//! Both arms ran on one machine.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "same-host",
    class: Class::Invalid,
    demand: "Both arms of a session ran on one machine.",
    way_out: "run `bench gate`, which measures both arms in one session on this machine",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let (base, head) = (evidence.base.host.fingerprint, evidence.head.host.fingerprint);
    Fault::unless_equal("head.host.fingerprint", base, head).into_iter().collect()
}
