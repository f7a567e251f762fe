//! The two processes of a pair measured by turns: never both at once.

use baselines::{Evidence, record::Process, timestamp::parse_ms};

use super::{
    Check, Class, Fault, Rule,
    rates::as_f64,
    wall::{CLOCKS_NS, CLOCKS_SHARE, timed_ns},
};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "turns",
    class: Class::Invalid,
    demand: "The samples of both processes of a pair fit, one after the other, in the time from the pair's start to its end.",
    way_out: "run `bench gate` again; times of two processes that measured at once are times of nothing",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let (base, head) = (&evidence.base.processes, &evidence.head.processes);
    let of_pair = |base: &Process| {
        let head = head.iter().find(|head| head.pair == base.pair)?;
        fault(base, head)
    };
    base.iter().filter_map(of_pair).collect()
}

fn fault(base: &Process, head: &Process) -> Option<Fault> {
    // A stamp of no known form is the business of the rule `timestamps`.
    let start = parse_ms(&base.started_at)?.min(parse_ms(&head.started_at)?);
    let end = parse_ms(&base.ended_at)?.max(parse_ms(&head.ended_at)?);
    let (timed, lasted) = (timed_ns(base) + timed_ns(head), as_f64(start.abs_diff(end)) * 1e6);
    (timed > lasted * (1.0 + CLOCKS_SHARE) + CLOCKS_NS).then(|| {
        Fault::new(
            format!("pair {}", base.pair),
            format!("at most {lasted} ns, the time of the pair"),
            format!("{timed} ns of samples"),
        )
    })
}
