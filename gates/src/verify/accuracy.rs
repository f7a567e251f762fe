//! Counted accuracy: agreement cannot exceed the positions scored, and likelihoods are finite sums.

use baselines::RunRecord;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "accuracy",
    class: Class::Invalid,
    demand: "Agreement is counted over the positions scored, on a format that the model has.",
    way_out: "run the session again: accuracy is counted once per session, never filled in",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let Some(accuracy) = &record.accuracy else { return Vec::new() };
    let mut faults = Vec::new();
    if accuracy.positions == 0 || accuracy.top1_equal > accuracy.positions {
        let expected = format!("at most {} of at least 1", accuracy.positions);
        faults.push(Fault::new("accuracy.top1_equal", expected, accuracy.top1_equal.to_string()));
    }
    for (field, nll) in
        [("accuracy.nll_int8", accuracy.nll_int8), ("accuracy.nll_float", accuracy.nll_float)]
    {
        if !(nll.is_finite() && nll > 0.0) {
            faults.push(Fault::new(field, "a finite sum above 0", nll.to_string()));
        }
    }
    // Of a command there is none to count: the business of the rule `command`.
    let Some(engine) = record.subject.engine() else { return faults };
    if !engine.model.linears.iter().any(|linear| linear.format == accuracy.format) {
        faults.push(Fault::new(
            "accuracy.format",
            "a format of one of the model's linears",
            accuracy.format.clone(),
        ));
    }
    faults
}
