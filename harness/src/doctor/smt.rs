//! Threads of one core: two CPUs in name that share execution units and caches.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Finding, Observation, State, cpus};
use crate::environment::cpu_list;

pub(super) const CHECK: Check =
    Check { name: "smt", about: "Are two of the CPUs threads of one core?", find };

fn find(seen: &Observation) -> Finding {
    let allowed = cpus::of(&seen.machine);
    let mut cores: BTreeMap<BTreeSet<u32>, Vec<u32>> = BTreeMap::new();
    for &cpu in &allowed {
        let path = format!("{}/cpu{cpu}/topology/thread_siblings_list", cpus::FOLDER);
        let Some(siblings) = seen.machine.text(&path).and_then(|text| cpu_list(&text)) else {
            return Finding::unknown("the CPUs do not tell their cores");
        };
        cores.entry(siblings).or_default().push(cpu);
    }
    if cores.is_empty() {
        return Finding::unknown("no CPU is shown");
    }
    let first: Vec<u32> = cores.values().filter_map(|cpus| cpus.first().copied()).collect();
    let n_outside = cores.iter().filter(|(all, ours)| all.len() > ours.len()).count();
    let told = format!("CPUs {} on {} cores", cpus::list_text(&allowed), cores.len());
    let finding = |state, found: String| {
        Finding::new(state, found)
            .value("allowed_cpus", allowed.clone())
            .value("cores", cores.len())
            .value("cores_shared_with_others", n_outside)
    };
    if cores.values().any(|cpus| cpus.len() > 1) {
        return finding(State::Warn, format!("{told}: two threads a core"))
            .effect("two threads on one core share it; which ones do is the scheduler's choice, and changes")
            .mend("measure on one thread of each core")
            .command(format!("taskset -c {} bench gate", cpus::list_text(&first)));
    }
    if n_outside > 0 {
        return finding(State::Warn, format!("{told}; other work may run on their other threads"))
            .effect("whatever runs on the other thread of a core slows this one down")
            .mend("switch the second threads off while measuring")
            .command(format!("echo off | sudo tee {}/smt/control", cpus::FOLDER));
    }
    if seen.is_guest() == Some(true) {
        return finding(State::Unknown, format!("{told}, as a guest is told"))
            .effect("unknown: the host may place two of a guest's CPUs on one core")
            .mend(seen.mend(""));
    }
    finding(State::Ok, format!("{told}: one thread a core"))
}
