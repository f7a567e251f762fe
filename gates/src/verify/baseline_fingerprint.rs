//! The stored baseline was recorded on this machine: another machine's times say nothing about this one's.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "baseline-fingerprint",
    class: Class::Incomparable,
    demand: "The stored baseline has the fingerprint of the machine of this session.",
    way_out: "record a baseline on this machine with `bench baseline record`, then run `bench gate` again",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let Some(baseline) = &evidence.baseline else { return Vec::new() };
    let (stored, here) = (baseline.fingerprint, evidence.head.host.fingerprint);
    Fault::unless_equal("head.host.fingerprint", stored, here).into_iter().collect()
}
