//! Inference timelines over a model: prefill, step, score, rewind; one sequence, or several as one batch.
//! In: token ids. Out: logits, and the dispatcher's counts. Reads no clock: the caller times.
//!
//! Room for a pass is made before it is computed, exactly, within the memory limit: what is refused changed nothing.

mod angles;
mod attention;
mod buffers;
mod dispatch;
mod forward;
mod kv_cache;
mod kv_format;
mod layer;
mod likeliest;
mod on_device;
mod options;
mod room;
mod sequences;
mod spans;

pub(crate) use angles::Angles;
pub use dispatch::{Activations, Count};
pub use kv_format::KvFormat;
pub use likeliest::Screening;
pub use options::{Head, SessionOptions};
pub use sequences::SequenceId;
pub use spans::{Span, SpanTimes};

use crate::{
    Clock, Error, ErrorKind, Isa, Lines, Memory, Model, Result,
    device::{Reason, Row},
    kernels::Kernels,
    model::{Config, Screen},
    sample::likely::{Likely, k_likeliest},
};
use buffers::{Buffers, Widths};
use dispatch::Dispatcher;
use kv_cache::KvLayout;
use likeliest::Looks;
use on_device::OnDevice;
use sequences::Sequences;
use spans::Spans;

/// Tokens whose logits are computed together when all positions are scored.
const SCORE_BATCH: usize = 16;

/// Sequences in progress: the first, which is always there, and those that joined.
#[derive(Debug)]
pub struct Session<'m> {
    model: &'m Model,
    dispatcher: Dispatcher,
    sequences: Sequences,
    n_ctx: usize,
    batch: usize,
    kv: KvFormat,
    memory_limit: Option<usize>,
    widths: Widths,
    buffers: Buffers,
    logits: Lines<f32>,
    /// The tokens of the last batch whose logits are the last ones: the first of them, and how many.
    last: (usize, usize),
    screen: Option<&'m Screen>,
    is_screened: bool,
    looks: Looks,
    likeliest: Vec<Likely>,
    screening: Screening,
    spans: Spans<'m>,
    /// What computes in place of the CPU.
    on_device: Option<OnDevice>,
    /// Why that was given up.
    lost: Option<Reason>,
}

/// The most tokens that are found by bounds.
const MOST_LIKELIEST: usize = 64;

impl<'m> Session<'m> {
    /// A session of one empty sequence.
    ///
    /// # Errors
    /// [`ErrorKind::Isa`] if the machine lacks the instruction set, [`ErrorKind::InvalidArgument`] for zero threads, batch
    /// or context, or a context beyond the model's.
    pub fn new(model: &'m Model, options: &SessionOptions) -> Result<Self> {
        Self::with_kernels(model, options, Kernels::of(options.isa)?)
    }

    /// The same computed with `kernels`, whatever `options` say about the instruction set: for tests that plant a fault
    /// in one of them.
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn with_kernels(
        model: &'m Model,
        options: &SessionOptions,
        kernels: Kernels,
    ) -> Result<Self> {
        let mut session = Self::without_weights(model, options, kernels)?;
        session.take_weights()?;
        Ok(session)
    }

    /// One that has no weights in memory of its own yet.
    fn without_weights(
        model: &'m Model,
        options: &SessionOptions,
        kernels: Kernels,
    ) -> Result<Self> {
        let config = model.config();
        let n_ctx = options.check(model)?;
        let pool = options.pool()?;
        let angles = Angles::new(config, model.weights().rope_factors.as_deref());
        Ok(Self {
            model,
            sequences: Sequences::new(KvLayout::new(config, options.kv), angles),
            n_ctx,
            batch: options.batch,
            kv: options.kv,
            memory_limit: options.memory_limit,
            widths: Widths::new(model, &kernels, options.activations),
            dispatcher: Dispatcher::new(kernels, pool, options.activations),
            buffers: Buffers::default(),
            logits: Lines::default(),
            last: (0, 1),
            screen: None,
            is_screened: options.screens(model),
            looks: Looks::default(),
            likeliest: Vec::new(),
            screening: Screening::default(),
            spans: Spans::default(),
            on_device: None,
            lost: None,
        })
    }

