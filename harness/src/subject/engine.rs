//! Our engine as a subject: the worker binary, and the model and settings it runs with.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use baselines::{
    Digest,
    record::{Linear, ModelInfo, Settings},
};
use engine::{Activations, Bytes, Head, Isa, Model, SessionOptions, gguf, kernels::Kernels};

use super::{lane::Lane, synthetic::Named};
use crate::failure::Failure;

/// The name of the built-in model.
pub(crate) const BUILTIN: &str = "stories";

/// A worker binary, identified by its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

impl Binary {
    /// The binary at `path`, as it is now.
    pub(crate) fn at(path: &Path) -> Result<Self> {
        let bytes = fs::read(path)
            .with_context(|| format!("failed to read binary `{}`", path.display()))?;
        Ok(Self { path: path.to_owned(), digest: Digest::of(&bytes), size: bytes.len() as u64 })
    }

    /// The running program.
    pub(crate) fn current() -> Result<Self> {
        Self::at(&std::env::current_exe().context("failed to find the running program")?)
    }

    /// Fails if the file has changed since: a build in the middle of a session would mix two programs in one arm.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        let now = Self::at(&self.path)?;
        if now.digest != self.digest {
            bail!(
                "failed to measure: binary `{}` changed during the session: expected SHA-256 {}, found {}; run again \
                 without building meanwhile",
                self.path.display(),
                self.digest.short(),
                now.digest.short()
            );
        }
        Ok(())
    }
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Embedded in the program.
    Builtin,
    /// Drawn from a seed, and kept in a cache.
    Synthetic(Named),
    /// A GGUF file.
    File(PathBuf),
}

impl Source {
    /// `stories` is built in, `synthetic:…` is drawn; everything else is a path. A file of that very name can be given as
    /// `./stories`.
    pub(crate) fn named(name: &str) -> Self {
        match Named::of(name) {
            _ if name == BUILTIN => Self::Builtin,
            Some(synthetic) => Self::Synthetic(synthetic),
            None => Self::File(PathBuf::from(name)),
        }
    }

