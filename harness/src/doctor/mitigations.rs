//! Firmware and kernel against faults of the CPU: what they cost is part of every time.

use super::{Check, Finding, Observation, State, cpus};
use crate::environment::{field, shown};

pub(super) const CHECK: Check = Check {
    name: "mitigations",
    about: "Which microcode runs, and how many faults of the CPU does the kernel work around?",
    find,
};

fn find(seen: &Observation) -> Finding {
    let folder = format!("{}/vulnerabilities", cpus::FOLDER);
    let (mut mitigated, mut vulnerable) = (Vec::new(), Vec::new());
    let names = seen.machine.names(&folder);
    for name in &names {
        match seen.machine.line(&format!("{folder}/{name}")) {
            Some(text) if text.starts_with("Mitigation") => mitigated.push(shown(name)),
            Some(text) if text.starts_with("Vulnerable") => vulnerable.push(shown(name)),
            _ => {}
        }
    }
    let cpuinfo = seen.machine.text("/proc/cpuinfo").unwrap_or_default();
    let microcode = field(&cpuinfo, "microcode").filter(|text| !text.is_empty()).map(shown);
    if names.is_empty() && microcode.is_none() {
        return Finding::unknown("neither microcode nor mitigations are told");
    }
    let found = format!(
        "microcode {}, {} mitigated, {} open",
        microcode.as_deref().unwrap_or("unknown"),
        mitigated.len(),
        vulnerable.len()
    );
    Finding::new(State::Info, found)
        .effect("little on arithmetic, more on system calls; another microcode is another fingerprint, so nothing is compared across it")
        .value("microcode", microcode)
        .value("mitigated", mitigated)
        .value("vulnerable", vulnerable)
}
