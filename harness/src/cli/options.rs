//! Options that several subcommands share, and how they become settings: a flag beats a variable beats `bench.toml`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use baselines::store::{DirStore, branch::Branch};
use clap::Args;
use engine::DeviceRequest;

use super::Context;
use crate::{
    accuracy,
    config::Config,
    nonce,
    session::Assignment,
    subject::{
        device::{self, Asked},
        engine::{BUILTIN, Source, parse_isa},
    },
};

/// Seed where nothing says otherwise: two records without one must be comparable.
const SEED: u64 = 42;
/// Suite where nothing says otherwise.
const SUITE: &str = "quick";
/// Name of the baseline where nothing says otherwise.
pub(crate) const BASELINE: &str = "main";

/// What is measured, and how it is set up.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SubjectArgs {
    /// `stories` (built in), `synthetic:NAME[@SEED]` or the path of a GGUF file.
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,

    /// Suite of workloads: `quick`, `full`, `engine`, `cpu`, `gpu`, or one of bench.toml.
    #[arg(long, value_name = "NAME")]
    pub(crate) suite: Option<String>,

    /// Tokens to generate, in place of the suite's number.
    #[arg(long, value_name = "N")]
    pub(crate) tokens: Option<u64>,

    /// Root seed of prompts and of the order of pairs [env: `BITNET_SEED`] [default: 42].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// What the challenge's prompts come from, 32 hex digits: give one where a trusted party draws it, and ask for it again with
    /// `bench verify --nonce` [default: drawn by the operating system].
    #[arg(long, value_name = "HEX", value_parser = nonce::parse)]
    pub(crate) nonce: Option<String>,

    /// Ask for deterministic mode in the record. Outputs are the same for any number of threads and any instruction set
    /// with or without it [env: `BITNET_DETERMINISTIC`].
    #[arg(long)]
    pub(crate) deterministic: bool,

    /// Threads of the engine [default: all CPUs].
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<u64>,

    /// Instruction set: scalar, avx2 or avx512 [env: `BENCH_ISA`] [default: the best available].
    #[arg(long, value_name = "NAME")]
    pub(crate) isa: Option<String>,

    #[command(flatten)]
    pub(crate) device: DeviceArgs,

    /// Bytes that one session of the engine may hold besides the model's weights; K, M and G are powers of 1024.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub(crate) memory_limit: Option<u64>,
}

/// Where a model runs.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DeviceArgs {
    /// Device: cpu, gpu, cuda or cuda:N, or auto, which is a GPU where there is one. Where a GPU can't be used the CPU runs, and
    /// the record says why [env: `BENCH_DEVICE`] [default: cpu].
    #[arg(long, value_name = "NAME")]
    device: Option<String>,

    /// Fail where the CPU would run in place of a GPU.
    #[arg(long)]
    strict_device: bool,
}

/// Where baselines are kept.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct StoreArgs {
    /// Folder of the store [env: `BENCH_STORE`] [default: tritgate in the user's data folder].
    #[arg(long, value_name = "PATH")]
    pub(crate) store: Option<PathBuf>,
}

/// Which history: of what store, and what of it.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,

    /// Only tracks whose WORKLOAD/METRIC contains this text; how many are not shown is said.
    #[arg(long, value_name = "TEXT")]
    pub(crate) workload: Option<String>,

    /// Read every record again, not only those that are new since the last time; the result is the same unless a file of the store
    /// was changed.
    #[arg(long)]
    pub(crate) fresh: bool,
}

/// Where baselines are kept beyond this machine.
#[derive(Clone, Debug, Args)]
pub(crate) struct BranchArgs {
    /// Remote of the repository around this folder, or a URL.
    #[arg(long, value_name = "NAME|URL", default_value = "origin")]
    remote: String,

    /// Branch that holds the baselines, and nothing else.
    #[arg(long, value_name = "NAME", default_value = "tritgate")]
    branch: String,
}