    /// How the user named it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Builtin => BUILTIN.to_owned(),
            Self::Synthetic(named) => named.name(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Opens it: every offset checked, nothing else read.
    pub(crate) fn open(&self) -> Result<Model> {
        match self.file()? {
            None => Model::builtin(BUILTIN).context("failed to open the built-in model"),
            Some(path) => Model::open(&path)
                .with_context(|| format!("failed to open model `{}`", path.display())),
        }
    }

    /// Reads it as a file, whether or not the engine runs the model in it.
    pub(crate) fn open_file(&self) -> Result<gguf::File> {
        let bytes = match self.file()? {
            // The program's own bytes can't be had but through the model.
            None => Bytes::Owned(self.open()?.bytes().to_vec()),
            Some(path) => Bytes::open(&path)
                .with_context(|| format!("failed to open model `{}`", path.display()))?,
        };
        gguf::File::parse(bytes).with_context(|| format!("failed to open model `{}`", self.name()))
    }

    /// The file that it is in, which is there; none for the built-in one.
    fn file(&self) -> Result<Option<PathBuf>> {
        match self {
            Self::Builtin => Ok(None),
            Self::Synthetic(named) => named.path().map(Some),
            Self::File(path) => check_exists(path).map(|()| Some(path.clone())),
        }
    }

    /// The engine's options for this request.
    pub(crate) fn options(
        &self,
        isa: Option<&str>,
        threads: Option<u64>,
    ) -> Result<SessionOptions> {
        let mut options = SessionOptions::default();
        if let Some(isa) = isa {
            options.isa = parse_isa(isa)?;
        }
        if let Some(threads) = threads {
            options.threads = usize::try_from(threads)
                .ok()
                .filter(|threads| (1..=1024).contains(threads))
                .with_context(|| {
                    format!("failed to set up: expected 1 to 1024 threads, found {threads}")
                })?;
        }
        Ok(options)
    }

    /// What the record says about the model.
    pub(crate) fn describe(&self, model: &Model) -> ModelInfo {
        let config = model.config();
        ModelInfo {
            name: self.name(),
            digest: Digest::of(model.bytes()),
            file_bytes: model.bytes().len() as u64,
            architecture: config.architecture.to_owned(),
            n_layers: config.n_layers as u64,
            n_embd: config.n_embd as u64,
            n_ff: config.n_ff as u64,
            n_heads: config.n_heads as u64,
            n_kv_heads: config.n_kv_heads as u64,
            head_dim: config.head_dim as u64,
            n_vocab: config.n_vocab as u64,
            n_ctx: config.n_ctx as u64,
            linears: model.linears().iter().map(linear).collect(),
        }
    }

    /// What the record says about the set-up, as the session itself and the choice of its device report it.
    pub(crate) fn settings(
        &self,
        model: &Model,
        options: &SessionOptions,
        lane: &Lane,
    ) -> Result<Settings> {
        let session = lane.session(model, options, Kernels::of(options.isa)?)?;
        let device = lane.selection();
        // A head in another format than F16 is multiplied as a whole, whatever was asked for.
        let head = if session.memory().screen > 0 { Head::Screened } else { Head::Full };
        let activations = match options.activations {
            Activations::Int8 => "int8",
            Activations::Float => "float",
        };
        Ok(Settings {
            isa: session.isa().to_string(),
            threads: session.threads() as u64,
            pinned: !options.cpus.is_empty(),
            activations: activations.to_owned(),
            batch: options.batch as u64,
            device_requested: device.requested.to_string(),
            device_selected: device.selected.id.to_string(),
            fallback: device.fallback.as_ref().map(ToString::to_string),
            head: Some(head.name().to_owned()),
            weights_copied_bytes: Some(model.copied_size() as u64),
        })
    }
}

/// A model is never made up: a path that is none is an error with the way out.
fn check_exists(path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    Err(Failure::no_model(format!(
        "failed to open model `{0}`: there is no such file (looked in `{1}`). There is no mock: give the path of a GGUF \
         file, or use the model that is built in with `--model {BUILTIN}`",
        path.display(),
        std::env::current_dir().unwrap_or_default().display()
    ))
    .into())
}

fn linear(info: &engine::LinearInfo) -> Linear {
    Linear {
        name: info.name.to_owned(),
        rows: info.rows as u64,
        cols: info.cols as u64,
        format: info.format.to_owned(),
        n: info.n as u64,
        bytes: info.bytes as u64,
        once_per_sequence: info.once_per_sequence,
    }
}

/// An instruction set by name; it must be available here.
pub(crate) fn parse_isa(text: &str) -> Result<Isa> {
    let available = Isa::available();
    match text.parse::<Isa>().ok().filter(|isa| available.contains(isa)) {
        Some(isa) => Ok(isa),
        None => {
            let names: Vec<String> = available.iter().map(|isa| format!("`{isa}`")).collect();
            bail!(
                "failed to choose the kernels: instruction set `{text}` (from `--isa`, `BENCH_ISA` or bench.toml): \
                 expected one that this CPU has: {}",
                names.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_model_names_the_built_in_one() {
        let source = Source::named("microsoft-bitnet-b1.58-2B-4T-gguf/ggml-model-i2_s.gguf");
        let error = format!("{:#}", source.open().unwrap_err());
        assert!(error.contains("no such file") && error.contains("--model stories"), "{error}");
    }

    #[test]
    fn an_unknown_instruction_set_lists_those_of_this_cpu() {
        let error = parse_isa("sse9").unwrap_err().to_string();
        assert!(error.contains("`sse9`") && error.contains("`scalar`"), "{error}");
        assert_eq!(parse_isa("scalar").unwrap(), Isa::Scalar);
    }

    #[test]
    fn a_binary_replaced_during_a_session_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench");
        fs::write(&path, "one").unwrap();
        let binary = Binary::at(&path).unwrap();
        binary.check_unchanged().unwrap();
        fs::write(&path, "two").unwrap();
        assert!(
            binary
                .check_unchanged()
                .unwrap_err()
                .to_string()
                .contains("changed during the session")
        );
    }
}
