//! Every gate that the policy requires is one that is derived: from the measurement, or from a check in the bundle.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::{gate, policy::Policy};

pub(super) const RULE: Rule = Rule {
    name: "required-gates",
    class: Class::Missing,
    demand: "Every gate that the policy requires is derived from this evidence.",
    way_out: "run `bench check` for it before `bench gate`, or take the name off `gates.required` in the policy",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, policy: &Policy) -> Vec<Fault> {
    let checks = evidence.checks.iter().map(|check| gate::full_name(&check.gate));
    let derived: Vec<String> =
        gate::NAMES.iter().map(|name| (*name).to_owned()).chain(checks).collect();
    let missing = policy.gates.required.iter().filter(|name| !derived.contains(name));
    missing
        .map(|name| Fault::new("policy gates.required", derived.join(" or "), name.clone()))
        .collect()
}
