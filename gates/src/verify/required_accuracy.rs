//! Accuracy was counted in this session, over enough positions.

use std::collections::BTreeSet;

use baselines::{Evidence, format};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "required-accuracy",
    class: Class::Missing,
    demand: "The head's accuracy was counted in this session, over the positions that the policy asks for, if it does, and in \
             every ternary format of its suite.",
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
    let mut faults: Vec<Fault> = short.then(fault).into_iter().collect();
    for format in formats(evidence) {
        let counted = evidence.head.format_accuracy.iter().find(|found| found.format == format);
        let positions = counted.map_or(0, |found| found.positions);
        if positions < wanted {
            let field = format!("head.format_accuracy[{format}].positions");
            faults.push(Fault::new(field, format!("at least {wanted}"), positions.to_string()));
        }
    }
    faults
}

/// Ternary formats that the head's suite has workloads of, other than its model's own.
fn formats(evidence: &Evidence) -> BTreeSet<&'static str> {
    let head = &evidence.head;
    let own = head.accuracy.as_ref().map(|accuracy| accuracy.format.as_str());
    let named = head.suite.workloads.iter().filter_map(|workload| {
        let format = format::by_id(*workload.params.get("format")?)?;
        (format.ternary && Some(format.name) != own).then_some(format.name)
    });
    named.collect()
}
