//! The stamps of checks: ends after starts, before the bundle was closed, and as far apart as the time each took.

use baselines::{Evidence, timestamp::parse_ms};

use super::{
    Check, Class, Fault, Rule,
    rates::as_f64,
    wall::{CLOCKS_NS, CLOCKS_SHARE},
};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "check-times",
    class: Class::Invalid,
    demand: "Every check ended after it started and before the bundle was closed, and its time fits its stamps.",
    way_out: "run `bench check` again; times are stamped by the program, never written by hand",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (place, check) in evidence.checks.iter().enumerate() {
        let field = |name: &str| format!("checks[{place}].{name}");
        let stamps = (parse_ms(&check.started_at), parse_ms(&check.ended_at));
        let (Some(started), Some(ended)) = stamps else {
            let expected = "UTC times like 2026-03-02T09:00:00.000Z";
            let found = format!("{} and {}", check.started_at, check.ended_at);
            faults.push(Fault::new(field("started_at"), expected, found));
            continue;
        };
        if ended < started {
            let expected = format!("not before started_at ({})", check.started_at);
            faults.push(Fault::new(field("ended_at"), expected, &check.ended_at));
        }
        // A stamp of the bundle that is none is the business of the rule `chronology`.
        if parse_ms(&evidence.created_at).is_some_and(|created| created < ended) {
            let expected = format!("not after created_at ({})", evidence.created_at);
            faults.push(Fault::new(field("ended_at"), expected, &check.ended_at));
        }
        let (stamped, wall) = (as_f64(ended.abs_diff(started)) * 1e6, as_f64(check.wall_ns));
        if (stamped - wall).abs() > CLOCKS_NS + CLOCKS_SHARE * wall {
            let expected = format!("about {stamped} ns, as its stamps say");
            faults.push(Fault::new(field("wall_ns"), expected, format!("{wall} ns")));
        }
    }
    faults
}
