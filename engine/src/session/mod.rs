//! One inference timeline over a model: prefill, step, score, rewind.
//! In: token ids. Out: logits, and the dispatcher's counts. Reads no clock: the caller times.

mod attention;
mod dispatch;
mod forward;
mod kv_cache;
mod layer;

pub use dispatch::{Activations, Count};

use crate::{
    Error, ErrorKind, Isa, Memory, Model, Result, kernels::Kernels, model::Config, threads::Pool,
};
use dispatch::{Dispatcher, Rows};
use kv_cache::KvCache;

/// Tokens whose logits are computed together when all positions are scored.
const SCORE_BATCH: usize = 16;

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
        }
    }
}

/// A sequence in progress.
#[derive(Debug)]
pub struct Session<'m> {
    model: &'m Model,
    dispatcher: Dispatcher,
    cache: KvCache,
    n_ctx: usize,
    batch: usize,
    buffers: Buffers,
    logits: Vec<f32>,
}

/// Activations of one batch, `[tokens, width]` each.
#[derive(Debug, Default)]
struct Buffers {
    /// Residual stream, `[tokens, n_embd]`.
    x: Vec<f32>,
    /// Input of the attention and feed-forward projections.
    normed: Rows,
    /// Input of the output projection, `[tokens, q_width]`.
    attended: Rows,
    /// Input of the down projection, `[tokens, n_ff]`.
    gated: Rows,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    attention: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    /// Output of a projection back to the residual stream.
    projected: Vec<f32>,
}

impl<'m> Session<'m> {
    /// An empty sequence.
    ///
    /// # Errors
    /// [`ErrorKind::Isa`] if the machine lacks the instruction set, [`ErrorKind::InvalidArgument`] for zero threads, batch
    /// or context, or a context beyond the model's.
    pub fn new(model: &'m Model, options: &SessionOptions) -> Result<Self> {
        Self::with_kernels(model, options, Kernels::of(options.isa)?)
    }

