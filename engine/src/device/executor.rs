//! What computes the passes of a session in place of the CPU: the seam between [`crate::Session`] and a GPU.
//!
//! The session keeps the sequences' lengths and tokens; the executor holds weights, keys and values. Whatever fails, the session goes on
//! on the CPU from the tokens, so an executor never has to repair anything.

use std::fmt::Debug;

use super::Reason;
use crate::sample::likely::Likely;

/// One token of a pass: where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Place of the sequence among those of the session.
    pub place: usize,
    /// Its position in the sequence (0-based).
    pub position: usize,
    /// The token.
    pub token: u32,
}

/// Room that a pass takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room<'a> {
    /// Tokens of one pass.
    pub n_rows: usize,
    /// Rows of logits put out at once.
    pub n_logits: usize,
    /// Sequences, by place, and their lengths behind the pass.
    pub lens: &'a [(usize, usize)],
}

/// Bytes on the device, by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceMemory {
    /// Weights.
    pub weights: u64,
    /// Keys, values and angles.
    pub kv: u64,
    /// Activations and logits.
    pub activations: u64,
}

/// What moved, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Kernels started, those of a graph each.
    pub launches: u64,
    /// Graphs started.
    pub graphs: u64,
    /// Bytes from the host to the device.
    pub to_device_bytes: u64,
    /// Bytes from the device to the host.
    pub to_host_bytes: u64,
}

/// What one kind of work takes on the device alone, by its own clock, launched as it is in passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Which.
    pub name: String,
    /// Each time, in ns.
    pub ns: Vec<u64>,
    /// Bytes of weights that it reads; those that a copy reads and writes.
    pub bytes: u64,
    /// Kernels.
    pub launches: u64,
}

/// Computes passes on one device. Results are those of the CPU, by the definitions of `docs/numerics.md`.
pub trait Executor: Debug {
    /// Allocates what passes of this size take, before any of them is computed.
    ///
    /// # Errors
    /// What there is no room for.
    fn reserve(&mut self, room: Room<'_>) -> Result<(), Reason>;

    /// Appends tokens to their sequences; their residual streams stay for [`Executor::logits`].
    ///
    /// # Errors
    /// What failed. A device may say so later, when results are read.
    fn append(&mut self, rows: &[Row]) -> Result<(), Reason>;

    /// Logits behind `n` rows of the last pass, from row `first` on, `[n, n_vocab]`.
    ///
    /// # Errors
    /// What failed.
    fn logits(&mut self, first: usize, n: usize, out: &mut [f32]) -> Result<(), Reason>;

    /// The `k` likeliest tokens behind each of the first `n` rows of the last pass, likeliest first; false where a logit is no number.
    ///
    /// # Errors
    /// What failed.
    fn likeliest(&mut self, n: usize, k: usize, out: &mut Vec<Likely>) -> Result<bool, Reason>;

    /// The most tokens [`Executor::likeliest`] finds.
    fn most_likeliest(&self) -> usize;

    /// A sequence joins, behind all others.
    fn join(&mut self);

    /// The sequence at `place` leaves, and the last one takes its place.
    fn leave(&mut self, place: usize);

    /// What it holds.
    fn memory(&self) -> DeviceMemory;

    /// What moved.
    fn traffic(&self) -> Traffic;

    /// Times parts of a pass, `repeat` times each; none where the device can't tell.
    ///
    /// # Errors
    /// What failed.
    fn probe(&mut self, repeat: usize) -> Result<Vec<Probe>, Reason> {
        let _ = repeat;
        Ok(Vec::new())
    }
}
