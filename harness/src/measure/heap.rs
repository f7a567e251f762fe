//! What the timed stretches of one iteration ask of the allocator, counted in an iteration that is not timed.
//! In: nothing; the engine's counting allocator is that of every program of this crate. Out: sums over stretches.

use std::cell::Cell;

use engine::{Allocations, CountingAllocator, allocations, set_counting};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Sums what the stretches of stopwatches ask for while it counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sum: Cell<Allocations>,
    before: Cell<Allocations>,
    counts: Cell<bool>,
}

impl Tally {
    /// What the stretches of stopwatches within `work` ask for.
    pub(crate) fn of<T>(&self, work: impl FnOnce() -> T) -> (T, Allocations) {
        self.sum.set(Allocations::default());
        self.counts.set(true);
        let done = work();
        self.counts.set(false);
        (done, self.sum.get())
    }

    /// A stretch begins.
    pub(crate) fn begin(&self) {
        if self.counts.get() {
            self.before.set(allocations());
            set_counting(true);
        }
    }

    /// It ends.
    pub(crate) fn end(&self) {
        if self.counts.get() {
            set_counting(false);
            let stretch = allocations().since(&self.before.get());
            self.sum.set(self.sum.get().plus(&stretch));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn what_is_asked_for_within_stretches_is_counted_and_nothing_where_nobody_counts() {
        let tally = Tally::default();
        let ask = || drop(black_box(Vec::<u8>::with_capacity(100_000)));
        let stretch = || {
            tally.begin();
            ask();
            tally.end();
        };
        // Other tests of this process may ask meanwhile: at least so much is counted.
        let ((), twice) = tally.of(|| {
            stretch();
            ask();
            stretch();
        });
        assert!(twice.requests >= 2 && twice.bytes >= 200_000, "{twice:?}");
        stretch();
        let ((), none) = tally.of(|| {});
        assert_eq!(none, Allocations::default());
    }
}