    /// Copies of the weights, and the bounds of the head, for the CPU to compute with.
    fn take_weights(&mut self) -> Result<()> {
        let (model, kernels) = (self.model, self.dispatcher.kernels);
        if self.is_screened {
            self.screen = model.screen(&kernels, &self.dispatcher.pool)?;
        }
        if self.screen.is_none() {
            model.copy_output()?;
        }
        model.copy_layers(self.dispatcher.activations().packed(&kernels))
    }

    /// Appends `ids` to the first sequence and returns the logits behind the last of them, `[n_vocab]`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for no ids or one outside the vocabulary, [`ErrorKind::ContextExceeded`] if they don't
    /// fit, [`ErrorKind::OutOfMemory`] if the limit or the system has no room for them, [`ErrorKind::NonFinite`] if the
    /// model puts out something that is no number. The sequence is then unchanged.
    pub fn prefill(&mut self, ids: &[u32]) -> Result<&[f32]> {
        self.prefill_into(SequenceId::FIRST, ids)
    }

    /// The same for any sequence.
    ///
    /// # Errors
    /// As [`Session::prefill`]; [`ErrorKind::InvalidArgument`] for a sequence that is not there.
    pub fn prefill_into(&mut self, sequence: SequenceId, ids: &[u32]) -> Result<&[f32]> {
        self.read(sequence, ids, || true)?;
        Ok(&self.logits)
    }

    /// As [`Session::prefill`], asking `goes_on` before each batch. Where that says no, the batches so far stay in the
    /// sequence and the logits are those of before; returns whether all of `ids` were appended.
    ///
    /// # Errors
    /// As [`Session::prefill`].
    pub fn prefill_while(&mut self, ids: &[u32], goes_on: impl FnMut() -> bool) -> Result<bool> {
        self.read(SequenceId::FIRST, ids, goes_on)
    }

