//! Who sets the CPU's clock: a governor that holds it, or one that follows the load.
//! Source: Linux, `Documentation/admin-guide/pm/cpufreq.rst`.

use super::{Check, Finding, Observation, State, cpus};

pub(super) const CHECK: Check =
    Check { name: "governor", about: "Is the CPU's clock held, or does it follow the load?", find };

fn find(seen: &Observation) -> Finding {
    let said = cpus::tally(&seen.machine, "cpufreq/scaling_governor");
    if said.is_empty() {
        return Finding::unknown("no CPU says how its clock is governed")
            .effect("the clock may change during a session; pairs cancel slow changes of it")
            .mend(seen.mend(
                "load the CPU's frequency driver (cpufreq), or see the firmware's settings",
            ));
    }
    let driver = cpus::tally(&seen.machine, "cpufreq/scaling_driver");
    let with = match driver.as_slice() {
        [] => String::new(),
        said => format!(" (driver {})", cpus::tally_text(said)),
    };
    let names: Vec<&str> = said.iter().map(|(name, _)| name.as_str()).collect();
    let state = if names == ["performance"] { State::Ok } else { State::Warn };
    let finding =
        Finding::new(state, format!("{}{with}", cpus::tally_text(&said))).value("governors", names);
    if state == State::Ok {
        return finding;
    }
    finding
        .effect("the clock follows load and heat: the first iterations and short workloads run slower; pairs cancel slow changes")
        .mend("hold the clock while measuring")
        .command("sudo cpupower frequency-set -g performance")
}
