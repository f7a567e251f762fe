//! The order of a session in time: baseline, pairs one after the other, bundle.

use baselines::{Evidence, record::Process, timestamp::parse_ms};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "chronology",
    class: Class::Invalid,
    demand: "The baseline is older than the session, pairs never overlap, and the bundle is closed after its inputs.",
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
    if let Some(baseline) = &evidence.baseline {
        in_order(
            ("baseline.recorded_at", &baseline.recorded_at),
            ("base.started_at", &base.started_at),
        );
    }
    let mut both: Vec<&Process> = base.processes.iter().chain(&head.processes).collect();
    both.sort_by_key(|process| process.order);
    let name = |process: &Process, what: &str| format!("process {}, {what}", process.order);
    for (place, process) in both.iter().enumerate() {
        let started = (name(process, "started_at"), &process.started_at);
        // The two of a pair live side by side, and start in their order.
        for earlier in &both[..place] {
            if earlier.pair == process.pair {
                let first = name(earlier, "started_at");
                in_order((&first, &earlier.started_at), (&started.0, started.1));
            } else if earlier.pair.checked_add(1) == Some(process.pair) {
                in_order((&name(earlier, "ended_at"), &earlier.ended_at), (&started.0, started.1));
            }
        }
    }
    for point in &evidence.history {
        in_order(("history.started_at", &point.started_at), ("created_at", &evidence.created_at));
    }
    for hop in &evidence.hops {
        in_order(("hops.at", &hop.at), ("created_at", &evidence.created_at));
    }
    faults
}
