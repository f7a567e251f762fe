//! The device of a process: asked for by name, how long its sequences get; and the machine as the engine's device manager wants to
//! know it.
//!
//! In: a name, a suite or a prompt; what `main` was given. Out: a request, a size; a device manager.

use std::{fmt::Display, path::PathBuf, sync::OnceLock};

use anyhow::{Result, bail};
use baselines::record::{Suite, WorkloadDef};
use engine::{
    DeviceManager, DeviceRequest, Prompt,
    device::{BACKENDS, Host},
    kernels::Kernels,
};

use crate::{
    Hooks,
    environment::{Machine, field, shown},
    nearest::nearest,
};

/// Tokens that a text has at most where it is not known before: a template's frame, a workload's own prompt.
const TEXT_TOKENS: usize = 512;

/// Of the process: where compiled kernels are kept, and what a test build has in place of GPUs.
static PROCESS: OnceLock<(Option<PathBuf>, Hooks)> = OnceLock::new();

/// Says where kernels are kept that were compiled for a device, and what a test build plants. The first call counts: `main`'s.
pub(crate) fn set_process(kernels_folder: Option<PathBuf>, hooks: &Hooks) {
    let _ = PROCESS.set((kernels_folder, *hooks));
}

/// The manager of this process's devices, for a CPU that computes with `kernels`.
pub(super) fn manager(kernels: Kernels) -> DeviceManager {
    let mut host = host(&Machine::here(), kernels);
    let (folder, hooks) = PROCESS.get().cloned().unwrap_or((None, Hooks::none()));
    (host.kernels_folder, host.fault) = (folder, hooks.fault);
    let of_build = BACKENDS.iter().map(|backend| backend(&host));
    let planted = hooks.gpus.map(|gpus| gpus(&host)).into_iter().flatten();
    DeviceManager::with_backends(planted.chain(of_build).collect())
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) device: DeviceRequest,
    /// Whether a fallback to the CPU is an error.
    pub(crate) is_strict: bool,
}

/// A request by name.
pub(crate) fn parse(name: &str) -> Result<DeviceRequest> {
    match name.parse::<DeviceRequest>() {
        Ok(request) => Ok(request),
        Err(error) => {
            let near = nearest(name, DeviceRequest::NAMES.iter().copied());
            let near = near.map_or_else(String::new, |near| format!("; nearest: `{near}`"));
            bail!(
                "failed to choose the device (`--device`, `BENCH_DEVICE` or bench.toml): {error}{near}"
            )
        }
    }
}

/// What sequences are held together, and how long they get at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) n_positions: usize,
    pub(crate) n_sequences: usize,
}

/// The sequences of the workload of a suite that holds the most positions; `prompt`: the user's, in place of the workloads' own.
pub(crate) fn size_of_suite(suite: &Suite, prompt: Option<&str>) -> Size {
    let more = prompt.map_or(0, str::len).saturating_add(TEXT_TOKENS);
    let of = |workload: &WorkloadDef| {
        let param = |name| {
            let value = workload.params.get(name).copied().unwrap_or(0);
            usize::try_from(value).unwrap_or(usize::MAX)
        };
        let tokens = param("prompt_tokens").saturating_add(param("tokens"));
        Size { n_positions: tokens.saturating_add(more), n_sequences: param("sequences").max(1) }
    };
    let positions = |size: &Size| size.n_positions.saturating_mul(size.n_sequences);
    let most = suite.workloads.iter().map(of).max_by_key(positions);
    most.unwrap_or(Size { n_positions: more, n_sequences: 1 })
}

/// One sequence: the prompt, which takes at most so many tokens (one has a byte at least), and `n_tokens` more.
pub(crate) fn size_of_prompt(prompt: &Prompt, n_tokens: usize) -> Size {
    let n = match prompt {
        Prompt::Text(text) | Prompt::Template(text) => text.len(),
        Prompt::Chat(_, messages) => messages.iter().map(|message| message.content.len()).sum(),
        Prompt::Ids(ids) => ids.len(),
    };
    let n_positions = n.saturating_add(TEXT_TOKENS).saturating_add(n_tokens);
    Size { n_positions, n_sequences: 1 }
}

