//! How often CPUs were slowed down for heat, by the system's own counters. In: a machine, CPUs. Out: a count since boot.
//! Source: the counters `thermal_throttle` of Linux on x86.

use super::Machine;

/// Times that one of `cpus` or its package was slowed down, since boot.
pub(crate) fn n_throttled(machine: &Machine, cpus: &[u32]) -> Option<u64> {
    let count = |cpu: &u32| -> Option<u64> {
        let read = |file: &str| {
            machine
                .number::<u64>(&format!("/sys/devices/system/cpu/cpu{cpu}/thermal_throttle/{file}"))
        };
        // CPUs of one package all tell its count: the sum is no count of events, but grows when one happens.
        let (core, package) = (read("core_throttle_count"), read("package_throttle_count"));
        [core, package].into_iter().flatten().reduce(u64::saturating_add)
    };
    cpus.iter().filter_map(count).reduce(u64::saturating_add)
}
