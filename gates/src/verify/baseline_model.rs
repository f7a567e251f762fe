//! The stored baseline was recorded with this model.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "baseline-model",
    class: Class::Incomparable,
    demand: "The stored baseline was recorded with the model of this session.",
    way_out: "gate with the model of the baseline, or record a baseline of this model with `bench baseline record`",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let Some((baseline, engine)) = evidence.baseline.as_ref().zip(evidence.head.subject.engine())
    else {
        return Vec::new();
    };
    let (stored, here) = (baseline.model, engine.model.digest);
    Fault::unless_equal("head.subject.model.digest", stored, here).into_iter().collect()
}
