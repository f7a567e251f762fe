//! Time as an argument.

/// A monotonic clock.
pub trait Clock: std::fmt::Debug {
    /// Nanoseconds since an arbitrary origin; never decreases.
    fn now_ns(&self) -> u64;
}
