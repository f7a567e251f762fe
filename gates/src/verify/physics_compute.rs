//! Nothing multiplies faster than this machine's best integer kernel did in this session.

use baselines::{
    RunRecord,
    unit::{Rate, Unit},
};

use super::{
    Check, Class, Fault, Rule,
    rates::{best_probe, timed},
};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "physics-compute",
    class: Class::Invalid,
    demand: "No workload carries out more multiply-adds per second than the session's int8 peak, plus the slack.",
    way_out: "the time is too short for the products it must carry out: find out what was timed, and measure again",
    check: Check::Record(check),
};

fn check(record: &RunRecord, policy: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    for timed in timed(record) {
        let Some(peak) = best_probe(record, timed.peak_probe()) else { continue };
        let limit = peak * (1.0 + policy.physics.slack);
        // The float products of the head are in the count: no float kernel beats the int8 peak either.
        let rate = timed.macs_per_s();
        if rate > limit {
            let expected = format!(
                "at most {} (probe {} with slack)",
                Rate::Macs.text(limit),
                Rate::Macs.text(peak)
            );
            let found = format!(
                "{} in {}",
                Rate::Macs.text(rate),
                Unit::Nanoseconds.text(timed.fastest_ns)
            );
            faults.push(Fault::new(timed.field(), expected, found));
        }
    }
    faults
}
