//! What timed stretches ask of the allocator: counted by the allocator itself, for all threads of the process.
//!
//! In: nothing; the counting allocator stands in for the system's in every program of this crate. Out: requests and bytes
//! while a stopwatch runs. Source: the crate `stats_alloc`, which adds a few atomic additions to each request.

use std::{alloc::System, cell::Cell};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Requests and the bytes they were for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Allocations and reallocations.
    pub(crate) requests: u64,
    /// Of a reallocation, what it grew by.
    pub(crate) bytes: u64,
}

impl Asked {
    /// Since the process started, by all its threads.
    pub(crate) fn so_far() -> Self {
        let stats = ALLOCATOR.stats();
        let n = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Self {
            requests: n(stats.allocations) + n(stats.reallocations),
            bytes: n(stats.bytes_allocated),
        }
    }

    /// What came after `earlier`.
    pub(crate) const fn since(self, earlier: Self) -> Self {
        Self {
            requests: self.requests.wrapping_sub(earlier.requests),
            bytes: self.bytes.wrapping_sub(earlier.bytes),
        }
    }
}

/// Sums what the stretches of stopwatches asked for.
#[derive(Debug, Default)]
pub(crate) struct Tally(Cell<Asked>);

impl Tally {
    /// Adds one stretch.
    pub(crate) fn add(&self, asked: Asked) {
        let sum = self.0.get();
        self.0.set(Asked {
            requests: sum.requests.wrapping_add(asked.requests),
            bytes: sum.bytes.wrapping_add(asked.bytes),
        });
    }

    /// All stretches so far.
    pub(crate) const fn sum(&self) -> Asked {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn requests_are_counted_with_what_they_grow_by() {
        // Other tests of this process may allocate meanwhile: at least so much is asked for.
        let before = Asked::so_far();
        let mut bytes: Vec<u8> = Vec::with_capacity(1_000);
        bytes.extend_from_slice(black_box(&[0; 1_000]));
        bytes.reserve_exact(500);
        black_box(&bytes);
        let asked = Asked::so_far().since(before);
        assert!(asked.requests >= 2 && asked.bytes >= 1_500, "{asked:?}");
    }

    #[test]
    fn a_tally_is_the_sum_of_its_stretches() {
        let tally = Tally::default();
        for n in 1..=3 {
            tally.add(Asked { requests: n, bytes: 10 * n });
        }
        assert_eq!(tally.sum(), Asked { requests: 6, bytes: 60 });
    }
}
