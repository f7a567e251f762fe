//! Machines as folders of files, for tests: what each one is, and what its counters do while it is watched.
//! Forms of the files are those of Linux 6; the numbers are invented, and the tests expect what follows from them.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{Check, Finding, Observation, State, examine, observe};
use crate::{environment::Machine, measure::ScriptedClock};

/// A folder, and what is written into it during each window.
#[derive(Debug)]
pub(crate) struct Scripted {
    root: tempfile::TempDir,
    edits: [Vec<(&'static str, Vec<u8>)>; 2],
    n_cpus: usize,
    /// Step of its clock.
    tick_ns: u64,
}

const OWN: &str = "7 (bench) R 1 7 7 0 -1 4194304 100 200 0 0 0 0 0 0 20 0 1 0 99 1 1\n";
/// Outside of `/proc` and `/sys`.
const HELD: &str = "/held";
const FLAGS: &str = "flags\t\t: fpu avx2 fma";

impl Scripted {
    /// A machine that says nothing.
    pub(crate) fn empty() -> Self {
        let root = tempfile::tempdir().expect("a folder for the test");
        Self { root, edits: [Vec::new(), Vec::new()], n_cpus: 2, tick_ns: 25 }
    }

    pub(crate) fn with(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        write(self.root.path(), path, text.as_ref());
        self
    }

    /// Writes during the idle (0) or the busy window (1).
    fn then(mut self, window: usize, path: &'static str, text: &str) -> Self {
        self.edits[window].push((path, text.as_bytes().to_vec()));
        self
    }

    pub(crate) fn clock(mut self, tick_ns: u64) -> Self {
        self.tick_ns = tick_ns;
        self
    }

    /// As many CPUs as the program is told of.
    pub(crate) fn cpus(mut self, n_cpus: usize) -> Self {
        self.n_cpus = n_cpus;
        self
    }

    /// `/proc/stat` at the start and after each window: busy, idle and stolen ticks in each.
    pub(crate) fn ticks(self, idle: [u64; 3], busy: [u64; 3]) -> Self {
        let stat =
            |[work, rest, stolen]: [u64; 3]| format!("cpu  {work} 0 0 {rest} 0 0 0 {stolen} 0 0\n");
        let sum = |a: [u64; 3], b: [u64; 3]| [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
        let start = [1_000, 50_000, 10];
        let middle = sum(start, idle);
        self.with("/proc/stat", stat(start))
            .with("/proc/self/stat", OWN)
            .then(0, "/proc/stat", &stat(middle))
            .then(1, "/proc/stat", &stat(sum(middle, busy)))
    }

    /// Watches it, and puts back what the windows changed.
    fn observe(&self) -> Observation {
        let edited = self.edits.iter().flatten().map(|(path, _)| *path);
        let before: BTreeMap<&str, Vec<u8>> = edited
            .map(|path| (path, fs::read(below(self.root.path(), path)).unwrap_or_default()))
            .collect();
        let mut edits = self.edits.iter();
        let mut pass = |_| {
            for (path, text) in edits.next().into_iter().flatten() {
                write(self.root.path(), path, text);
            }
        };
        let clock = ScriptedClock { now_ns: Cell::new(0), tick_ns: self.tick_ns };
        let seen = observe(Machine::at(self.root.path()), self.n_cpus, &clock, &mut pass);
        for (path, text) in before {
            write(self.root.path(), path, &text);
        }
        seen
    }

    /// What the checks find.
    pub(crate) fn findings(&self) -> Vec<(&'static Check, Finding)> {
        examine(&self.observe())
    }

    /// What the check called `name` finds.
    #[track_caller]
    pub(crate) fn finding(&self, name: &str) -> Finding {
        let found = self.findings();
        let found = found.into_iter().find(|(check, _)| check.name == name);
        found.expect("the check is in the register").1
    }

    /// The state of the check called `name`.
    #[track_caller]
    pub(crate) fn state(&self, name: &str) -> State {
        self.finding(name).state
    }

    /// Four cores of its own, nothing else running, everything as it should be.
    pub(crate) fn healthy_server() -> Self {
        let mut machine = Self::empty()
            .cpus(4)
            .with("/proc/cpuinfo", format!("microcode\t: 0xd0003a5\n{FLAGS}\n"))
            .with("/proc/meminfo", "MemTotal: 65536000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
            .with("/proc/vmstat", "pswpin 0\npswpout 0\n")
            .with("/proc/self/status", "Name:\tbench\nPid:\t7\nCpus_allowed_list:\t0-3\n")
            .with("/proc/self/personality", "00000000\n")
            .with("/proc/self/cgroup", "0::/user.slice\n")
            .with("/proc/self/mountinfo", "30 1 0:9 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
            .with("/sys/fs/cgroup/user.slice/cpu.max", "max 100000\n")
            .with("/sys/fs/cgroup/user.slice/memory.max", "max\n")
            .with("/proc/sys/kernel/randomize_va_space", "2\n")
            .with("/proc/sys/kernel/perf_event_paranoid", "2\n")
            .with("/sys/bus/event_source/devices/cpu/type", "4\n")
            .with("/sys/class/power_supply/README", "")
            .with("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n")
            .with("/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n")
            .with("/sys/devices/system/cpu/isolated", "\n")
            .with("/sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n")
            .with("/sys/devices/system/cpu/vulnerabilities/retbleed", "Mitigation: Enhanced IBRS\n")
            .with("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n")
            .with(
                "/sys/devices/system/clocksource/clocksource0/available_clocksource",
                "tsc hpet \n",
            )
            .with("/sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n")
            .with("/sys/class/thermal/thermal_zone0/temp", "41000\n")
            .with("/sys/class/thermal/thermal_zone0/trip_point_0_type", "passive\n")
            .with("/sys/class/thermal/thermal_zone0/trip_point_0_temp", "95000\n");
        for cpu in 0..4 {
            let folder = format!("/sys/devices/system/cpu/cpu{cpu}");
            machine = machine
                .with(&format!("{folder}/cpufreq/scaling_governor"), "performance\n")
                .with(&format!("{folder}/cpufreq/scaling_driver"), "intel_pstate\n")
                .with(&format!("{folder}/topology/thread_siblings_list"), format!("{cpu}\n"))
                .with(&format!("{folder}/thermal_throttle/core_throttle_count"), "0\n");
        }
        machine.ticks([1, 399, 0], [4, 396, 0])
    }

    /// On battery, saving power, hot, with two threads a core, a browser in the background and swap that moves.
    pub(crate) fn laptop() -> Self {
        let browser = |ticks: u32| {
            format!(
                "4242 (Web | Content\u{1b}) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 9 1 1\n"
            )
        };
        let mut machine = Self::healthy_server()
            .with(
                "/proc/meminfo",
                "MemTotal: 8000000 kB\nSwapTotal: 2097152 kB\nSwapFree: 1048576 kB\n",
            )
            .then(1, "/proc/vmstat", "pswpin 12\npswpout 30\n")
            .with("/proc/4242/stat", browser(100))
            .then(0, "/proc/4242/stat", &browser(140))
            .with("/sys/class/power_supply/AC/type", "Mains\n")
            .with("/sys/class/power_supply/BAT0/type", "Battery\n")
            .with("/sys/class/power_supply/BAT0/status", "Discharging\n")
            .with("/sys/class/power_supply/BAT0/capacity", "38\n")
            .with("/sys/devices/system/cpu/intel_pstate/no_turbo", "0\n")
            .with("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n")
            .with("/proc/sys/kernel/perf_event_paranoid", "4\n")
            .with("/sys/class/thermal/thermal_zone0/temp", "92000\n")
            .then(1, "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "7\n");
        for cpu in 0..4 {
            let folder = format!("/sys/devices/system/cpu/cpu{cpu}");
            machine =
                machine.with(&format!("{folder}/cpufreq/scaling_governor"), "powersave\n").with(
                    &format!("{folder}/topology/thread_siblings_list"),
                    format!("{},{}\n", cpu % 2, cpu % 2 + 2),
                );
        }
        machine.ticks([40, 360, 0], [390, 10, 0])
    }

    /// Allowed one and a half of four CPUs by a group above its own, and near its memory limit; version 1 and 2.
    pub(crate) fn container(version: u8) -> Self {
        let machine = Self::healthy_server().cpus(1);
        if version == 1 {
            return machine
                .with(
                    "/proc/self/cgroup",
                    "5:memory:/kube/pod/c1\n3:cpu,cpuacct:/kube/pod/c1\n0::/\n",
                )
                .with(
                    "/proc/self/mountinfo",
                    "31 1 0:9 /kube /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
                     32 1 0:9 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
                )
                .with("/sys/fs/cgroup/cpu/pod/c1/cpu.cfs_quota_us", "-1\n")
                .with("/sys/fs/cgroup/cpu/pod/c1/cpu.cfs_period_us", "100000\n")
                .with("/sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us", "150000\n")
                .with("/sys/fs/cgroup/cpu/pod/cpu.cfs_period_us", "100000\n")
                .with("/sys/fs/cgroup/cpu/pod/cpu.stat", "nr_periods 1\nnr_throttled 40\n")
                .then(1, "/sys/fs/cgroup/cpu/pod/cpu.stat", "nr_periods 11\nnr_throttled 49\n")
                .with(
                    "/sys/fs/cgroup/memory/kube/pod/c1/memory.limit_in_bytes",
                    "9223372036854771712\n",
                )
                .with("/sys/fs/cgroup/memory/kube/pod/memory.limit_in_bytes", "1073741824\n")
                .with("/sys/fs/cgroup/memory/kube/pod/memory.usage_in_bytes", "973741824\n")
                .with(
                    "/sys/fs/cgroup/memory/kube/pod/memory.stat",
                    "total_inactive_file 100000000\n",
                );
        }
        machine
            .with("/proc/self/cgroup", "0::/pod/c1\n")
            .with("/sys/fs/cgroup/pod/c1/cpu.max", "max 100000\n")
            .with("/sys/fs/cgroup/pod/cpu.max", "150000 100000\n")
            .with("/sys/fs/cgroup/pod/cpu.stat", "usage_usec 5\nnr_throttled 40\n")
            .then(1, "/sys/fs/cgroup/pod/cpu.stat", "usage_usec 9\nnr_throttled 49\n")
            .with("/sys/fs/cgroup/pod/c1/memory.max", "max\n")
            .with("/sys/fs/cgroup/pod/memory.max", "1073741824\n")
            .with("/sys/fs/cgroup/pod/memory.current", "973741824\n")
            .with("/sys/fs/cgroup/pod/memory.stat", "inactive_file 100000000\n")
    }

    /// A guest whose host gives a fifth of its CPU time to others, with a clock that is slow to read.
    pub(crate) fn robbed_guest() -> Self {
        let machine = Self::empty()
            .with("/proc/cpuinfo", format!("microcode\t: 0x1\n{FLAGS} hypervisor\n"))
            .with("/proc/meminfo", "MemTotal: 4000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
            .with("/proc/self/status", "Pid:\t7\nCpus_allowed_list:\t0-1\n")
            .with("/sys/class/dmi/id/sys_vendor", "QEMU\n")
            .with("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0\n")
            .with("/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "1\n")
            .with("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n")
            .with(
                "/sys/devices/system/clocksource/clocksource0/available_clocksource",
                "kvm-clock hpet\n",
            )
            .with("/proc/sys/kernel/randomize_va_space", "0\n");
        machine.clock(1_400).ticks([1, 199, 0], [160, 0, 40])
    }

    /// A machine of every file that the checks read, each of them the same one: what [`Self::hold`] writes is in all.
    pub(crate) fn hostile() -> Self {
        let mut paths = Vec::new();
        // A laptop, a container of each kind and a guest together have every file.
        for machine in
            [Self::laptop(), Self::container(1), Self::container(2), Self::robbed_guest()]
        {
            files_below(machine.root.path(), machine.root.path(), &mut paths);
        }
        // The two that say where the groups are stay as they are, or no group's file would be read.
        let groups = ["/proc/self/cgroup", "/proc/self/mountinfo"];
        let machine = Self::empty()
            .with(HELD, "")
            .with(groups[0], "5:memory:/kube/pod/c1\n0::/pod/c1\n")
            .with(
                groups[1],
                "30 1 0:9 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n\
                              32 1 0:9 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
            );
        let held = below(machine.root.path(), HELD);
        for path in paths.iter().filter(|path| !groups.contains(&path.as_str())) {
            let path = below(machine.root.path(), path);
            let folder = path.parent().expect("a file in a folder");
            fs::create_dir_all(folder).expect("the folder is writable");
            // Machines share some paths.
            let _ = fs::hard_link(&held, path);
        }
        machine
    }

    /// Every file of a hostile machine becomes this.
    pub(crate) fn hold(&self, bytes: &[u8]) {
        fs::write(below(self.root.path(), HELD), bytes).expect("the folder is writable");
    }
}

fn files_below(root: &Path, folder: &Path, paths: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the test's own folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(root, &path, paths);
        } else {
            let inner = path.strip_prefix(root).expect("below the root");
            paths.push(format!("/{}", inner.display()));
        }
    }
}

fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn write(root: &Path, path: &str, text: &[u8]) {
    let path = below(root, path);
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("the folder is writable");
    fs::write(path, text).expect("the folder is writable");
}
