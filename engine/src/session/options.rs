//! How to run a model, and what that takes.

use super::{
    Activations, KvFormat, angles::Angles, buffers::Widths, kv_cache::KvLayout, likeliest::Looks,
};
use crate::{
    Error, ErrorKind, Isa, Memory, Model, Result,
    kernels::{ATTENTION_CHUNK, Kernels},
    threads::Pool,
};

/// Bytes of an output matrix from which bounds are sure to be faster: reading it is then what a head takes its time for.
const SCREENED_FROM: usize = 32 << 20;

/// How the likeliest tokens are found where not all logits are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Head {
    /// As suits the model: [`Head::Screened`] where the output matrix is too large for a cache, else [`Head::Full`].
    Auto,
    /// By bounds on all logits from a copy of the output matrix in fewer bits, and the full product where they leave it open.
    /// Heads in other formats than F16 are multiplied as a whole all the same.
    Screened,
    /// By all logits.
    Full,
}

impl Head {
    /// `auto`, `screened` or `full`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Screened => "screened",
            Self::Full => "full",
        }
    }
}

/// How to run a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// Threads, the caller included; at least 1. Never changes a result.
    pub threads: usize,
    /// The CPU that each thread is kept on, the caller's first; empty to leave it to the system. Never changes a result.
    pub cpus: Vec<usize>,
    /// Instruction set. Never changes a result.
    pub isa: Isa,
    /// int8 (the model's own arithmetic) or float activations.
    pub activations: Activations,
    /// Longest sequence; `None` for the model's own limit.
    pub n_ctx: Option<usize>,
    /// Tokens per batch of a prefill. Never changes a result.
    pub batch: usize,
    /// Storage of keys and values.
    pub kv: KvFormat,
    /// How the likeliest tokens are found. Never changes a result.
    pub head: Head,
    /// Bytes that the session may hold on the heap; `None` for no limit of its own.
    pub memory_limit: Option<usize>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            threads,
            cpus: Vec::new(),
            isa: Isa::best(),
            activations: Activations::Int8,
            n_ctx: None,
            batch: 128,
            kv: KvFormat::F32,
            head: Head::Auto,
            memory_limit: None,
        }
    }
}

impl SessionOptions {
    /// What a session of these options holds once a sequence of `n_tokens` has been read into it and stepped on from
    /// within the same 64 positions; known before anything is allocated.
    ///
    /// # Errors
    /// [`ErrorKind::Isa`] if the machine lacks the instruction set.
    pub fn memory(&self, model: &Model, n_tokens: usize) -> Result<Memory> {
        self.memory_of(model, n_tokens, 1)
    }

    /// The same for `n_sequences` of `n_tokens` each, read one after the other and stepped on from together, to their likeliest
    /// tokens.
    ///
    /// # Errors
    /// As [`SessionOptions::memory`].
    pub fn memory_of(&self, model: &Model, n_tokens: usize, n_sequences: usize) -> Result<Memory> {
        let config = model.config();
        let n_chunks = n_tokens.div_ceil(ATTENTION_CHUNK);
        let kv_bytes = KvLayout::new(config, self.kv).chunk_bytes().saturating_mul(n_sequences);
        // The angles of a position are those of all sequences.
        let chunk_bytes = kv_bytes.saturating_add(Angles::chunk_bytes(config.head_dim));
        let kernels = Kernels::of(self.isa)?;
        let widths = Widths::new(model, &kernels, self.activations);
        let is_packed = self.activations.packed(&kernels).is_some();
        let (n_rows, n_logits) = match (n_tokens, n_sequences) {
            (0, _) | (_, 0) => (0, 0),
            _ => (n_tokens.min(self.batch).max(n_sequences), n_sequences),
        };
        let screen = if self.screens(model) { model.screen_bytes() } else { 0 };
        let looks = match (screen, n_rows) {
            (0, _) | (_, 0) => 0,
            _ => Looks::bytes_of(config.n_vocab, config.n_embd, n_sequences),
        };
        Ok(Memory {
            weights_mapped: model.mapped_size(),
            weights_heap: model.heap_size() + model.size_to_come(is_packed, n_sequences > 1),
            screen,
            kv: n_chunks.saturating_mul(chunk_bytes),
            activations: widths.bytes(n_rows) + widths.n_scores(n_tokens) * size_of::<f32>(),
            scratch: n_logits * config.n_vocab * size_of::<f32>() + looks,
        })
    }

    /// Whether the likeliest tokens are to be found by bounds, if the model's head allows it.
    pub(super) fn screens(&self, model: &Model) -> bool {
        match self.head {
            Head::Auto => model.weights().output.range.len() >= SCREENED_FROM,
            Head::Screened => true,
            Head::Full => false,
        }
    }

    /// The context, once everything is within its range.
    pub(super) fn check(&self, model: &Model) -> Result<usize> {
        let most = model.config().n_ctx;
        let n_ctx = self.n_ctx.unwrap_or(most);
        for (what, value, most) in [
            ("threads", self.threads, 1024),
            ("batch", self.batch, 1 << 16),
            ("context", n_ctx, most),
        ] {
            if value == 0 || value > most {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!("{what}: expected 1 to {most}, found {value}"),
                ));
            }
        }
        Ok(n_ctx)
    }

    /// The threads.
    pub(super) fn pool(&self) -> Result<Pool> {
        match self.cpus.as_slice() {
            [] => Ok(Pool::new(self.threads)),
            cpus if cpus.len() == self.threads => Ok(Pool::on_cpus(cpus)),
            cpus => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "CPUs: expected one for each of {} threads, found {}",
                    self.threads,
                    cpus.len()
                ),
            )),
        }
    }
}