/// What ran in place of what was asked for, for a person.
pub(crate) fn warning(
    requested: impl Display,
    selected: impl Display,
    fallback: impl Display,
) -> String {
    format!("warning: device `{requested}` was asked for, `{selected}` runs: {fallback}")
}

/// This machine as the system's files tell it. Limits of control groups are left to `bench doctor`.
fn host(machine: &Machine, kernels: Kernels) -> Host {
    let cpuinfo = machine.text("/proc/cpuinfo").unwrap_or_default();
    let meminfo = machine.text("/proc/meminfo").unwrap_or_default();
    let bytes = |name: &str| {
        let kib: u64 = field(&meminfo, name)?.split_whitespace().next()?.parse().ok()?;
        kib.checked_mul(1024)
    };
    Host {
        kernels,
        name: field(&cpuinfo, "model name").map_or_else(|| "CPU".to_owned(), shown),
        total_bytes: bytes("MemTotal"),
        free_bytes: bytes("MemAvailable"),
        kernels_folder: None,
        fault: None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use engine::{Isa, Message};

    use super::*;
    use crate::suite::Catalogue;

    #[test]
    fn a_name_that_is_none_suggests_the_nearest() {
        for (name, near) in [("gpuu", "`gpu`"), ("cuda:x", "`cuda:0`"), ("cp", "`cpu`")] {
            let error = parse(name).unwrap_err().to_string();
            assert!(error.contains(&format!("nearest: {near}")), "{error}");
        }
        let error = parse("quantum").unwrap_err().to_string();
        assert!(error.contains("`--device`") && error.contains("expected `auto`"), "{error}");
        assert_eq!(parse("gpu").unwrap(), DeviceRequest::Gpu);
    }

    #[test]
    fn a_sequence_is_a_prompt_and_what_comes_of_it() {
        let suite = Catalogue::builtin().unwrap().suite("quick", Some(300)).unwrap();
        let own = size_of_suite(&suite, None);
        // The decode workload: 16 and 300 tokens.
        assert_eq!(own, Size { n_positions: 316 + TEXT_TOKENS, n_sequences: 1 });
        let with_prompt = size_of_suite(&suite, Some("four"));
        assert_eq!(with_prompt.n_positions, own.n_positions + 4);
        let batches = Catalogue::builtin().unwrap().suite("full", None).unwrap();
        assert_eq!(size_of_suite(&batches, None).n_sequences, 8);
        // Its batch is of short sequences: they are not taken for eight of the longest.
        let cpu = Catalogue::builtin().unwrap().suite("cpu", None).unwrap();
        let want = Size { n_positions: 4096 + TEXT_TOKENS, n_sequences: 1 };
        assert_eq!(size_of_suite(&cpu, None), want);
        let turns = vec![Message::new("system", "ab"), Message::new("user", "c")];
        let chat = Prompt::Chat(engine::ChatTemplate::new(""), turns);
        assert_eq!(size_of_prompt(&chat, 5).n_positions, 3 + 5 + TEXT_TOKENS);
        let one = Size { n_positions: 7 + TEXT_TOKENS, n_sequences: 1 };
        assert_eq!(size_of_prompt(&Prompt::Ids(vec![1; 7]), 0), one);
    }

    #[test]
    fn memory_is_what_the_system_says_or_unknown() {
        let root = tempfile::tempdir().unwrap();
        let machine = Machine::at(root.path());
        let kernels = Kernels::of(Isa::Scalar).unwrap();
        let nothing = host(&machine, kernels);
        assert_eq!((nothing.name.as_str(), nothing.free_bytes), ("CPU", None));
        fs::create_dir(root.path().join("proc")).unwrap();
        let meminfo = "MemTotal:  16 kB\nMemFree:  1 kB\nMemAvailable:  2 kB\n";
        fs::write(root.path().join("proc/meminfo"), meminfo).unwrap();
        fs::write(root.path().join("proc/cpuinfo"), "model name\t: Some CPU\n").unwrap();
        let told = host(&machine, kernels);
        assert_eq!((told.total_bytes, told.free_bytes), (Some(16384), Some(2048)));
        assert_eq!(told.name, "Some CPU");
    }
}
