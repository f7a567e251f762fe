//! The checks against scripted machines, each with one thing known to be wrong; and what no machine may do: panic them.

use super::{CHECKS, Fitness, State, scripted::Scripted};

fn states(machine: &Scripted) -> Vec<State> {
    machine.findings().iter().map(|(_, finding)| finding.state).collect()
}

fn names(machine: &Scripted, state: State) -> Vec<&'static str> {
    let found = machine.findings();
    found.iter().filter(|(_, found)| found.state == state).map(|(check, _)| check.name).collect()
}

#[test]
fn the_register_is_sorted_and_every_check_asks_a_question_and_answers_it() {
    for (idx, check) in CHECKS.iter().enumerate() {
        let name = check.name;
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
        assert!(idx == 0 || CHECKS[idx - 1].name < name, "{name}");
        assert!(check.about.ends_with('?'), "{name}");
    }
    let machines = [
        Scripted::healthy_server(),
        Scripted::laptop(),
        Scripted::container(1),
        Scripted::robbed_guest(),
    ];
    for machine in machines {
        for (check, found) in machine.findings() {
            assert!(!found.found.is_empty() && !found.effect.is_empty(), "{}", check.name);
            let to_mend = matches!(found.state, State::Warn | State::Bad);
            assert!(!to_mend || found.mend.is_some(), "{} says no way out: {found:?}", check.name);
            assert!(!to_mend || found.effect != "none expected", "{}: {found:?}", check.name);
        }
    }
}

#[test]
fn a_healthy_server_has_nothing_to_mend() {
    let server = Scripted::healthy_server();
    assert_eq!(Fitness::of(&states(&server)), Fitness::Fit, "{:#?}", server.findings());
    assert_eq!(names(&server, State::Unknown), [""; 0]);
    assert_eq!(names(&server, State::Info), ["isolated-cpus", "mitigations"]);
    assert_eq!(server.finding("smt").found, "CPUs 0-3 on 4 cores: one thread a core");
}

#[test]
fn a_laptop_on_its_battery_is_told_all_that_is_wrong() {
    let laptop = Scripted::laptop();
    assert_eq!(names(&laptop, State::Bad), ["battery", "swap", "thermal"]);
    assert_eq!(names(&laptop, State::Warn), ["boost", "governor", "huge-pages", "load", "smt"]);
    assert_eq!(laptop.finding("battery").found, "BAT0 is discharging at 38 %");
    assert_eq!(laptop.finding("governor").found, "powersave (driver intel_pstate)");
    assert_eq!(
        laptop.finding("governor").command.unwrap(),
        "sudo cpupower frequency-set -g performance"
    );
    assert_eq!(
        laptop.finding("boost").command.unwrap(),
        "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"
    );
    assert_eq!(laptop.finding("smt").command.unwrap(), "taskset -c 0-1 bench gate");
    // 1 GiB of swap in use; 12 + 30 pages in the busy window.
    assert_eq!(laptop.finding("swap").found, "1024 MiB in use, 42 pages moved while watching");
    assert_eq!(laptop.finding("thermal").values["throttled_in_window"], 7);
}

#[test]
fn other_work_is_a_share_of_all_cpu_time_and_names_its_owner_without_control_characters() {
    let load = Scripted::laptop().finding("load");
    // 40 of 400 ticks.
    assert_eq!(load.found, "10.0 % of the CPU time went to other processes");
    assert_eq!(load.values["busiest_id"], 4242);
    assert_eq!(load.values["busiest_name"], "Web | Content\u{fffd}");
    let loads = [(20, State::Ok), (21, State::Warn), (60, State::Warn), (61, State::Bad)];
    for (ticks, state) in loads {
        let machine = Scripted::healthy_server().ticks([ticks, 400 - ticks, 0], [400, 0, 0]);
        // 5 % and 15 % of 400 are 20 and 60.
        assert_eq!(machine.state("load"), state, "{ticks}");
    }
}

