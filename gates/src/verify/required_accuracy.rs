//! Accuracy was counted in this session, over enough positions.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "required-accuracy",
    class: Class::Missing,
    demand: "The head's accuracy was counted in this session, over the positions that the policy asks for, if it does.",
    way_out: "run `bench gate` without leaving accuracy out; it takes one pass per session",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, policy: &Policy) -> Vec<Fault> {
    let positions = evidence.head.accuracy.as_ref().map_or(0, |accuracy| accuracy.positions);
    let Some(budget) = &policy.budgets.accuracy else { return Vec::new() };
    let wanted = budget.positions;
    let short = positions < wanted;
    let fault = || {
        Fault::new("head.accuracy.positions", format!("at least {wanted}"), positions.to_string())
    };
    short.then(fault).into_iter().collect()
}
