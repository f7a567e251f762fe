//! Every gated metric was measured, in every process of both arms.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "required-metrics",
    class: Class::Missing,
    demand: "Every gated metric has samples in every process of both arms.",
    way_out: "run a suite that has the workload, or take the metric off `[[gated]]` in the policy",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, policy: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    for gated in &policy.gated {
        for (arm, record) in [("base", &evidence.base), ("head", &evidence.head)] {
            let found = record
                .samples(&gated.workload, &gated.metric)
                .filter(|(_, samples)| !samples.is_empty())
                .count();
            let wanted = record.processes.len().max(1);
            if found < wanted {
                let field = format!("{arm}.{}/{}", gated.workload, gated.metric);
                faults.push(Fault::new(
                    field,
                    format!("samples in {wanted} processes"),
                    format!("in {found}"),
                ));
            }
        }
    }
    faults
}
