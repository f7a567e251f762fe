//! Marks: what a reader must know about the machine's state, taken before any timing is read.
//!
//! Not among them: the load average. After a gate it is that gate's own, and what else ran is counted by `busy.rs`.

use std::{fs, path::Path};

use baselines::record::{Host, Mark, Tool};

/// The marks of this moment.
pub(crate) fn marks(host: &Host, tool: &Tool) -> Vec<Mark> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let mut marks = Vec::new();
    marks.extend(governor(&host.governor));
    marks.extend(swap(&read("/proc/meminfo")));
    marks.extend(battery(Path::new("/sys/class/power_supply")));
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
    let kib = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let used_mib = kib("SwapTotal:")?.saturating_sub(kib("SwapFree:")?) / 1024;
    (used_mib > 64)
        .then(|| mark("swap-in-use", format!("{used_mib} MiB; free memory before measuring")))
}

fn battery(supplies: &Path) -> Option<Mark> {
    let discharging = fs::read_dir(supplies).ok()?.flatten().any(|supply| {
        let status = fs::read_to_string(supply.path().join("status")).unwrap_or_default();
        status.trim() == "Discharging"
    });
    discharging
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
        let supplies = tempfile::tempdir().unwrap();
        assert_eq!(battery(supplies.path()), None);
        let battery_0 = supplies.path().join("BAT0");
        fs::create_dir(&battery_0).unwrap();
        fs::write(battery_0.join("status"), "Discharging\n").unwrap();
        assert_eq!(battery(supplies.path()).unwrap().name, "on-battery");
    }
}
