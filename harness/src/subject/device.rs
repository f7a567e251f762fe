//! The device of a process: asked for by name, chosen by the engine's device manager, stated in the record.
//! In: a name, a model, how long its sequences get. Out: the engine's selection. This is where the machine's memory is looked at.

use std::fmt::Display;

use anyhow::{Context as _, Result, bail};
use baselines::record::Suite;
use engine::{
    DeviceManager, DeviceRequest, Model, Prompt, SessionOptions,
    device::{Host, Needs, Selection},
    kernels::Kernels,
};

use crate::{
    environment::{Machine, field, shown},
    nearest::nearest,
};

/// Tokens that a text has at most where it is not known before: a template's frame, a workload's own prompt.
const TEXT_TOKENS: usize = 512;

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

/// Chooses for one sequence of at most `n_positions` at a time.
pub(crate) fn select(
    model: &Model,
    options: &SessionOptions,
    asked: Asked,
    n_positions: usize,
) -> Result<Selection> {
    let kernels = Kernels::of(options.isa)?;
    let needs = Needs::of(model, options, n_positions)?;
    let manager = DeviceManager::new(&host(&Machine::here(), kernels));
    let selected = manager.select(asked.device, &needs, asked.is_strict);
    selected.with_context(|| {
        let strict = if asked.is_strict { " under `--strict-device`" } else { "" };
        format!("failed to choose the device{strict}")
    })
}

/// Positions of the longest sequence of a suite; `prompt`: the user's, in place of the workloads' own.
pub(crate) fn n_positions(suite: &Suite, prompt: Option<&str>) -> usize {
    let tokens = suite.workloads.iter().map(|workload| {
        let param = |name: &str| workload.params.get(name).copied().unwrap_or(0);
        param("prompt_tokens").saturating_add(param("tokens"))
    });
    let tokens = usize::try_from(tokens.max().unwrap_or(0)).unwrap_or(usize::MAX);
    tokens.saturating_add(prompt.map_or(0, str::len)).saturating_add(TEXT_TOKENS)
}

/// Positions that a prompt takes at most: a token has a byte at least.
pub(crate) fn n_positions_of(prompt: &Prompt) -> usize {
    let n = match prompt {
        Prompt::Text(text) | Prompt::Template(text) => text.len(),
        Prompt::Chat(_, messages) => messages.iter().map(|message| message.content.len()).sum(),
        Prompt::Ids(ids) => ids.len(),
    };
    n.saturating_add(TEXT_TOKENS)
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
        let own = n_positions(&suite, None);
        // The decode workload: 16 and 300 tokens.
        assert_eq!(own, 316 + TEXT_TOKENS);
        assert_eq!(n_positions(&suite, Some("four")), own + 4);
        let turns = vec![Message::new("system", "ab"), Message::new("user", "c")];
        let chat = Prompt::Chat(engine::ChatTemplate::new(""), turns);
        assert_eq!(n_positions_of(&chat), 3 + TEXT_TOKENS);
        assert_eq!(n_positions_of(&Prompt::Ids(vec![1; 7])), 7 + TEXT_TOKENS);
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

    #[test]
    fn a_fallback_is_a_selection_unless_it_is_strict() {
        let model = Model::builtin("stories").unwrap();
        let options = SessionOptions::default();
        let asked = Asked { device: DeviceRequest::Gpu, is_strict: true };
        let error = format!("{:#}", select(&model, &options, asked, 8).unwrap_err());
        assert!(error.contains("`--strict-device`") && error.contains("no_backend"), "{error}");
        let asked = Asked { is_strict: false, ..asked };
        let selection = select(&model, &options, asked, 8).unwrap();
        assert_eq!(selection.selected.capability, Isa::best().name());
    }
}
