//! A limit of memory: near it, the kernel drops the model's pages and reads them again in the middle of a sample.

use baselines::unit::Unit;

use super::{Check, Finding, Observation, State, cgroup, cgroup::Levels};
use crate::environment::{Machine, field};

/// Less than this left is a warning: four times the memory probe's 128 MiB. A large model needs its own size more.
const LEFT_BYTES_MIN: u64 = 512 << 20;

pub(super) const CHECK: Check = Check {
    name: "cgroup-memory",
    about: "Is there memory left below the limit of the control group?",
    find,
};

fn find(seen: &Observation) -> Finding {
    let machine = &seen.machine;
    let Some(levels) = Levels::of(machine, "memory") else {
        return Finding::unknown("no control group of the memory is shown");
    };
    let all_bytes = memory_bytes(machine).unwrap_or(1 << 60);
    let limit = levels.tightest(|folder| limit(machine, &levels, folder));
    // Version 1 writes "no limit" as a number near 2^63.
    let Some(limit) = limit.filter(|limit| limit.most < all_bytes) else {
        return Finding::new(State::Ok, "no limit on any level that this process sees");
    };
    let (max, file) =
        if levels.version == 1 { ("-1", "memory.limit_in_bytes") } else { ("max", "memory.max") };
    let left_bytes =
        used(machine, &levels, &limit.folder).map(|used| limit.most.saturating_sub(used));
    let left =
        left_bytes.map_or_else(|| "use unknown".to_owned(), |left| format!("{} left", bytes(left)));
    let finding = |state| {
        Finding::new(state, format!("limit of {}, {left}", bytes(limit.most)))
            .value("limit_bytes", limit.most)
            .value("left_bytes", left_bytes)
            .value("folder", limit.folder.clone())
    };
    match left_bytes {
        Some(left) if left < LEFT_BYTES_MIN => finding(State::Warn)
            .effect(
                "pages of the model are dropped and read again from disk, or a worker is killed",
            )
            .mend("start the container with more memory, or lift the limit")
            .command(cgroup::lift(&limit.folder, file, max)),
        Some(_) => finding(State::Ok),
        None => finding(State::Info).effect("unknown: a limit matters once it is reached"),
    }
}

fn limit(machine: &Machine, levels: &Levels, folder: &str) -> Option<u64> {
    let number = |file: &str| machine.number::<u64>(&format!("{folder}/{file}"));
    if levels.version == 1 {
        return number("memory.limit_in_bytes");
    }
    // Above `memory.high` the group is slowed down, above `memory.max` it is killed.
    [number("memory.high"), number("memory.max")].into_iter().flatten().min()
}

/// Bytes in use that can't be had back by dropping cached files.
fn used(machine: &Machine, levels: &Levels, folder: &str) -> Option<u64> {
    let (file, cached) = if levels.version == 1 {
        ("memory.usage_in_bytes", "total_inactive_file")
    } else {
        ("memory.current", "inactive_file")
    };
    let used: u64 = machine.number(&format!("{folder}/{file}"))?;
    let stat = machine.text(&format!("{folder}/memory.stat")).unwrap_or_default();
    Some(used.saturating_sub(cgroup::stat(&stat, cached).unwrap_or(0)))
}

fn memory_bytes(machine: &Machine) -> Option<u64> {
    let meminfo = machine.text("/proc/meminfo")?;
    let kib: u64 = field(&meminfo, "MemTotal")?.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn bytes(n: u64) -> String {
    Unit::Bytes.text(n as f64)
}