#[test]
fn a_quota_of_a_group_above_is_found_in_both_versions() {
    for version in [1, 2] {
        let container = Scripted::container(version);
        let quota = container.finding("cgroup-cpu");
        assert_eq!(quota.state, State::Bad, "{version} {quota:?}");
        assert_eq!(quota.found, "quota of 1.50 of 4 CPUs, stopped 9 times in the busy window");
        let command = quota.command.unwrap();
        let expected = [
            "-1 | sudo tee /sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us",
            "max | sudo tee /sys/fs/cgroup/pod/cpu.max",
        ];
        assert_eq!(command, format!("echo {}", expected[usize::from(version) - 1]));
        // 1 GiB − (973741824 − 100000000) bytes = 200 MB.
        let memory = container.finding("cgroup-memory");
        assert_eq!(
            (memory.state, memory.found.as_str()),
            (State::Warn, "limit of 1.074 GB, 200 MB left")
        );
    }
}

#[test]
fn a_quota_that_is_never_used_up_is_a_warning_and_one_beyond_all_cpus_is_none() {
    let quota = |text: &str| {
        let machine = Scripted::healthy_server().with("/sys/fs/cgroup/user.slice/cpu.max", text);
        machine.state("cgroup-cpu")
    };
    assert_eq!(quota("400000 100000"), State::Ok);
    assert_eq!(quota("399999 100000"), State::Bad);
    for none in ["0 0", "-5 100000", "inf 1", "NaN NaN", "max", "1 0", "100000"] {
        assert_eq!(quota(none), State::Ok, "{none}");
    }
    let narrow = Scripted::healthy_server().cpus(2);
    let narrow = narrow.with("/sys/fs/cgroup/user.slice/cpu.max", "200000 100000");
    assert_eq!(narrow.state("cgroup-cpu"), State::Warn);
}

#[test]
fn a_robbed_guest_is_unfit_and_told_what_it_cannot_mend() {
    let guest = Scripted::robbed_guest();
    let steal = guest.finding("steal-time");
    // 40 of 200 ticks; the rest does the work of all in 1 / 0.8 of the time.
    assert_eq!(
        (steal.state, steal.found.as_str()),
        (State::Bad, "20.0 % of the CPU time while every CPU was wanted")
    );
    assert!(steal.effect.contains("about 25 % longer"), "{}", steal.effect);
    for name in ["steal-time", "hypervisor", "governor", "boost", "smt", "thermal"] {
        let mend = guest.finding(name).mend.unwrap();
        assert!(mend.starts_with("nothing to do inside a guest;"), "{name}: {mend}");
    }
    assert_eq!(guest.state("smt"), State::Unknown);
    assert_eq!(guest.state("governor"), State::Unknown);
    assert_eq!(guest.finding("hypervisor").found, "a guest (QEMU)");
    let clock = guest.finding("clock-source").command.unwrap();
    assert!(
        clock.starts_with("echo kvm-clock | sudo tee /sys/devices/system/clocksource"),
        "{clock}"
    );
    // 1.4 µs is more than 5 % of 26 µs.
    assert_eq!(guest.state("timer"), State::Bad);
    assert_eq!(guest.state("aslr"), State::Warn);
}

#[test]
fn stolen_time_is_read_while_every_cpu_is_wanted() {
    // What was stolen in the idle window says little of what a busy one would lose.
    let shares = [
        ([0, 300, 100], [400, 0, 0], State::Ok),
        ([0, 400, 0], [396, 0, 4], State::Ok),
        ([0, 400, 0], [395, 0, 5], State::Warn),
        ([0, 400, 0], [380, 0, 20], State::Bad),
    ];
    for (idle, busy, state) in shares {
        let machine = Scripted::healthy_server().ticks(idle, busy);
        assert_eq!(machine.state("steal-time"), state, "{busy:?}");
    }
}

