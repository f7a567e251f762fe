//! Transparent huge pages: for all memory, for memory that asks, or for none.
//! Source: Linux, `Documentation/admin-guide/mm/transhuge.rst`.

use super::{Check, Finding, Observation, State, shell};

const PATH: &str = "/sys/kernel/mm/transparent_hugepage/enabled";

pub(super) const CHECK: Check =
    Check { name: "huge-pages", about: "Does memory get huge pages by request or by luck?", find };

fn find(seen: &Observation) -> Finding {
    let line = seen.machine.line(PATH);
    let chosen = line.as_deref().and_then(|line| Some(line.split_once('[')?.1.split_once(']')?.0));
    match chosen {
        Some("madvise") => Finding::new(State::Ok, "madvise: for memory that asks for them"),
        Some("always") => Finding::new(State::Warn, "always: for any memory, as far as there are some")
            .effect(
                "which buffers get them depends on how fragmented memory is when a process starts, so processes differ; \
                 reading from huge pages was twice as fast as from small ones on one machine (55.8 against 27.4 GB/s, two threads)",
            )
            .mend("give them to memory that asks")
            .command(shell::write("madvise", PATH)),
        Some("never") => Finding::new(State::Info, "never")
            .effect("none on the spread; the huge-page probe measures 4 KiB pages, and its bound is lower"),
        _ => return Finding::unknown("transparent huge pages are not told"),
    }
    .value("enabled", chosen.unwrap_or_default())
}
