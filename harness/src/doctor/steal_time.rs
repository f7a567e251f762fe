//! Steal: time in which a CPU of this guest wanted to run, and the hypervisor ran another guest.
//! Read in the busy window: a CPU that sleeps is never robbed.

use super::{Check, Finding, Observation, State};
use crate::environment::STOLEN_SHARE_MAX;

/// As much as the slow-down that a gate must not miss, by the margins of the policy that ships.
const BAD_SHARE: f64 = 0.05;

pub(super) const CHECK: Check = Check {
    name: "steal-time",
    about: "Does the hypervisor give this guest's CPU time to others?",
    find,
};

fn find(seen: &Observation) -> Finding {
    let Some((before, after)) = seen.busy.cpu_time() else {
        return Finding::unknown("CPU time is not counted");
    };
    let share = after.stolen_share_since(&before);
    let state = if share >= BAD_SHARE {
        State::Bad
    } else if share > STOLEN_SHARE_MAX {
        State::Warn
    } else {
        State::Ok
    };
    let found = format!("{:.1} % of the CPU time while every CPU was wanted", 100.0 * share);
    let finding = Finding::new(state, found).value("stolen_share", share);
    if state == State::Ok {
        return finding;
    }
    finding
        .effect(format!(
            "work takes about {:.0} % longer than on a CPU of its own, in bursts: some samples all of it, most none",
            // Every CPU was wanted: what was left of it did the same work.
            100.0 * share / (1.0 - share.min(0.99))
        ))
        .mend("nothing to do inside a guest; a quieter hour, a dedicated host or bare metal would help")
}