#[test]
fn a_timer_is_judged_by_the_shortest_sample() {
    // 1 % and 5 % of 26 µs.
    for (tick_ns, state) in [
        (1, State::Ok),
        (260, State::Ok),
        (261, State::Warn),
        (1_300, State::Warn),
        (1_301, State::Bad),
        (10_000_000, State::Bad),
        (0, State::Bad),
    ] {
        assert_eq!(Scripted::empty().clock(tick_ns).state("timer"), state, "{tick_ns}");
    }
}

#[test]
fn threads_of_one_core_count_only_among_the_cpus_that_are_allowed() {
    let siblings = |machine: Scripted, pairs: [&str; 4]| {
        pairs.iter().enumerate().fold(machine, |machine, (cpu, pair)| {
            machine.with(
                &format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"),
                pair,
            )
        })
    };
    let all = siblings(Scripted::healthy_server(), ["0,2", "1,3", "0,2", "1,3"]);
    assert!(all.finding("smt").found.ends_with("two threads a core"));
    let half = all.with("/proc/self/status", "Pid:\t7\nCpus_allowed_list:\t0-1\n");
    let found = half.finding("smt");
    assert_eq!(found.state, State::Warn);
    assert_eq!(found.found, "CPUs 0-1 on 2 cores; other work may run on their other threads");
}

#[test]
fn a_layout_that_is_fixed_for_this_process_alone_is_seen() {
    let machine = Scripted::healthy_server().with("/proc/self/personality", "00040000\n");
    assert_eq!(machine.state("aslr"), State::Warn);
    let machine = Scripted::healthy_server().with("/proc/sys/kernel/randomize_va_space", "1\n");
    assert_eq!(machine.state("aslr"), State::Warn);
}

#[test]
fn isolated_cpus_are_shown_with_how_to_use_them() {
    let found = Scripted::healthy_server()
        .with("/sys/devices/system/cpu/isolated", "2-3\n")
        .finding("isolated-cpus");
    assert_eq!((found.state, found.found.as_str()), (State::Info, "isolcpus 2-3, nohz_full none"));
    assert_eq!(found.command.unwrap(), "taskset -c 2-3 bench gate");
}

#[test]
fn a_machine_that_says_nothing_is_unknown_and_not_fit() {
    let silent = Scripted::empty();
    let known: Vec<_> = names(&silent, State::Ok);
    assert_eq!(known, ["timer"]);
    assert_eq!(names(&silent, State::Unknown).len(), CHECKS.len() - 1);
    assert_eq!(Fitness::of(&states(&silent)), Fitness::Unknown);
}

#[test]
fn no_content_of_the_files_panics_a_check_or_reaches_the_terminal_as_an_escape() {
    let long = "9".repeat(100_000);
    let contents: [&[u8]; 12] = [
        b"",
        b"\n",
        b"\0",
        b"\xff\xfe\x1b[31m\x07",
        b"18446744073709551615",
        b"-9223372036854775808",
        b"-1",
        b"99999999999999999999999999999",
        b"0-18446744073709551615",
        b"NaN",
        b"cpu  18446744073709551615 18446744073709551615 1 1 1 1 1 1",
        long.as_bytes(),
    ];
    let machine = Scripted::hostile();
    for bytes in contents {
        machine.hold(bytes);
        for (check, found) in machine.findings() {
            let said =
                format!("{}{}{:?}{:?}", found.found, found.effect, found.mend, found.command);
            assert!(!said.contains(|c: char| c.is_control()), "{}: {said:?}", check.name);
            assert!(found.found.chars().count() < 400, "{}: {said:?}", check.name);
        }
    }
}

#[test]
fn a_group_with_a_command_for_a_name_is_quoted_in_what_a_person_will_paste() {
    let path = "/sys/fs/cgroup/$(reboot);x/cpu.max";
    let machine = Scripted::healthy_server()
        .with("/proc/self/cgroup", "0::/$(reboot);x\n")
        .with(path, "50000 100000\n");
    let command = machine.finding("cgroup-cpu").command.unwrap();
    assert_eq!(command, format!("echo max | sudo tee '{path}'"));
}
