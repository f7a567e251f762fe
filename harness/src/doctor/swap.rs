//! Swap: memory that was written to disk, and comes back in the middle of a sample.

use super::{Check, Finding, Observation, State};
use crate::environment::{SWAP_MIB_MAX, swap_used_mib};

pub(super) const CHECK: Check =
    Check { name: "swap", about: "Is memory in swap, and does it move?", find };

fn find(seen: &Observation) -> Finding {
    let meminfo = seen.machine.text("/proc/meminfo").unwrap_or_default();
    let Some(used_mib) = swap_used_mib(&meminfo) else {
        return Finding::unknown("the use of swap is not told");
    };
    let windows = [&seen.idle, &seen.busy];
    let n_moved = windows
        .iter()
        .filter_map(|window| window.growth(|ends| ends.n_swapped))
        .reduce(u64::saturating_add);
    let moved = n_moved.map_or_else(String::new, |n| format!(", {n} pages moved while watching"));
    let state = if n_moved.unwrap_or(0) > 0 {
        State::Bad
    } else if used_mib > SWAP_MIB_MAX {
        State::Warn
    } else {
        State::Ok
    };
    let finding = Finding::new(state, format!("{used_mib} MiB in use{moved}"))
        .value("used_mib", used_mib)
        .value("moved_pages", n_moved);
    if state == State::Ok {
        return finding;
    }
    finding
        .effect("a sample waits for the disk wherever it touches a page that is out; some do, most do not")
        .mend("end what fills the memory, then empty the swap (it must fit into memory)")
        .command("sudo swapoff -a && sudo swapon -a")
}
