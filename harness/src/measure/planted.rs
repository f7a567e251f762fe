//! A planted slowdown: a timed stretch goes on for a share of the time it took, by spinning before its time is taken.
//!
//! In: the share; when the stretch began. Out: nothing but time. The work, and what it puts out, stay the same.
//!
//! The spin ends at the first reading of the clock that is late enough, so that a stretch is longer than it should be by
//! one reading at most, and one more is the price of asking how long it took: together 30 to 60 ns where a clock is read
//! without the kernel. There is no pause in the loop, which would make the steps coarser.

use anyhow::{Result, ensure};

use super::Clock;

/// The share by which timed stretches are made longer; none in everything but `bench calibrate`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Planted {
    share: f64,
}

impl Planted {
    /// No slowdown.
    pub(crate) const fn none() -> Self {
        Self { share: 0.0 }
    }

    /// A slowdown by `share`: 0.05 for 5 %.
    pub(crate) fn of(share: f64) -> Result<Self> {
        ensure!(
            (0.0..=1.0).contains(&share),
            "failed to plant a slowdown: expected a share from 0 to 1, found {share}"
        );
        Ok(Self { share })
    }

    /// The share.
    pub(crate) const fn share(self) -> f64 {
        self.share
    }

    /// Spins within the stretch that began at `since_ns`, for the share of the time it took so far.
    pub(super) fn lengthen(self, since_ns: u64, clock: &dyn Clock) {
        if self.share > 0.0 {
            let took_ns = clock.now_ns() - since_ns;
            let until_ns = since_ns + took_ns + share_of(took_ns, self.share);
            while clock.now_ns() < until_ns {}
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "2^53 ns are 104 days, and a share is from 0 to 1"
)]
fn share_of(ns: u64, share: f64) -> u64 {
    (ns as f64 * share) as u64
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::measure::{Stopwatch, Tally, clock::tests::ScriptedClock};

    /// What a stopwatch says of a stretch of `ns` on a clock whose readings are 10 ns apart.
    fn timed(share: f64, ns: u64) -> u64 {
        let clock = ScriptedClock { now_ns: Cell::new(0), tick_ns: 10 };
        let tally = Tally::default();
        let mut watch = Stopwatch::start(&clock, Planted::of(share).unwrap(), &tally);
        clock.now_ns.set(clock.now_ns.get() + ns);
        watch.stop()
    }

    #[test]
    fn a_stretch_is_longer_by_its_share_and_at_most_three_readings() {
        for share in [0.03, 0.05, 0.1, 1.0] {
            let (plain, slowed) = (timed(0.0, 100_000), timed(share, 100_000));
            let due = plain + share_of(plain, share);
            // One reading asks how long it took, one ends the spin, one is the stretch's own.
            assert!((due..=due + 30).contains(&slowed), "{share}: {slowed} is not {due}");
        }
    }

    #[test]
    fn nothing_planted_reads_the_clock_no_more_than_before() {
        // The reading that starts and the one that stops.
        assert_eq!(timed(0.0, 100_000), 100_010);
    }

    #[test]
    fn a_share_that_is_none_is_refused() {
        for share in [-0.01, 1.01, f64::NAN, f64::INFINITY] {
            assert!(Planted::of(share).is_err(), "{share}");
        }
    }
}
