//! A quota of CPU time: a group that has used up its share of a period stands still until the next one.

use super::{Check, Finding, Observation, State, cgroup, cgroup::Levels, cpus};
use crate::environment::Machine;

pub(super) const CHECK: Check =
    Check { name: "cgroup-cpu", about: "Does a quota stop this process part of the time?", find };

const EFFECT: &str =
    "all threads stand still until the period ends, tens of milliseconds in the middle of a sample";

fn find(seen: &Observation) -> Finding {
    let Some(levels) = Levels::of(&seen.machine, "cpu") else {
        return Finding::unknown("no control group of the CPUs is shown");
    };
    let Some(limit) = levels.tightest(|folder| quota(&seen.machine, &levels, folder)) else {
        return Finding::new(State::Ok, "no quota on any level that this process sees");
    };
    let n_allowed = cpus::of(&seen.machine).len().max(seen.n_cpus);
    let n_throttled = seen.busy.growth(|ends| ends.n_quota);
    let stops = n_throttled.unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a number of CPUs")]
    let (allowed, ours) = (n_allowed as f64, seen.n_cpus as f64);
    let state = if stops > 0 || limit.most < ours.max(1.0) {
        State::Bad
    } else if limit.most < allowed {
        State::Warn
    } else {
        State::Ok
    };
    let stopped = match n_throttled {
        Some(n) => format!(", stopped {n} times in the busy window"),
        None => String::new(),
    };
    let found = format!("quota of {:.2} of {n_allowed} CPUs{stopped}", limit.most);
    let file = if levels.version == 1 { "cpu.cfs_quota_us" } else { "cpu.max" };
    let lifted = if levels.version == 1 { "-1" } else { "max" };
    let finding = Finding::new(state, found)
        .value("quota_cpus", limit.most)
        .value("allowed_cpus", n_allowed)
        .value("throttled_periods", n_throttled)
        .value("folder", limit.folder.clone());
    if state == State::Ok {
        return finding;
    }
    finding
        .effect(EFFECT)
        .mend(
            "start the container without a CPU limit (or with `--cpuset-cpus`), or lift the quota; until then, measure \
             with fewer `--threads` than it allows",
        )
        .command(cgroup::lift(&limit.folder, file, lifted))
}

/// CPUs that the group in `folder` may keep busy; `None` without a quota.
fn quota(machine: &Machine, levels: &Levels, folder: &str) -> Option<f64> {
    let (quota_us, period_us): (f64, f64) = if levels.version == 1 {
        let number = |file: &str| machine.number::<f64>(&format!("{folder}/{file}"));
        (number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
    } else {
        let text = machine.line(&format!("{folder}/cpu.max"))?;
        let (quota, period) = text.split_once(' ')?;
        (quota.parse().ok()?, period.trim().parse().ok()?)
    };
    let cpus = quota_us / period_us;
    (quota_us > 0.0 && period_us > 0.0 && cpus.is_finite() && cpus > 0.0).then_some(cpus)
}
