//! What disturbed a pair: looked at before any of its times is read, so that no time decides which pairs count.
//! In: the system's accounts before and after the pair. Out: a reason to leave it out, in a sentence.

use super::{Busy, Machine, throttle::n_throttled};

/// Share of all CPU time during a pair that the hypervisor may give to other guests. The two processes of a pair measure by
/// turns and lose alike; from here on it is luck which of them loses more.
const STOLEN_SHARE_MAX: f64 = 0.10;

/// The state before a pair.
#[derive(Debug)]
pub(crate) struct Watch {
    busy: Option<Busy>,
    throttled: Option<u64>,
}

impl Watch {
    /// As of now.
    pub(crate) fn start(machine: &Machine) -> Self {
        let cpus: Vec<u32> = machine.allowed_cpus().into_iter().flatten().collect();
        Self { busy: Busy::of(machine), throttled: n_throttled(machine, &cpus) }
    }

    /// What has disturbed the pair since, if anything did.
    pub(crate) fn disturbed(&self, machine: &Machine) -> Option<String> {
        let now = Self::start(machine);
        let busy = self.busy.as_ref().zip(now.busy.as_ref());
        let stolen = busy.map_or(0.0, |(before, now)| now.stolen_share_since(before));
        if stolen > STOLEN_SHARE_MAX {
            let share = 100.0 * stolen;
            return Some(format!("steal: {share:.0} % of the CPU time went to other guests"));
        }
        let throttled = self.throttled.zip(now.throttled);
        let n = throttled.map_or(0, |(before, now)| now.saturating_sub(before));
        (n > 0).then(|| format!("throttled: {n} times for heat"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Machine, Watch};

    /// A machine of one CPU with so many ticks stolen of so many, and so many slow-downs for heat.
    fn machine(stolen: u64, total: u64, throttled: u64) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: String| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("proc/stat", format!("cpu  {} 0 0 0 0 0 0 {stolen} 0 0\n", total - stolen));
        write("proc/self/stat", "1 (bench) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n".to_owned());
        write("proc/self/status", "Cpus_allowed_list:\t0\n".to_owned());
        let file = "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count";
        write(file, format!("{throttled}\n"));
        root
    }

    fn between(before: &tempfile::TempDir, after: &tempfile::TempDir) -> Option<String> {
        Watch::start(&Machine::at(before.path())).disturbed(&Machine::at(after.path()))
    }

    #[test]
    fn a_robbed_or_throttled_pair_says_so_and_a_quiet_one_does_not() {
        let start = machine(100, 1_000, 7);
        assert_eq!(between(&start, &machine(100, 2_000, 7)), None);
        assert_eq!(between(&start, &machine(190, 2_000, 7)), None);
        let robbed = between(&start, &machine(300, 2_000, 7)).unwrap();
        assert_eq!(robbed, "steal: 20 % of the CPU time went to other guests");
        assert_eq!(
            between(&start, &machine(100, 2_000, 9)).unwrap(),
            "throttled: 2 times for heat"
        );
    }

    #[test]
    fn a_system_that_says_nothing_disturbs_nothing() {
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(between(&empty, &empty), None);
        assert_eq!(between(&empty, &machine(500, 1_000, 9)), None);
    }
}
