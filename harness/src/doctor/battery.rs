//! Mains or battery: on a battery, firmware and system lower the clock as they see fit.

use super::{Check, Finding, Observation, State};
use crate::environment::{Supply, supplies};

pub(super) const CHECK: Check =
    Check { name: "battery", about: "Does the machine run on its battery?", find };

fn find(seen: &Observation) -> Finding {
    let supplies = supplies(&seen.machine);
    if let Some(supply) = supplies.iter().find(|supply| supply.is_discharging()) {
        let charge = supply.capacity.map_or_else(String::new, |charge| format!(" at {charge} %"));
        return Finding::new(State::Bad, format!("{} is discharging{charge}", supply.name))
            .effect("the clock is lowered by rules that no file shows, more so as the charge falls")
            .mend("plug the machine in")
            .value("discharging", true);
    }
    let batteries: Vec<&Supply> =
        supplies.iter().filter(|supply| supply.kind == "Battery").collect();
    match batteries.first() {
        Some(battery) => {
            let status =
                if battery.status.is_empty() { "of unknown state" } else { &battery.status };
            Finding::new(State::Ok, format!("{}: {status}", battery.name))
        }
        None if !supplies.is_empty() || seen.machine.has("/sys/class/power_supply") => {
            Finding::new(State::Ok, "no battery")
        }
        None => return Finding::unknown("power supplies are not told"),
    }
    .value("discharging", false)
}
