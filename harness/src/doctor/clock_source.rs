//! What the kernel reads the time from: a counter in the CPU, or a chip that is slow to ask.
//! Source: Linux, `Documentation/timers/timekeeping.rst`; `vdso(7)` for those read without a system call.

use super::{Check, Finding, Observation, State, shell};

const FOLDER: &str = "/sys/devices/system/clocksource/clocksource0";
/// Read in user space, from a counter of the CPU.
const FAST: [&str; 4] = ["arch_sys_counter", "hyperv_clocksource_tsc_page", "kvm-clock", "tsc"];
/// Counts timer interrupts: steps of 1 to 10 ms.
const COARSE: [&str; 2] = ["jiffies", "refined-jiffies"];

pub(super) const CHECK: Check =
    Check { name: "clock-source", about: "Is the time read from a counter in the CPU?", find };

fn find(seen: &Observation) -> Finding {
    let Some(current) = seen.machine.line(&format!("{FOLDER}/current_clocksource")) else {
        return Finding::unknown("the clock source is not told");
    };
    let offered = seen.machine.line(&format!("{FOLDER}/available_clocksource")).unwrap_or_default();
    let state = match current.as_str() {
        name if FAST.contains(&name) => State::Ok,
        name if COARSE.contains(&name) => State::Bad,
        _ => State::Warn,
    };
    let finding = Finding::new(state, format!("{current} (offered: {offered})"))
        .value("current", current)
        .value("offered", offered.split_whitespace().collect::<Vec<_>>());
    if state == State::Ok {
        return finding;
    }
    let finding = finding.effect(
        "each reading may be a system call or a slow access to a device, in every sample twice; `timer` shows what it costs here",
    );
    match FAST.iter().find(|fast| offered.split_whitespace().any(|name| name == **fast)) {
        Some(fast) => {
            let path = format!("{FOLDER}/current_clocksource");
            finding.mend("take the counter of the CPU").command(shell::write(fast, &path))
        }
        None => finding.mend(seen.mend(
            "the kernel distrusts the CPU's counter: see `dmesg | grep -i tsc`; `tsc=reliable` on its command line overrules it",
        )),
    }
}