    /// An empty sequence computed with `kernels`, whatever `options` say about the instruction set: for tests that plant a
    /// fault in one of them.
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn with_kernels(
        model: &'m Model,
        options: &SessionOptions,
        kernels: Kernels,
    ) -> Result<Self> {
        let config = model.config();
        let n_ctx = options.n_ctx.unwrap_or(config.n_ctx);
        for (what, value, most) in [
            ("threads", options.threads, 1024),
            ("batch", options.batch, 1 << 16),
            ("context", n_ctx, config.n_ctx),
        ] {
            if value == 0 || value > most {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!("{what}: expected 1 to {most}, found {value}"),
                ));
            }
        }
        let pool = match options.cpus.as_slice() {
            [] => Pool::new(options.threads),
            cpus if cpus.len() == options.threads => Pool::on_cpus(cpus),
            cpus => {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "CPUs: expected one for each of {} threads, found {}",
                        options.threads,
                        cpus.len()
                    ),
                ));
            }
        };
        let cache = KvCache::new(config, model.weights().rope_factors.as_deref());
        Ok(Self {
            model,
            dispatcher: Dispatcher::new(kernels, pool, options.activations),
            cache,
            n_ctx,
            batch: options.batch,
            buffers: Buffers::default(),
            logits: Vec::new(),
        })
    }

    /// Appends `ids` and returns the logits behind the last of them, `[n_vocab]`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for no ids or one outside the vocabulary, [`ErrorKind::ContextExceeded`] if they don't
    /// fit, [`ErrorKind::NonFinite`] if the model puts out something that is no number. The sequence is then unchanged.
    pub fn prefill(&mut self, ids: &[u32]) -> Result<&[f32]> {
        self.prefill_while(ids, || true)?;
        Ok(&self.logits)
    }

    /// The same, asking `goes_on` before each batch. Where that says no, the batches so far stay in the sequence and the
    /// logits are those of before; returns whether all of `ids` were appended.
    ///
    /// # Errors
    /// As [`Session::prefill`].
    pub fn prefill_while(
        &mut self,
        ids: &[u32],
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<bool> {
        self.check(ids)?;
        let start = self.len();
        for batch in ids.chunks(self.batch) {
            if !goes_on() {
                return Ok(false);
            }
            self.append(batch);
        }
        let last = (ids.len() - 1) % self.batch;
        self.head(last, 1);
        self.finite(start)?;
        Ok(true)
    }

    /// The logits that the last pass put out; none before the first.
    #[must_use]
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Appends one token and returns the logits behind it, `[n_vocab]`.
    ///
    /// # Errors
    /// As [`Session::prefill`].
    pub fn step(&mut self, id: u32) -> Result<&[f32]> {
        self.prefill(&[id])
    }

    /// Appends `ids` and calls `each(i, logits)` for every one of them, in order.
    ///
    /// # Errors
    /// As [`Session::prefill`].
    pub fn score(&mut self, ids: &[u32], mut each: impl FnMut(usize, &[f32])) -> Result<()> {
        self.check(ids)?;
        let start = self.len();
        let n_vocab = self.config().n_vocab;
        for (b, batch) in ids.chunks(self.batch).enumerate() {
            self.append(batch);
            for first in (0..batch.len()).step_by(SCORE_BATCH) {
                let n = SCORE_BATCH.min(batch.len() - first);
                self.head(first, n);
                self.finite(start)?;
                for (i, logits) in self.logits.chunks_exact(n_vocab).enumerate() {
                    each(b * self.batch + first + i, logits);
                }
            }
        }
        Ok(())
    }

    /// Forgets all tokens from position `len` on; no effect if the sequence is not longer.
    pub fn rewind(&mut self, len: usize) {
        self.cache.truncate(len);
    }

    /// Tokens in the sequence.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.cache.len()
    }

    /// Whether the sequence is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Longest sequence this session holds.
    #[must_use]
    pub const fn n_ctx(&self) -> usize {
        self.n_ctx
    }

    /// The instruction set in use.
    #[must_use]
    pub const fn isa(&self) -> Isa {
        self.dispatcher.isa()
    }

    /// Threads in use.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.dispatcher.threads()
    }

    /// What the dispatcher carried out since the start or the last reset.
    #[must_use]
    pub fn counters(&self) -> Vec<Count> {
        self.dispatcher.counters()
    }

    /// Sets all counts to zero.
    pub fn reset_counters(&mut self) {
        self.dispatcher.reset_counters();
    }

    /// Bytes held, by class.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let b = &self.buffers;
        let floats = [&b.x, &b.q, &b.k, &b.v, &b.attention, &b.gate, &b.up, &b.projected];
        let rows = [&b.normed, &b.attended, &b.gated];
        Memory {
            weights_mapped: self.model.mapped_size(),
            kv: self.cache.bytes(),
            activations: floats.iter().map(|x| size_of_val(x.as_slice())).sum::<usize>()
                + rows.iter().map(|rows| rows.bytes()).sum::<usize>(),
            scratch: size_of_val(self.logits.as_slice()),
        }
    }

    const fn config(&self) -> &'m Config {
        self.model.config()
    }

    fn check(&self, ids: &[u32]) -> Result<()> {
        let n_vocab = self.config().n_vocab;
        if ids.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "token ids: expected at least one, found none",
            ));
        }
        if ids.len() > self.n_ctx - self.len() {
            return Err(Error::new(
                ErrorKind::ContextExceeded,
                format!(
                    "context: {} tokens are in it and {} more were given, expected at most {} together; shorten the \
                     prompt or generate less",
                    self.len(),
                    ids.len(),
                    self.n_ctx
                ),
            ));
        }
        match ids.iter().find(|id| **id as usize >= n_vocab) {
            None => Ok(()),
            Some(id) => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("token id: expected below the vocabulary's {n_vocab}, found {id}"),
            )),
        }
    }

    fn finite(&mut self, start: usize) -> Result<()> {
        // One pass without an early exit vectorises; NaN and infinity both survive a multiplication by zero.
        let poison: f32 = self.logits.iter().map(|x| x * 0.0).sum();
        if poison.is_nan() {
            self.rewind(start);
            return Err(Error::new(
                ErrorKind::NonFinite,
                "logits: expected finite numbers, found NaN or infinity; the model's weights or scales are damaged",
            ));
        }
        Ok(())
    }
}
