//! Other work: the share of all CPU time that other processes took while this one did nothing.

use super::{Check, Finding, Observation, State, observation::Window};
use crate::environment::{CROWDED_SHARE, OTHER_SHARE_MAX};

pub(super) const CHECK: Check =
    Check { name: "load", about: "Do other processes use the CPUs?", find };

fn find(seen: &Observation) -> Finding {
    let Some((before, after)) = seen.idle.cpu_time() else {
        return Finding::unknown("CPU time is not counted");
    };
    let share = after.other_share_since(&before);
    let state = if share > CROWDED_SHARE {
        State::Bad
    } else if share > OTHER_SHARE_MAX {
        State::Warn
    } else {
        State::Ok
    };
    let found = format!("{:.1} % of the CPU time went to other processes", 100.0 * share);
    let finding = Finding::new(state, found).value("other_share", share);
    if state == State::Ok {
        return finding;
    }
    let finding = finding.effect(
        "intervals get wide; beside a program that filled one of two CPUs, a decode step took 8 to 10 ms on threads kept in \
         place, and 1 ms on free ones (harness/docs/methodology.md, \"The machine\")",
    );
    match busiest(&seen.idle) {
        // Halting a program blindly could halt the terminal that this runs in: the command shows it, the words say how.
        Some((id, name)) => finding
            .mend(format!(
                "end what is not needed, or halt it meanwhile (`kill -STOP {id}`, later `-CONT`); busiest is process {id}, \
                 {name:?}:"
            ))
            .command(format!("ps -o pid,user,pcpu,etime,args -p {id}"))
            .value("busiest_id", id)
            .value("busiest_name", name),
        None => finding.mend("end the other processes; `top` shows them"),
    }
}

/// The process that took most of the window, if any is to be seen.
fn busiest(window: &Window) -> Option<(u32, String)> {
    let before = &window.before.programs;
    let took = |id: &u32, ticks: u64| ticks.saturating_sub(before.get(id).map_or(0, |(_, t)| *t));
    let (id, (name, ticks)) =
        window.after.programs.iter().max_by_key(|(id, (_, ticks))| took(id, *ticks))?;
    (took(id, *ticks) > 0).then(|| (*id, name.clone()))
}
