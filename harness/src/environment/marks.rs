//! Marks: what a reader must know about the machine's state, taken before any timing is read.
//!
//! Not among them: the load average. After a gate it is that gate's own, and what else ran is counted by `busy.rs`.

use baselines::record::{Host, Mark, Tool};

use super::{
    machine::{Machine, field},
    power::{self, Supply},
};

/// Less than this is what an idle system leaves in swap.
pub(crate) const SWAP_MIB_MAX: u64 = 64;

/// The marks of this moment.
pub(crate) fn marks(host: &Host, tool: &Tool) -> Vec<Mark> {
    let machine = Machine::here();
    let mut marks = Vec::new();
    marks.extend(governor(&host.governor));
    marks.extend(swap(&machine.text("/proc/meminfo").unwrap_or_default()));
    marks.extend(battery(&power::supplies(&machine)));
    marks.extend(profile(tool));
    marks
}

fn mark(name: &str, detail: String) -> Mark {
    Mark { name: name.to_owned(), detail }
}

fn governor(governor: &str) -> Option<Mark> {
    match governor {
        "performance" => None,
        "unknown" => Some(mark(
            "governor-unknown",
            "the system does not say how the CPU's clock is governed; pairs cancel slow changes of it".to_owned(),
        )),
        other => Some(mark(
            "governor-not-performance",
            format!("`{other}`; `cpupower frequency-set -g performance` would steady the clock"),
        )),
    }
}

fn swap(meminfo: &str) -> Option<Mark> {
    let used_mib = swap_used_mib(meminfo)?;
    (used_mib > SWAP_MIB_MAX)
        .then(|| mark("swap-in-use", format!("{used_mib} MiB; free memory before measuring")))
}

/// MiB of swap in use by `/proc/meminfo`.
pub(crate) fn swap_used_mib(meminfo: &str) -> Option<u64> {
    let kib = |name: &str| -> Option<u64> {
        field(meminfo, name)?.split_whitespace().next()?.parse().ok()
    };
    Some(kib("SwapTotal")?.saturating_sub(kib("SwapFree")?) / 1024)
}

fn battery(supplies: &[Supply]) -> Option<Mark> {
    supplies
        .iter()
        .any(Supply::is_discharging)
        .then(|| mark("on-battery", "plug the machine in: batteries lower the clock".to_owned()))
}

fn profile(tool: &Tool) -> Option<Mark> {
    (tool.profile != "release").then(|| {
        let detail =
            format!("built with profile `{}`; times mean something with `--release`", tool.profile);
        mark("profile-not-release", detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_governor_but_performance_is_marked() {
        assert_eq!(governor("performance"), None);
        assert_eq!(governor("unknown").unwrap().name, "governor-unknown");
        assert_eq!(governor("powersave").unwrap().name, "governor-not-performance");
    }

    #[test]
    fn swap_in_use_is_marked() {
        assert_eq!(swap("SwapTotal: 0 kB\nSwapFree: 0 kB\n"), None);
        let mark = swap("SwapTotal: 1048576 kB\nSwapFree: 524288 kB\n").unwrap();
        assert!(mark.detail.starts_with("512 MiB"));
    }

    #[test]
    fn a_discharging_battery_is_marked() {
        let supply = |status: &str| Supply {
            name: "BAT0".to_owned(),
            kind: "Battery".to_owned(),
            status: status.to_owned(),
            capacity: None,
        };
        assert_eq!(battery(&[]), None);
        assert_eq!(battery(&[supply("Charging")]), None);
        assert_eq!(battery(&[supply("Discharging")]).unwrap().name, "on-battery");
    }
}
