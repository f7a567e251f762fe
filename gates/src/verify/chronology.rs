//! The order of a session in time: baseline, processes one after the other, bundle.

use baselines::{Evidence, record::Process, timestamp::parse_ms};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "chronology",
    class: Class::Invalid,
    demand: "The baseline is older than the session, processes never overlap, and the bundle is closed after its inputs.",
    way_out: "run `bench gate` again; if it persists, let the machine's clock be set before, not during, a session",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut in_order = |earlier: (&str, &str), later: (&str, &str)| {
        // A stamp of no known form is the business of the rule `timestamps`, but for those of the bundle itself.
        if !matches!((parse_ms(earlier.1), parse_ms(later.1)), (Some(first), Some(second)) if first <= second)
        {
            faults.push(Fault::new(
                later.0,
                format!("not before {} ({})", earlier.0, earlier.1),
                later.1,
            ));
        }
    };
    let (base, head) = (&evidence.base, &evidence.head);
    in_order(("head.ended_at", &head.ended_at), ("created_at", &evidence.created_at));
    in_order(("base.ended_at", &base.ended_at), ("created_at", &evidence.created_at));
    in_order(
        ("baseline.recorded_at", &evidence.baseline.recorded_at),
        ("base.started_at", &base.started_at),
    );
    let mut both: Vec<&Process> = base.processes.iter().chain(&head.processes).collect();
    both.sort_by_key(|process| process.order);
    for two in both.windows(2) {
        let (ended, started) =
            (format!("process {}", two[0].order), format!("process {}", two[1].order));
        in_order((&ended, &two[0].ended_at), (&started, &two[1].started_at));
    }
    for point in &evidence.history {
        in_order(("history.started_at", &point.started_at), ("created_at", &evidence.created_at));
    }
    faults
}
