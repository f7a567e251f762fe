//! The base arm is the kept binary of the stored baseline.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "kept-binary",
    class: Class::Invalid,
    demand: "The base arm ran the binary that the baseline kept; commands have no stored baseline.",
    way_out: "run `bench gate` again: it starts the baseline's binary from the store, checked by digest",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let commands = evidence.base.subject.command().is_some();
    let Some(baseline) = &evidence.baseline else {
        let fault = Fault::new("baseline", "the stored baseline that kept the binary", "none");
        return if evidence.given.is_some() { Vec::new() } else { vec![fault] };
    };
    if commands {
        return vec![Fault::new("baseline", "none: no store keeps commands", &baseline.name)];
    }
    let (kept, ran) = (baseline.binary, evidence.base.subject.binary);
    Fault::unless_equal("base.subject.binary", kept, ran).into_iter().collect()
}
