//! Nothing reads its weights faster than this machine's memory gave bytes in this session.

use baselines::{
    RunRecord,
    unit::{Rate, Unit},
};

use super::{
    Check, Class, Fault, Rule,
    rates::{Timed, best_probe, timed},
};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "physics-bandwidth",
    class: Class::Invalid,
    demand: "No workload reads its bytes faster than the session's bandwidth probe of its working set, plus the slack.",
    way_out: "the time is too short for the bytes it must read: find out what was timed, and measure again",
    check: Check::Record(check),
};

fn check(record: &RunRecord, policy: &Policy) -> Vec<Fault> {
    timed(record)
        .iter()
        .filter_map(|timed| fault(record, timed, 1.0 + policy.physics.slack))
        .collect()
}

fn fault(record: &RunRecord, timed: &Timed<'_>, slack: f64) -> Option<Fault> {
    let probe = best_probe(record, timed.bandwidth_probes())?;
    let (rate, limit) = (timed.bytes_per_s(), probe * slack);
    (rate > limit).then(|| {
        let bytes = Unit::Bytes.text(timed.work.bytes);
        let expected = format!(
            "at most {} (probe {} with slack) for {bytes}",
            Rate::Bytes.text(limit),
            Rate::Bytes.text(probe)
        );
        let found =
            format!("{} in {}", Rate::Bytes.text(rate), Unit::Nanoseconds.text(timed.fastest_ns));
        Fault::new(timed.field(), expected, found)
    })
}