impl SubjectArgs {
    /// The assignment of a session. The model must exist before a process is started for it.
    pub(crate) fn assignment(
        &self,
        context: &Context<'_>,
        config: &Config,
        prompt: Option<String>,
    ) -> Result<Assignment> {
        let model = self.model.clone().or_else(|| config.model.clone());
        let model = model.unwrap_or_else(|| BUILTIN.to_owned());
        let isa = self.isa(context, config);
        if let Some(isa) = &isa {
            parse_isa(isa)?;
        }
        let suite = self.suite.as_deref().or(config.suite.as_deref()).unwrap_or(SUITE);
        let suite =
            config.catalogue.suite(suite, self.tokens).context("failed to choose the workloads")?;
        let assignment = Assignment {
            suite,
            seed: self.seed(context, config)?,
            nonce: self.nonce.clone(),
            deterministic: self.deterministic || context.vars.deterministic()?,
            isa,
            device: self.device.asked(context, config.device.as_deref())?,
            threads: self.threads.or(config.threads),
            memory_limit: self.memory_limit,
            prompt,
            positions: Some(config.accuracy_positions.unwrap_or(accuracy::POSITIONS)),
            model,
        };
        Source::named(&assignment.model).open()?;
        Ok(assignment)
    }

    /// The effective root seed.
    pub(crate) fn seed(&self, context: &Context<'_>, config: &Config) -> Result<u64> {
        // A bad variable is an error even where a flag overrules it: it is set by mistake.
        let variable = context.vars.seed()?;
        Ok(self.seed.or(variable).or(config.seed).unwrap_or(SEED))
    }

    /// The instruction set asked for.
    pub(crate) fn isa(&self, context: &Context<'_>, config: &Config) -> Option<String> {
        self.isa.clone().or_else(|| context.vars.isa()).or_else(|| config.isa.clone())
    }

    /// The same options as arguments of another `bench`, settled.
    pub(crate) fn to_args(&self, assignment: &Assignment) -> Vec<String> {
        let mut args = vec![
            format!("--model={}", assignment.model),
            format!("--suite={}", assignment.suite.name),
            format!("--seed={}", assignment.seed),
        ];
        args.extend(self.tokens.map(|tokens| format!("--tokens={tokens}")));
        args.extend(assignment.threads.map(|threads| format!("--threads={threads}")));
        args.extend(assignment.isa.as_ref().map(|isa| format!("--isa={isa}")));
        args.push(format!("--device={}", assignment.device.device));
        args.extend(assignment.device.is_strict.then(|| "--strict-device".to_owned()));
        args.extend(assignment.memory_limit.map(|bytes| format!("--memory-limit={bytes}")));
        args.extend(assignment.deterministic.then(|| "--deterministic".to_owned()));
        args
    }
}

impl DeviceArgs {
    /// What they ask for.
    pub(crate) fn asked(&self, context: &Context<'_>, config: Option<&str>) -> Result<Asked> {
        let variable = context.vars.device();
        let name = self.device.as_deref().or(variable.as_deref()).or(config);
        let device = name.map_or_else(|| Ok(DeviceRequest::default()), device::parse)?;
        Ok(Asked { device, is_strict: self.strict_device })
    }
}

impl StoreArgs {
    /// The store.
    pub(crate) fn open(&self, context: &Context<'_>, config: &Config) -> Result<DirStore> {
        let path =
            self.store.clone().or_else(|| context.vars.store()).or_else(|| config.store.clone());
        let path = path.or_else(|| context.vars.user_store()).context(
            "failed to find the store of baselines: none of `--store`, `BENCH_STORE`, `[baseline] store` in bench.toml, \
             `XDG_DATA_HOME` and `HOME` is set; give a folder with `--store`",
        )?;
        Ok(DirStore::open(&path)?)
    }
}

impl BranchArgs {
    /// The branch, as the repository of the current folder sees it.
    pub(crate) fn branch(&self) -> Result<Branch> {
        Branch::new(Path::new("."), &self.remote, &self.branch).context("failed to find the branch")
    }
}

/// A time as people write one on a command line.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}

/// Bytes, with K, M or G behind the number or not.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let (number, shift) = match text.char_indices().last() {
        Some((at, 'K')) => (&text[..at], 10),
        Some((at, 'M')) => (&text[..at], 20),
        Some((at, 'G')) => (&text[..at], 30),
        _ => (text, 0),
    };
    let number: u64 = number.parse().map_err(|_| "expected bytes, as 4096, 64K, 512M or 2G")?;
    number.checked_mul(1 << shift).ok_or_else(|| "expected fewer than 2^64 bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_powers_of_1024() {
        assert_eq!(bytes("0"), Ok(0));
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("64K"), Ok(65_536));
        assert_eq!(bytes("2G"), Ok(2_147_483_648));
        for bad in ["", "K", "-1", "1.5M", "1k", "1Ki", "é", "17179869184G"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
