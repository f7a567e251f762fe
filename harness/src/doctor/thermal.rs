//! Heat: CPUs that are slowed down to cool them, or soon will be.
//! Source: Linux, `Documentation/driver-api/thermal/sysfs-api.rst`; the counters are those of `thermal_throttle` on x86.

use super::{Check, Finding, Observation, State};
use crate::environment::Machine;

/// Closer than this to the temperature at which cooling starts, a session is likely to reach it.
const NEAR_MILLIDEGREES: i64 = 5_000;
const ZONES: &str = "/sys/class/thermal";

pub(super) const CHECK: Check =
    Check { name: "thermal", about: "Is the clock lowered because the CPU is hot?", find };

fn find(seen: &Observation) -> Finding {
    let zone = hottest(&seen.machine);
    let n_now = seen.busy.growth(|ends| ends.n_thermal);
    let n_ever = seen.busy.after.n_thermal;
    if zone.is_none() && n_ever.is_none() {
        return Finding::unknown("neither temperatures nor throttle counters are shown")
            .mend(seen.mend("load the thermal drivers; `sensors-detect` finds them"));
    }
    let room = zone.as_ref().map(|zone| zone.limit.saturating_sub(zone.now));
    let state = match (n_now.unwrap_or(0), room) {
        (1.., _) | (_, Some(..=0)) => State::Bad,
        (_, Some(..=NEAR_MILLIDEGREES)) => State::Warn,
        _ => State::Ok,
    };
    let counted = n_ever.map(|ever| {
        format!("slowed down {} times while busy, {ever} since boot", n_now.unwrap_or(0))
    });
    let measured = zone.as_ref().map(|zone| {
        let degrees = |milli: i64| milli / 1_000;
        format!("{} at {} °C, cooled from {} °C", zone.name, degrees(zone.now), degrees(zone.limit))
    });
    let found: Vec<String> = counted.into_iter().chain(measured).collect();
    let finding = Finding::new(state, found.join("; "))
        .value("throttled_in_window", n_now)
        .value("throttled_since_boot", n_ever)
        .value("temperature_millidegrees", zone.as_ref().map(|zone| zone.now))
        .value("cooling_millidegrees", zone.as_ref().map(|zone| zone.limit));
    if state == State::Ok {
        return finding;
    }
    finding
        .effect("the clock drops as a session goes on: later samples are slower; pairs cancel what lasts longer than a pair")
        .mend("let it cool down, clean the fans, or switch the boost off (see `boost`)")
}

/// A thermal zone that has a temperature at which the CPU is slowed down.
struct Zone {
    name: String,
    now: i64,
    limit: i64,
}

/// The zone with the least room left.
fn hottest(machine: &Machine) -> Option<Zone> {
    let zones = machine.names(ZONES).into_iter().filter(|name| name.starts_with("thermal_zone"));
    zones
        .filter_map(|name| zone(machine, &name))
        .min_by_key(|zone| zone.limit.saturating_sub(zone.now))
}

fn zone(machine: &Machine, name: &str) -> Option<Zone> {
    let folder = format!("{ZONES}/{name}");
    let now = machine.number(&format!("{folder}/temp"))?;
    let limit = machine
        .names(&folder)
        .iter()
        .filter_map(|file| file.strip_prefix("trip_point_")?.strip_suffix("_type"))
        .filter(|point| {
            machine.line(&format!("{folder}/trip_point_{point}_type")).as_deref() == Some("passive")
        })
        .filter_map(|point| machine.number::<i64>(&format!("{folder}/trip_point_{point}_temp")))
        // A driver that has no such point writes 0 or less.
        .filter(|limit| *limit > 0)
        .min()?;
    let name = machine.line(&format!("{folder}/type")).unwrap_or_else(|| name.to_owned());
    Some(Zone { name, now, limit })
}
