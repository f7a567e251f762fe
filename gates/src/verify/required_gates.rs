//! Every gate that the policy requires is one that this program derives.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::{gate, policy::Policy};

pub(super) const RULE: Rule = Rule {
    name: "required-gates",
    class: Class::Missing,
    demand: "Every gate that the policy requires is derived from this evidence.",
    way_out: "take the name off `gates.required` in the policy, or upgrade to a version that derives it",
    check: Check::Bundle(check),
};

fn check(_: &Evidence, policy: &Policy) -> Vec<Fault> {
    let unknown = policy.gates.required.iter().filter(|name| !gate::NAMES.contains(&name.as_str()));
    unknown
        .map(|name| Fault::new("policy gates.required", gate::NAMES.join(" or "), name.clone()))
        .collect()
}