    /// As [`Session::prefill_while`], for any sequence.
    pub(crate) fn read(
        &mut self,
        sequence: SequenceId,
        ids: &[u32],
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<bool> {
        let place = self.sequences.place(sequence)?;
        let start = self.start(place, ids, 1)?;
        for batch in ids.chunks(self.batch) {
            if !goes_on() {
                return Ok(false);
            }
            self.append_to(place, batch)?;
        }
        self.last = ((ids.len() - 1) % self.batch, 1);
        self.head(self.last.0, 1)?;
        self.finite(&[(place, start)])?;
        Ok(true)
    }

    /// The logits that the last pass put out; none before the first.
    #[must_use]
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Appends one token to the first sequence and returns the logits behind it, `[n_vocab]`.
    ///
    /// # Errors
    /// As [`Session::prefill`].
    pub fn step(&mut self, id: u32) -> Result<&[f32]> {
        self.prefill(&[id])
    }

    /// Appends one token to the first sequence and returns the `k` likeliest tokens behind it, the likeliest first and the lower
    /// id first among equals: those that all logits would give, with the same logits. [`Session::logits`] has none then;
    /// [`Session::all_logits`] computes them.
    ///
    /// # Errors
    /// As [`Session::prefill`]; [`ErrorKind::InvalidArgument`] for a `k` of 0.
    pub fn step_likeliest(&mut self, id: u32, k: usize) -> Result<&[Likely]> {
        check_k(k)?;
        let place = self.sequences.place(SequenceId::FIRST)?;
        let start = self.start(place, &[id], 1)?;
        self.append_to(place, &[id])?;
        self.find_likeliest(1, k, &[(place, start)])
    }

    /// The same for each of several sequences, all in one pass over the weights: `k` tokens for each row, or as many as the
    /// vocabulary has.
    ///
    /// # Errors
    /// As [`Session::step_all`]; [`ErrorKind::InvalidArgument`] for a `k` of 0.
    pub fn step_all_likeliest(
        &mut self,
        rows: &[(SequenceId, u32)],
        k: usize,
    ) -> Result<&[Likely]> {
        check_k(k)?;
        let starts = self.append_all(rows, rows.len())?;
        self.find_likeliest(rows.len(), k, &starts)
    }

    /// The likeliest tokens behind the first `n` of the last batch; where logits are no numbers, the sequences go back.
    fn find_likeliest(
        &mut self,
        n: usize,
        k: usize,
        starts: &[(usize, usize)],
    ) -> Result<&[Likely]> {
        self.last = (0, n);
        if self.find_on_device(n, k)? {
            return Ok(&self.likeliest);
        }
        if !self.screened(n, k) {
            self.head(0, n)?;
            self.finite(starts)?;
            self.likeliest.clear();
            for logits in self.logits.chunks_exact(self.model.config().n_vocab) {
                k_likeliest(logits, k, &mut self.likeliest);
            }
        }
        Ok(&self.likeliest)
    }

    /// All logits behind the token that the last pass ended with, or behind each of its rows, `[rows, n_vocab]`: those that [`Session::logits`] has, or computed
    /// now, without being counted.
    ///
    /// # Errors
    /// [`ErrorKind::NonFinite`] if the model puts out something that is no number; [`ErrorKind::InvalidArgument`] before the
    /// first pass.
    pub fn all_logits(&mut self) -> Result<&[f32]> {
        if self.buffers.x.is_empty() && self.on_device.is_none() {
            let text = "logits: expected a pass before they are asked for, found none";
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        if self.logits.is_empty() {
            let counts = self.dispatcher.counts();
            self.head(self.last.0, self.last.1)?;
            self.dispatcher.set_counts(counts);
            self.finite(&[])?;
        }
        Ok(&self.logits)
    }

    /// How the likeliest tokens are found: [`Head::Screened`] or [`Head::Full`].
    #[must_use]
    pub const fn head_in_use(&self) -> Head {
        if self.screen.is_some() { Head::Screened } else { Head::Full }
    }

    /// How many rows of the output matrix were looked at how closely, since the start or the last reset.
    #[must_use]
    pub const fn screening(&self) -> Screening {
        self.screening
    }

    /// Appends each token to its sequence, all in one pass over the weights, and returns the logits behind each of them,
    /// `[rows, n_vocab]`. A sequence can be named several times: its tokens follow one another. The logits are those that
    /// each sequence would have alone, bit for bit.
    ///
    /// # Errors
    /// As [`Session::prefill_into`]; no sequence has then changed.
    pub fn step_all(&mut self, rows: &[(SequenceId, u32)]) -> Result<&[f32]> {
        let starts = self.append_all(rows, 1)?;
        self.last = (0, rows.len());
        self.head(0, rows.len())?;
        self.finite(&starts)?;
        Ok(&self.logits)
    }

    /// Appends each token to its sequence; the lengths of the sequences, by place, before.
    fn append_all(
        &mut self,
        rows: &[(SequenceId, u32)],
        n_looks: usize,
    ) -> Result<Vec<(usize, usize)>> {
        let mut lens: Vec<(usize, usize)> = Vec::new();
        let mut placed = Vec::with_capacity(rows.len());
        for (sequence, token) in rows {
            let place = self.sequences.place(*sequence)?;
            let known = lens.iter().position(|(other, _)| *other == place);
            let i = known.unwrap_or(lens.len());
            if known.is_none() {
                lens.push((place, self.sequences.cache(place).len()));
            }
            placed.push(Row { place, position: lens[i].1, token: *token });
            lens[i].1 += 1;
        }
        let tokens: Vec<u32> = rows.iter().map(|(_, token)| *token).collect();
        self.check_ids(&tokens)?;
        if rows.len() > 1 && self.on_device.is_none() {
            self.model.copy_layers(None)?;
        }
        for (place, len) in &lens {
            let had = self.sequences.cache(*place).len();
            self.check_context(had, len - had)?;
        }
        self.make_room(rows.len(), (rows.len(), n_looks), &lens)?;
        let starts: Vec<(usize, usize)> =
            lens.iter().map(|(place, _)| (*place, self.sequences.cache(*place).len())).collect();
        self.append(&placed)?;
        Ok(starts)
    }

    /// Appends `ids` to the first sequence and calls `each(i, logits)` for every one of them, in order.
    ///
    /// # Errors
    /// As [`Session::prefill`].
    pub fn score(&mut self, ids: &[u32], mut each: impl FnMut(usize, &[f32])) -> Result<()> {
        let place = self.sequences.place(SequenceId::FIRST)?;
        let start = self.start(place, ids, SCORE_BATCH.min(ids.len()))?;
        let n_vocab = self.config().n_vocab;
        for (b, batch) in ids.chunks(self.batch).enumerate() {
            self.append_to(place, batch)?;
            for first in (0..batch.len()).step_by(SCORE_BATCH) {
                let n = SCORE_BATCH.min(batch.len() - first);
                self.head(first, n)?;
                self.finite(&[(place, start)])?;
                for (i, logits) in self.logits.chunks_exact(n_vocab).enumerate() {
                    each(b * self.batch + first + i, logits);
                }
            }
        }
        Ok(())
    }

    /// A new, empty sequence.
    pub fn join(&mut self) -> SequenceId {
        match &mut self.on_device {
            Some(on_device) => on_device.join(),
            // Here, so that no step takes the time for it. Where there is no room, the first step of several says so.
            None => {
                let _ = self.model.copy_layers(None);
            }
        }
        self.sequences.join()
    }

    /// Ends a sequence that joined; what it held serves those that come after it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for one that is not there, or the first.
    pub fn leave(&mut self, sequence: SequenceId) -> Result<()> {
        let place = self.sequences.place(sequence)?;
        self.sequences.leave(sequence)?;
        if let Some(on_device) = &mut self.on_device {
            on_device.leave(place);
        }
        Ok(())
    }

    /// Forgets all tokens of the first sequence from position `len` on; no effect if it is not longer.
    pub fn rewind(&mut self, len: usize) {
        self.sequences.cache_mut(0).truncate(len);
    }

    /// The same for any sequence.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for one that is not there.
    pub fn rewind_of(&mut self, sequence: SequenceId, len: usize) -> Result<()> {
        let place = self.sequences.place(sequence)?;
        self.sequences.cache_mut(place).truncate(len);
        Ok(())
    }

    /// Tokens in the first sequence.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sequences.cache(0).len()
    }

    /// Tokens in any sequence.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for one that is not there.
    pub fn len_of(&self, sequence: SequenceId) -> Result<usize> {
        Ok(self.sequences.cache(self.sequences.place(sequence)?).len())
    }

    /// Whether the first sequence is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Longest sequence this session holds.
    #[must_use]
    pub const fn n_ctx(&self) -> usize {
        self.n_ctx
    }

    /// Storage of keys and values.
    #[must_use]
    pub const fn kv(&self) -> KvFormat {
        self.kv
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
        self.screening = Screening::default();
    }

    /// Stamps the spans of every pass from now on.
    pub fn time_spans(&mut self, clock: &'m dyn Clock) {
        self.spans = Spans::on(clock);
    }

    /// The spans since they were last taken; nothing where none are stamped.
    pub fn take_spans(&mut self) -> SpanTimes {
        self.spans.take()
    }

    /// Rows of activations that were packed for a product, since the start or the last reset.
    #[must_use]
    pub const fn packed_rows(&self) -> u64 {
        self.dispatcher.packed_rows()
    }

    /// Turns that the first thread waited for the others, since the start: [`crate::Pool::waited_turns`].
    #[must_use]
    pub fn waited_turns(&self) -> u64 {
        self.dispatcher.pool.waited_turns()
    }

    /// Bytes held, by class.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory {
            weights_mapped: self.model.mapped_size(),
            weights_heap: self.model.heap_size(),
            screen: self.screen.map_or(0, Screen::bytes),
            kv: self.sequences.bytes(),
            activations: self.buffers.bytes() + self.buffers.scores_bytes(),
            scratch: self.logits.capacity() * size_of::<f32>() + self.looks.bytes(),
        }
    }

    const fn config(&self) -> &'m Config {
        self.model.config()
    }
}

fn check_k(k: usize) -> Result<()> {
    if k > 0 {
        return Ok(());
    }
    let text = "likeliest tokens: expected at least one, found none asked for";
    Err(Error::new(ErrorKind::InvalidArgument, text))
}

fn out_of_memory(what: &str, bytes: usize) -> Error {
    Error::new(
        ErrorKind::OutOfMemory,
        format!(
            "{what}: the system has no room for {bytes} bytes; use a shorter context or batch, or `KvFormat::Int8`"
        ),
    )
}
