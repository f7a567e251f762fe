//! Bytes held by a session, by class.

mod counting_alloc;
pub(crate) mod huge_pages;
mod lines;

pub use counting_alloc::{Allocations, CountingAllocator, allocations, set_counting};
pub use huge_pages::HugePages;
pub use lines::Lines;

/// What a session holds. Mapped weights are stated apart: the system may drop and read them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of the model file behind a mapping (0 for a built-in model, which is part of the program).
    pub weights_mapped: usize,
    /// Bytes of the model on the heap, shared by all sessions: what was decoded of its weights, and the file where it was
    /// read rather than mapped. Its metadata and tokenizer are not among them.
    pub weights_heap: usize,
    /// The copy of the output matrix that the screened head looks at first, shared by all sessions.
    pub screen: usize,
    /// Keys, values and angles.
    pub kv: usize,
    /// Activations of one batch.
    pub activations: usize,
    /// Logits, and what is known of them before they are computed.
    pub scratch: usize,
}

impl Memory {
    /// Bytes on the heap that are the session's own.
    #[must_use]
    pub const fn session(&self) -> usize {
        self.kv.saturating_add(self.activations).saturating_add(self.scratch)
    }
}
