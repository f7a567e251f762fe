//! CPUs that were taken from the scheduler (`isolcpus`) or from its tick (`nohz_full`) when the kernel started.
//! Source: Linux, `Documentation/admin-guide/kernel-parameters.txt`.

use std::collections::BTreeSet;

use super::{Check, Finding, Observation, State, cpus};
use crate::environment::cpu_list;

pub(super) const CHECK: Check = Check {
    name: "isolated-cpus",
    about: "Are CPUs set apart from other work when the kernel starts?",
    find,
};

fn find(seen: &Observation) -> Finding {
    let path = |file: &str| format!("{}/{file}", cpus::FOLDER);
    if !seen.machine.has(&path("isolated")) && !seen.machine.has(&path("nohz_full")) {
        return Finding::unknown("isolated CPUs are not told");
    }
    let list = |file: &str| -> BTreeSet<u32> {
        seen.machine.text(&path(file)).and_then(|text| cpu_list(&text)).unwrap_or_default()
    };
    let text = |cpus: &BTreeSet<u32>| cpus::list_text(&cpus.iter().copied().collect::<Vec<_>>());
    let (isolated, tickless) = (list("isolated"), list("nohz_full"));
    let finding = |found: String| {
        Finding::new(State::Info, found)
            .value("isolated", text(&isolated))
            .value("nohz_full", text(&tickless))
    };
    if isolated.is_empty() && tickless.is_empty() {
        return finding("none".to_owned());
    }
    let said = |cpus: &BTreeSet<u32>| if cpus.is_empty() { "none".to_owned() } else { text(cpus) };
    let finding = finding(format!("isolcpus {}, nohz_full {}", said(&isolated), said(&tickless)))
        .effect("on them nothing else is scheduled; off them, everything is");
    if isolated.is_empty() {
        return finding;
    }
    finding
        .mend("measure on the isolated CPUs; with as many threads as CPUs, each keeps to its own")
        .command(format!("taskset -c {} bench gate", text(&isolated)))
}
