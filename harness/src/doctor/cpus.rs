//! The CPUs that are asked about: those this process may run on, else all that the system shows.

use std::collections::BTreeSet;

use crate::environment::Machine;

/// Folder of the CPUs.
pub(super) const FOLDER: &str = "/sys/devices/system/cpu";

/// Sorted ids; none where the system shows none.
pub(super) fn of(machine: &Machine) -> Vec<u32> {
    let shown: BTreeSet<u32> = machine
        .names(FOLDER)
        .iter()
        .filter_map(|name| name.strip_prefix("cpu")?.parse().ok())
        .collect();
    match machine.allowed_cpus() {
        Some(allowed) => shown.intersection(&allowed).copied().collect(),
        None => shown.into_iter().collect(),
    }
}

/// `what` of every CPU that says it, with the number of CPUs that do; sorted.
pub(super) fn tally(machine: &Machine, file: &str) -> Vec<(String, usize)> {
    let mut said: Vec<(String, usize)> = Vec::new();
    for cpu in of(machine) {
        let Some(text) = machine.line(&format!("{FOLDER}/cpu{cpu}/{file}")) else { continue };
        match said.iter_mut().find(|(other, _)| *other == text) {
            Some((_, n)) => *n += 1,
            None => said.push((text, 1)),
        }
    }
    said.sort();
    said
}

/// `2 × powersave, 6 × performance`, or the one word that all say.
pub(super) fn tally_text(said: &[(String, usize)]) -> String {
    match said {
        [(one, _)] => one.clone(),
        many => {
            let parts: Vec<String> = many.iter().map(|(text, n)| format!("{n} × {text}")).collect();
            parts.join(", ")
        }
    }
}

/// Ids as the kernel and `taskset -c` write them: `0-3,8`.
pub(super) fn list_text(cpus: &[u32]) -> String {
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for &cpu in cpus {
        match parts.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(cpu) => *last = cpu,
            _ => parts.push((cpu, cpu)),
        }
    }
    let part = |(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    parts.iter().map(part).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_written_as_it_is_read() {
        assert_eq!(list_text(&[0, 1, 2, 3, 8]), "0-3,8");
        assert_eq!(list_text(&[5]), "5");
        assert_eq!(list_text(&[]), "");
        assert_eq!(list_text(&[u32::MAX]), u32::MAX.to_string());
    }
}
