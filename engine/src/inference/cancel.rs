//! A switch that ends a generation from elsewhere: another thread, a signal handler.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// All clones are one switch.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    cancelled: Arc<AtomicBool>,
}

impl Cancel {
    /// Ends the generations that this switch was given to, at their next look.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was used.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
