//! Two windows of about a second: what the machine counts while we do nothing, then while we keep every CPU busy.
//!
//! In the first one, what runs is the others' work. In the second one, CPUs that want to run show what they do not get: a
//! guest that sleeps is never robbed, and a quota that is not used up never bites. Afterwards the clock is read by itself.

use std::{
    collections::BTreeMap,
    hint::spin_loop,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::{cgroup, cpus, timer::Timer};
use crate::{
    environment::{Busy, Machine, field, n_throttled, shown, ticks_of_process, virtualization},
    measure::Clock,
};

/// How long each window is: at 100 ticks a second, two CPUs show shares in steps of half a per cent.
pub(crate) const WINDOW: Duration = Duration::from_secs(1);

/// What was seen.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) machine: Machine,
    /// Nothing of ours ran.
    pub(super) idle: Window,
    /// Threads of ours wanted every CPU.
    pub(super) busy: Window,
    pub(super) timer: Timer,
    /// CPUs that the process may run on, as the system tells the program.
    pub(super) n_cpus: usize,
}

/// Counters at both ends.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) before: Snapshot,
    pub(super) after: Snapshot,
}

/// Counters that only grow; `None` where the system does not count.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub(super) cpu_time: Option<Busy>,
    /// Times that a CPU was slowed down to cool it.
    pub(super) n_thermal: Option<u64>,
    /// Periods in which a quota stopped this process's group.
    pub(super) n_quota: Option<u64>,
    /// Pages read from swap and written to it.
    pub(super) n_swapped: Option<u64>,
    /// Every process: its name and ticks, by id.
    pub(super) programs: BTreeMap<u32, (String, u64)>,
}

/// Watches `machine` while `pass` lets time pass: first with no thread of ours, then with `n_cpus` that want to run.
pub(crate) fn observe(
    machine: Machine,
    n_cpus: usize,
    clock: &dyn Clock,
    pass: &mut dyn FnMut(usize),
) -> Observation {
    let idle = Window::over(&machine, || pass(0));
    let busy = Window::over(&machine, || pass(n_cpus));
    Observation { idle, busy, timer: Timer::of(clock), n_cpus, machine }
}

impl Observation {
    /// True in a guest, false on the machine itself.
    pub(super) fn is_guest(&self) -> Option<bool> {
        if self.machine.has("/sys/hypervisor/type") {
            return Some(true);
        }
        let cpuinfo = self.machine.text("/proc/cpuinfo")?;
        virtualization(&cpuinfo, "").map(|whose| whose != "none")
    }

    /// `otherwise`, or that a guest can do nothing about it and who can.
    pub(super) fn mend(&self, otherwise: &str) -> String {
        if self.is_guest() == Some(true) {
            "nothing to do inside a guest; the host decides: measure on a machine of your own"
                .to_owned()
        } else {
            otherwise.to_owned()
        }
    }
}

impl Window {
    fn over(machine: &Machine, pass: impl FnOnce()) -> Self {
        let before = Snapshot::of(machine);
        pass();
        Self { before, after: Snapshot::of(machine) }
    }

    /// How much the counter that `of` picks grew.
    pub(super) fn growth(&self, of: impl Fn(&Snapshot) -> Option<u64>) -> Option<u64> {
        Some(of(&self.after)?.saturating_sub(of(&self.before)?))
    }

    /// CPU time at both ends; `None` where no tick passed between them.
    pub(super) fn cpu_time(&self) -> Option<(Busy, Busy)> {
        let ends = self.before.cpu_time.zip(self.after.cpu_time);
        ends.filter(|(before, after)| after.ticks_since(before) > 0)
    }
}

impl Snapshot {
    fn of(machine: &Machine) -> Self {
        Self {
            cpu_time: Busy::of(machine),
            n_thermal: n_throttled(machine, &cpus::of(machine)),
            n_quota: cgroup::Levels::of(machine, "cpu")
                .and_then(|levels| levels.sum(machine, "cpu.stat", "nr_throttled")),
            n_swapped: swapped(&machine.text("/proc/vmstat").unwrap_or_default()),
            programs: programs(machine),
        }
    }
}

fn swapped(vmstat: &str) -> Option<u64> {
    let pages = |name: &str| -> Option<u64> {
        vmstat.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    };
    Some(pages("pswpin ")?.saturating_add(pages("pswpout ")?))
}

fn programs(machine: &Machine) -> BTreeMap<u32, (String, u64)> {
    let own = machine.text("/proc/self/status").unwrap_or_default();
    let own: Option<u32> = field(&own, "Pid").and_then(|id| id.parse().ok());
    let program = |name: String| {
        let id: u32 = name.parse().ok().filter(|id| Some(*id) != own)?;
        let stat = machine.text(&format!("/proc/{id}/stat"))?;
        // Its children's time is counted with them, for as long as they live.
        let [user, system, ..] = ticks_of_process(&stat)?;
        let (head, _) = stat.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        Some((id, (shown(name), user.saturating_add(system))))
    };
    machine.names("/proc").into_iter().filter_map(program).collect()
}

/// Lets `window` pass while `n_threads` threads spin.
pub(crate) fn pass(window: Duration, n_threads: usize) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..n_threads {
            // A thread that the system refuses is one CPU less that is kept busy, no reason to say nothing.
            let _ = thread::Builder::new().spawn_scoped(scope, || {
                while !done.load(Ordering::Relaxed) {
                    spin_loop();
                }
            });
        }
        thread::sleep(window);
        done.store(true, Ordering::Relaxed);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::SystemClock;

    #[test]
    fn the_busy_window_of_this_machine_has_our_time_in_it() {
        let mut pass = |n_threads| pass(Duration::from_millis(300), n_threads);
        let seen = observe(Machine::here(), 1, &SystemClock::new(), &mut pass);
        let ours = |window: &Window| {
            let (before, after) = window.cpu_time().unwrap();
            after.own_ticks_since(&before)
        };
        // A spinning thread gets 30 ticks of 300 ms, and at least some of them on a machine where others run; tests of this
        // process that run meanwhile count as ours too, so the idle window has no bound of its own.
        assert!(ours(&seen.busy) >= 2, "{:?}", seen.busy.cpu_time());
        assert!(seen.idle.after.programs.keys().all(|id| *id != std::process::id()));
    }
}
