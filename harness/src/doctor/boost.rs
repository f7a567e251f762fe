//! Turbo, boost: clocks beyond the nominal one, for as long as heat and current allow.
//! Source: Linux, `Documentation/admin-guide/pm/cpufreq.rst`, `intel_pstate.rst`, `amd-pstate.rst`.

use super::{Check, Finding, Observation, State, shell};

const INTEL: &str = "/sys/devices/system/cpu/intel_pstate/no_turbo";
const GENERIC: &str = "/sys/devices/system/cpu/cpufreq/boost";
const POLICIES: &str = "/sys/devices/system/cpu/cpufreq";

pub(super) const CHECK: Check =
    Check { name: "boost", about: "May the clock rise above its nominal rate?", find };

fn find(seen: &Observation) -> Finding {
    let Some((is_on, path, off)) = switch(seen) else {
        return Finding::unknown("no switch of the boost is shown")
            .mend(seen.mend("see the firmware's settings: turbo, core performance boost"));
    };
    if !is_on {
        return Finding::new(State::Ok, "off").value("boost", false);
    }
    Finding::new(State::Warn, format!("on, by {path}"))
        .effect("the clock follows heat and the number of busy cores; pairs cancel slow changes")
        .mend("switch it off while measuring; times get longer, and steadier")
        .command(shell::write(off, &path))
        .value("boost", true)
}

/// Whether it is on, the file that says so, and what to write there to end it.
fn switch(seen: &Observation) -> Option<(bool, String, &'static str)> {
    let says = |path: &str| match seen.machine.number::<u64>(path) {
        Some(0) => Some(false),
        Some(1) => Some(true),
        _ => None,
    };
    if let Some(is_off) = says(INTEL) {
        return Some((!is_off, INTEL.to_owned(), "1"));
    }
    if let Some(is_on) = says(GENERIC) {
        return Some((is_on, GENERIC.to_owned(), "0"));
    }
    // One switch a policy: one that is on is enough.
    let policies =
        seen.machine.names(POLICIES).into_iter().filter(|name| name.starts_with("policy"));
    let switches: Vec<(bool, String)> = policies
        .filter_map(|name| {
            let path = format!("{POLICIES}/{name}/boost");
            Some((says(&path)?, path))
        })
        .collect();
    let (is_on, path) = switches.iter().find(|(is_on, _)| *is_on).or(switches.first())?;
    Some((*is_on, path.clone(), "0"))
}
