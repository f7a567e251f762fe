//! Where the power comes from: mains or a battery.

use super::machine::Machine;

const FOLDER: &str = "/sys/class/power_supply";

/// One power supply of the machine itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Supply {
    pub(crate) name: String,
    /// `Mains`, `Battery`, `USB`, …
    pub(crate) kind: String,
    /// `Charging`, `Discharging`, `Full`, …; empty for mains.
    pub(crate) status: String,
    /// Charge in per cent, where it is told.
    pub(crate) capacity: Option<u64>,
}

impl Supply {
    /// True while the machine lives on it.
    pub(crate) fn is_discharging(&self) -> bool {
        self.status == "Discharging"
    }
}

/// All supplies, sorted by name. Batteries of a mouse or a headset are none of the machine's.
pub(crate) fn supplies(machine: &Machine) -> Vec<Supply> {
    let supply = |name: String| {
        let line = |file: &str| machine.line(&format!("{FOLDER}/{name}/{file}"));
        (line("scope").as_deref() != Some("Device")).then(|| Supply {
            kind: line("type").unwrap_or_default(),
            status: line("status").unwrap_or_default(),
            capacity: machine.number(&format!("{FOLDER}/{name}/capacity")),
            name: name.clone(),
        })
    };
    machine.names(FOLDER).into_iter().filter_map(supply).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_battery_of_a_mouse_is_not_the_machines() {
        let root = tempfile::tempdir().unwrap();
        let machine = Machine::at(root.path());
        assert_eq!(supplies(&machine), []);
        for (name, file, text) in [
            ("BAT0", "status", "Discharging\n"),
            ("BAT0", "capacity", "71\n"),
            ("hidpp_battery_0", "status", "Discharging\n"),
            ("hidpp_battery_0", "scope", "Device\n"),
        ] {
            let folder = root.path().join("sys/class/power_supply").join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(file), text).unwrap();
        }
        let found = supplies(&machine);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].is_discharging() && found[0].capacity == Some(71), "{found:?}");
    }
}
