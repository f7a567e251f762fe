//! Bytes held by a session, by class.

mod counting_alloc;

pub use counting_alloc::{Allocations, CountingAllocator, allocations, set_counting};

/// What a session holds. Mapped weights are stated apart: the system may drop and read them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of the model file behind a mapping (0 for a built-in model, which is part of the program).
    pub weights_mapped: usize,
    /// Keys, values and angles.
    pub kv: usize,
    /// Activations of one batch.
    pub activations: usize,
    /// Logits.
    pub scratch: usize,
}
