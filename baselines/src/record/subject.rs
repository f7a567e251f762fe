//! What was measured, and by what: the tool, and the binary with what it ran: the engine on a model, or a command line.

use super::CommandInfo;
use crate::Digest;

/// The program that wrote the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// `tritgate`.
    pub name: String,
    /// Version of the package.
    pub version: String,
    /// Commit it was built from, when the build could see one.
    pub commit: Option<String>,
    /// Whether the tree had uncommitted changes at build time.
    pub dirty: Option<bool>,
    /// Git's name of the source tree it was built from, uncommitted changes to tracked files among it.
    pub tree: Option<String>,
    /// `rustc --version` of the build.
    pub toolchain: String,
    /// Cargo profile, e.g. `release`.
    pub profile: String,
    /// Target triple.
    pub target: String,
    /// Cargo features, sorted.
    pub features: Vec<String>,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// SHA-256 of the worker binary; of a command, of its program (of the shell, where one runs it).
    pub binary: Digest,
    /// Size of that file in bytes.
    pub binary_bytes: u64,
    /// Every code layout of this build that a process ran, the first of them `binary`; empty where there is only `binary`.
    pub layouts: Vec<Layout>,
    /// What it ran.
    pub what: What,
}

/// One link of a build: the same code, its sections in another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// SHA-256 of the binary.
    pub binary: Digest,
    /// What the linker shuffled the sections with.
    pub seed: u64,
}

/// What a binary ran.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Our engine on a model, in a worker process.
    Engine(Engine),
    /// An external command.
    Command(CommandInfo),
}

/// The engine and what it loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Engine {
    /// The model it loaded.
    pub model: ModelInfo,
    /// How the engine was set up.
    pub settings: Settings,
}

impl Subject {
    /// Code layouts of this build that took part, at least one.
    #[must_use]
    pub fn n_layouts(&self) -> u64 {
        self.layouts.len().max(1) as u64
    }

    /// The engine, unless this is an external command.
    #[must_use]
    pub const fn engine(&self) -> Option<&Engine> {
        match &self.what {
            What::Engine(engine) => Some(engine),
            What::Command(_) => None,
        }
    }

    /// The same, to change it.
    pub const fn engine_mut(&mut self) -> Option<&mut Engine> {
        match &mut self.what {
            What::Engine(engine) => Some(engine),
            What::Command(_) => None,
        }
    }

    /// The external command, unless this is the engine.
    #[must_use]
    pub const fn command(&self) -> Option<&CommandInfo> {
        match &self.what {
            What::Engine(_) => None,
            What::Command(command) => Some(command),
        }
    }
}

/// A model as its own file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInfo {
    /// How the user named it: `stories`, or the path as given.
    pub name: String,
    /// SHA-256 of the model file.
    pub digest: Digest,
    /// Size of the model file in bytes.
    pub file_bytes: u64,
    /// `general.architecture`.
    pub architecture: String,
    /// Transformer blocks.
    pub n_layers: u64,
    /// Width of the residual stream.
    pub n_embd: u64,
    /// Width of the feed-forward layer.
    pub n_ff: u64,
    /// Query heads.
    pub n_heads: u64,
    /// Key/value heads.
    pub n_kv_heads: u64,
    /// Values per head.
    pub head_dim: u64,
    /// Rows of the embedding.
    pub n_vocab: u64,
    /// Longest sequence, in tokens.
    pub n_ctx: u64,
    /// Every matrix product a token takes part in. Those with `once_per_sequence` are applied to the last token only
    /// in a prefill.
    pub linears: Vec<Linear>,
}

/// One kind of matrix product of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Tensor name without layer and `.weight`: `attn_q`, `ffn_down`, …; `output` for the head.
    pub name: String,
    /// Outputs.
    pub rows: u64,
    /// Inputs.
    pub cols: u64,
    /// Storage format, e.g. `i2_s`.
    pub format: String,
    /// How many of these the model has: the number of layers, or 1 for the head.
    pub n: u64,
    /// Bytes of one of them in the file.
    pub bytes: u64,
    /// True for the head: a prefill applies it to its last token only.
    pub once_per_sequence: bool,
}

/// How the engine was set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Instruction set of the kernels: `scalar`, `avx2`, `avx512`.
    pub isa: String,
    /// Threads of the pool.
    pub threads: u64,
    /// Whether each thread was kept on a CPU of its own.
    pub pinned: bool,
    /// `int8` or `float`.
    pub activations: String,
    /// Tokens per prefill batch.
    pub batch: u64,
    /// Device asked for.
    pub device_requested: String,
    /// Device used.
    pub device_selected: String,
    /// Why they differ, if they do.
    pub fallback: Option<String>,
    /// How the likeliest tokens are found: `screened`, by bounds on all logits, or `full`, by all logits; `None` in records before
    /// 1.4. Never changes a result.
    pub head: Option<String>,
    /// Bytes of the model file that were read into memory of their own, 0 where the file is mapped or built in; `None` in records
    /// before 1.4.
    pub weights_copied_bytes: Option<u64>,
}
