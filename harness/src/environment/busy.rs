//! Who used the CPUs during a session: ours, other processes, or the hypervisor. No timing is read for it.

use baselines::record::Mark;

use super::machine::Machine;

/// Share of all CPU time that other processes may take before it is worth a warning.
pub(crate) const OTHER_SHARE_MAX: f64 = 0.05;
/// The same, from which on threads are better left to the scheduler than kept in place: it can move two of ours to the
/// CPU that is left, where they wait for each other for microseconds and not for another program's time slices.
pub(crate) const CROWDED_SHARE: f64 = 0.15;
/// The same for time that the hypervisor gave to other guests.
pub(crate) const STOLEN_SHARE_MAX: f64 = 0.01;

/// CPU time so far, in the system's ticks (100 a second on Linux).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Busy {
    /// Every process of the system.
    all: u64,
    /// All CPUs together, idle time too.
    total: u64,
    /// Given to other guests.
    stolen: u64,
    /// This process and its children that have ended.
    ours: u64,
}

impl Busy {
    /// As of now; `None` where the system does not say.
    pub(crate) fn now() -> Option<Self> {
        Self::of(&Machine::here())
    }

    /// The same of `machine`.
    pub(crate) fn of(machine: &Machine) -> Option<Self> {
        Self::read(&machine.text("/proc/stat")?, &machine.text("/proc/self/stat")?)
    }

    fn read(stat: &str, own: &str) -> Option<Self> {
        // user nice system idle iowait irq softirq steal; guest time is part of user.
        let cpus = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let cpus: Vec<u64> = cpus.split_whitespace().map_while(|text| text.parse().ok()).collect();
        let &[user, nice, system, idle, iowait, irq, softirq, stolen, ..] = cpus.as_slice() else {
            return None;
        };
        let sum = |times: &[u64]| times.iter().fold(0_u64, |sum, ticks| sum.saturating_add(*ticks));
        let all = sum(&[user, nice, system, irq, softirq]);
        Some(Self {
            all,
            total: sum(&[all, idle, iowait, stolen]),
            stolen,
            ours: sum(&ticks_of_process(own)?),
        })
    }

    /// Whether so much else has run since `before` that threads kept on a CPU each would have to share one.
    pub(crate) fn is_crowded_since(&self, before: &Self) -> bool {
        self.other_share_since(before) > CROWDED_SHARE
    }

    /// Share of all CPU time since `before` that other processes took.
    #[expect(clippy::cast_precision_loss, reason = "ticks of a session")]
    pub(crate) fn other_share_since(&self, before: &Self) -> f64 {
        let all = self.all.saturating_sub(before.all);
        let other = all.saturating_sub(self.own_ticks_since(before)) as f64;
        other / self.total.saturating_sub(before.total).max(1) as f64
    }

    /// Share of all CPU time since `before` that the hypervisor gave to other guests.
    #[expect(clippy::cast_precision_loss, reason = "ticks of a session")]
    pub(crate) fn stolen_share_since(&self, before: &Self) -> f64 {
        let stolen = self.stolen.saturating_sub(before.stolen) as f64;
        stolen / self.total.saturating_sub(before.total).max(1) as f64
    }

    /// Ticks of all CPUs since `before`, idle ones too.
    pub(crate) const fn ticks_since(&self, before: &Self) -> u64 {
        self.total.saturating_sub(before.total)
    }

    /// Ticks of this process, and of its children that ended, since `before`.
    pub(crate) const fn own_ticks_since(&self, before: &Self) -> u64 {
        self.ours.saturating_sub(before.ours)
    }

    /// Warnings about what happened since `before`.
    pub(crate) fn marks_since(&self, before: &Self) -> Vec<Mark> {
        let other = self.other_share_since(before);
        let stolen = self.stolen_share_since(before);
        let mark = |name: &str, share: f64, what: &str| Mark {
            name: name.to_owned(),
            detail: format!("{:.0} % of the CPU time of this session {what}", 100.0 * share),
        };
        let mut marks = Vec::new();
        if other > OTHER_SHARE_MAX {
            let what = "went to other processes; end them and measure again";
            marks.push(mark("other-work", other, what));
        }
        if stolen > STOLEN_SHARE_MAX {
            let what = "went to other guests of this host; a quieter hour or host would help";
            marks.push(mark("steal-time", stolen, what));
        }
        marks
    }
}

/// User and system ticks of a process and of its children that have ended, from its `stat`.
pub(crate) fn ticks_of_process(stat: &str) -> Option<[u64; 4]> {
    // The name in parentheses may hold spaces; utime, stime, cutime and cstime are the 12th to 15th field after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map_while(|text| text.parse().ok());
    Some([times.next()?, times.next()?, times.next()?, times.next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  1000 0 200 5000 100 10 20 30 0 0\ncpu0 1 2 3\n";
    const OWN: &str = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 200 0 0 11 12 500 40 20 0 1 0 99 1 1";

    #[test]
    fn ticks_are_read_from_the_systems_own_files() {
        let busy = Busy::read(STAT, OWN).unwrap();
        assert_eq!(busy, Busy { all: 1230, total: 6360, stolen: 30, ours: 563 });
        assert_eq!(Busy::read("", OWN), None);
        assert_eq!(Busy::read(STAT, "7 (x) S 1"), None);
        assert!(Busy::now().is_some());
        let huge = STAT.replace("1000", &u64::MAX.to_string());
        assert_eq!(Busy::read(&huge, OWN).unwrap().total, u64::MAX);
    }

    #[test]
    fn other_work_and_stolen_time_are_marked_from_their_share() {
        let before = Busy { all: 0, total: 0, stolen: 0, ours: 0 };
        let quiet = Busy { all: 600, total: 1000, stolen: 5, ours: 560 };
        assert_eq!(quiet.marks_since(&before), []);
        let noisy = Busy { all: 800, total: 1000, stolen: 20, ours: 500 };
        let names: Vec<String> =
            noisy.marks_since(&before).into_iter().map(|mark| mark.name).collect();
        assert_eq!(names, ["other-work", "steal-time"]);
        assert!(noisy.marks_since(&before)[0].detail.starts_with("30 % of the CPU time"));
        assert!(noisy.is_crowded_since(&before) && !quiet.is_crowded_since(&before));
    }
}
