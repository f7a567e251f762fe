//! Address-space layout randomisation. It is wanted here: a process is one sample of a layout, and the interval over
//! processes must hold the layout's part. Source: `randomize_va_space` in Linux, `Documentation/admin-guide/sysctl/kernel.rst`.

use super::{Check, Finding, Observation, State};

/// Bit of a personality that switches the randomisation off for a process and its children (`setarch -R`).
const ADDR_NO_RANDOMIZE: u64 = 0x004_0000;

pub(super) const CHECK: Check = Check {
    name: "aslr",
    about: "Does every process get another place for its stack, its mappings and its heap?",
    find,
};

fn find(seen: &Observation) -> Finding {
    let Some(level) = seen.machine.number::<u64>("/proc/sys/kernel/randomize_va_space") else {
        return Finding::unknown("randomize_va_space is not told");
    };
    let personality = seen
        .machine
        .line("/proc/self/personality")
        .and_then(|bits| u64::from_str_radix(&bits, 16).ok());
    let is_off_here = personality.is_some_and(|bits| bits & ADDR_NO_RANDOMIZE != 0);
    let effect = "processes share one layout: intervals look narrower than the layout's luck is";
    let finding = match level {
        0 => Finding::new(State::Warn, "randomize_va_space 0: every process has one layout"),
        _ if is_off_here => {
            return Finding::new(State::Warn, "switched off for this process and its workers")
                .effect(effect)
                .mend("start bench without `setarch -R` or a debugger")
                .value("randomize_va_space", level);
        }
        1 => Finding::new(State::Warn, "randomize_va_space 1: the heap keeps its place"),
        2 => {
            return Finding::new(State::Ok, "randomize_va_space 2: stack, mappings and heap move")
                .value("randomize_va_space", level);
        }
        other => {
            return Finding::unknown(format!("randomize_va_space {other} has no known meaning"))
                .value("randomize_va_space", other);
        }
    };
    finding
        .effect(effect)
        .mend("let the kernel choose")
        .command("sudo sysctl -w kernel.randomize_va_space=2")
        .value("randomize_va_space", level)
}
