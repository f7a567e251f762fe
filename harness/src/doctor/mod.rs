//! Is this machine fit to measure, and what would help: one check a file, each from what the system says of itself.
//! In: an [`Observation`] of about two seconds. Out: one [`Finding`] a check. Nothing is changed on the machine.

mod aslr;
mod battery;
mod boost;
mod cgroup;
mod cgroup_cpu;
mod cgroup_memory;
mod clock_source;
mod cpus;
mod finding;
mod governor;
mod huge_pages;
mod hypervisor;
mod isolated_cpus;
mod load;
mod mitigations;
mod observation;
mod perf_events;
mod shell;
mod smt;
mod steal_time;
mod swap;
mod thermal;
mod timer;

pub(crate) use finding::{Finding, Fitness, State};
pub(crate) use observation::{Observation, WINDOW, observe, pass};

/// One question to the machine.
#[derive(Debug)]
pub(crate) struct Check {
    /// Kebab-case.
    pub(crate) name: &'static str,
    /// What is asked, as one sentence.
    pub(crate) about: &'static str,
    /// The answer. Whatever the files hold, it does not panic; what they do not tell is unknown.
    find: fn(&Observation) -> Finding,
}

/// All checks, sorted by name.
pub(crate) const CHECKS: &[Check] = &[
    aslr::CHECK,
    battery::CHECK,
    boost::CHECK,
    cgroup_cpu::CHECK,
    cgroup_memory::CHECK,
    clock_source::CHECK,
    governor::CHECK,
    huge_pages::CHECK,
    hypervisor::CHECK,
    isolated_cpus::CHECK,
    load::CHECK,
    mitigations::CHECK,
    perf_events::CHECK,
    smt::CHECK,
    steal_time::CHECK,
    swap::CHECK,
    thermal::CHECK,
    timer::CHECK,
];

/// The findings of all checks, in the order of the register.
pub(crate) fn examine(observation: &Observation) -> Vec<(&'static Check, Finding)> {
    CHECKS.iter().map(|check| (check, (check.find)(observation))).collect()
}

#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
mod tests;
