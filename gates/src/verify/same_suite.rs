//! Both arms ran one suite.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "same-suite",
    class: Class::Invalid,
    demand: "Both arms of a session ran the same workloads with the same parameters.",
    way_out: "run `bench gate` again; it gives one suite to both arms",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let (base, head) = (&evidence.base.suite, &evidence.head.suite);
    let mut faults: Vec<Fault> =
        Fault::unless_equal("head.suite.digest", base.digest, head.digest).into_iter().collect();
    if faults.is_empty() && base != head {
        faults.push(Fault::new(
            "head.suite",
            "the definition that the base ran",
            "another one under the same digest",
        ));
    }
    faults
}
