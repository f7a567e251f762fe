//! The machine and the build: host facts, warning marks, probes of what this session could reach, and the tool itself.

mod busy;
mod disturbance;
mod faults;
mod host;
mod machine;
mod marks;
mod power;
mod probes;
mod throttle;
mod tool;

pub(crate) use busy::{Busy, CROWDED_SHARE, OTHER_SHARE_MAX, STOLEN_SHARE_MAX, ticks_of_process};
pub(crate) use disturbance::Watch;
pub(crate) use faults::Faults;
pub(crate) use host::{host, virtualization};
pub(crate) use machine::{Machine, cpu_list, field, shown};
pub(crate) use marks::{SWAP_MIB_MAX, marks, swap_used_mib};
pub(crate) use power::{Supply, supplies};
pub(crate) use probes::probe;
pub(crate) use throttle::n_throttled;
pub(crate) use tool::tool;

/// Highest resident set size of this process in bytes, where the system says.
pub(crate) fn peak_rss_bytes() -> Option<u64> {
    peak_rss_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Resident set size of this process in bytes, where the system says.
pub(crate) fn rss_bytes() -> Option<u64> {
    kib_in(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

fn peak_rss_in(status: &str) -> Option<u64> {
    kib_in(status, "VmHWM:")
}

fn kib_in(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: P3.
    #[test]
    fn peak_rss_is_read_in_kib() {
        assert_eq!(peak_rss_in("Name:\tx\nVmHWM:\t   12 kB\nVmRSS:\t 8 kB\n"), Some(12_288));
        assert_eq!(peak_rss_in("Name:\tx\n"), None);
    }
}
