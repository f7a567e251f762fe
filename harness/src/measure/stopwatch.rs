//! A stopwatch that can be stopped: what is checked or kept between two timed stretches stays out of the time.
//! Where allocations are counted, the counting is outside of the stretches too.

use super::{Clock, Planted, Tally};

/// Sums timed stretches.
#[derive(Debug)]
pub(crate) struct Stopwatch<'a> {
    clock: &'a dyn Clock,
    planted: Planted,
    tally: &'a Tally,
    since_ns: u64,
    sum_ns: u64,
}

impl<'a> Stopwatch<'a> {
    /// A running stopwatch, whose stretches are made longer by what is `planted`, and their requests counted by `tally`.
    pub(crate) fn start(clock: &'a dyn Clock, planted: Planted, tally: &'a Tally) -> Self {
        tally.begin();
        Self { clock, planted, tally, since_ns: clock.now_ns(), sum_ns: 0 }
    }

    /// How long the stretch that runs has taken; it goes on.
    pub(crate) fn stretch_ns(&self) -> u64 {
        self.clock.now_ns() - self.since_ns
    }

    /// Stops; returns the sum so far.
    pub(crate) fn stop(&mut self) -> u64 {
        self.planted.lengthen(self.since_ns, self.clock);
        self.sum_ns += self.clock.now_ns() - self.since_ns;
        self.tally.end();
        self.sum_ns
    }

    /// Goes on.
    pub(crate) fn resume(&mut self) {
        self.tally.begin();
        self.since_ns = self.clock.now_ns();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::measure::clock::tests::ScriptedClock;

    #[test]
    fn what_happens_while_stopped_is_not_counted() {
        let (clock, tally) =
            (ScriptedClock { now_ns: Cell::new(0), tick_ns: 10 }, Tally::default());
        let mut watch = Stopwatch::start(&clock, Planted::none(), &tally);
        assert_eq!(watch.stop(), 10);
        clock.now_ns.set(1_000_000);
        watch.resume();
        assert_eq!(watch.stop(), 20);
    }
}
