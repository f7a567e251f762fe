//! Whether hardware counters may be read: not to judge by, but to find out why something is slower.
//! Source: Linux, `Documentation/admin-guide/perf-security.rst`.

use super::{Check, Finding, Observation, State};

/// A process may count its own user-space events up to this level.
const PARANOID_MAX: i64 = 2;

pub(super) const CHECK: Check = Check {
    name: "perf-events",
    about: "May this user read hardware counters, to find out why something is slower?",
    find,
};

fn find(seen: &Observation) -> Finding {
    let Some(level) = seen.machine.number::<i64>("/proc/sys/kernel/perf_event_paranoid") else {
        return Finding::unknown("perf_event_paranoid is not told: a kernel without perf events?");
    };
    let pmus = seen.machine.names("/sys/bus/event_source/devices");
    // `cpu` on x86, `cpu_core` and `cpu_atom` on hybrids, `armv8_…` on Arm.
    let has_counters = pmus.iter().any(|name| name.starts_with("cpu") || name.starts_with("armv"));
    let counters = if has_counters { "" } else { ", but no hardware counters are shown" };
    let finding = Finding::new(State::Info, format!("perf_event_paranoid {level}{counters}"))
        .effect("none on a time; without counters, `perf stat` can't say why one grew")
        .value("perf_event_paranoid", level)
        .value("hardware_counters", has_counters);
    if level > PARANOID_MAX {
        return finding
            .mend("let users count their own processes")
            .command(format!("sudo sysctl -w kernel.perf_event_paranoid={PARANOID_MAX}"));
    }
    if has_counters {
        return Finding { state: State::Ok, ..finding }.effect("none expected");
    }
    let mend = seen.mend("see the firmware's settings, or a kernel with the CPU's event driver");
    finding.mend(mend)
}
