//! Spans of the timed passes of a session, and what else is counted about each: for `bench triage`, and for nobody else.
//! In: a session whose passes are stamped. Out: series beside those of the workload, one sample for each of its samples.
//!
//! What a reading of the clock costs is measured where the spans are, a thousand readings behind each iteration; and so is what
//! a turn costs of the loop in which the first thread waits for the others.

use baselines::metric;
use engine::{Session, Span, SpanTimes};

use super::{Bench, Sampled};
use crate::{environment::Faults, measure::Clock};

/// So many readings, or turns, are timed together.
const TOGETHER: u32 = 1_000;

/// What a session counts from its beginning on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    packed_rows: u64,
    waited_turns: u64,
}

impl Counted {
    fn of(session: &Session<'_>) -> Self {
        Self { packed_rows: session.packed_rows(), waited_turns: session.waited_turns() }
    }
}

/// The samples of one iteration; empty where nothing is stamped.
#[derive(Debug)]
pub(super) struct SpanSamples {
    on: bool,
    times: Vec<SpanTimes>,
    packed_rows: Vec<u64>,
    waited_turns: Vec<u64>,
    faults: Option<Faults>,
}

impl SpanSamples {
    /// Begins an iteration.
    pub(super) fn begin(bench: &Bench<'_>, session: &mut Session<'_>) -> Self {
        session.take_spans();
        let on = bench.spans;
        let faults = if on { Faults::now() } else { None };
        let (times, packed_rows, waited_turns) = (Vec::new(), Vec::new(), Vec::new());
        Self { on, times, packed_rows, waited_turns, faults }
    }

    /// Begins a timed pass. Out: what to give to [`Self::end_pass`].
    pub(super) fn begin_pass(&self, session: &mut Session<'_>) -> Counted {
        session.take_spans();
        Counted::of(session)
    }

    /// Ends a timed pass.
    pub(super) fn end_pass(&mut self, before: Counted, session: &mut Session<'_>) {
        if self.on {
            self.times.push(session.take_spans());
            let after = Counted::of(session);
            self.packed_rows.push(after.packed_rows - before.packed_rows);
            self.waited_turns.push(after.waited_turns - before.waited_turns);
        }
    }

    /// The series of the iteration.
    pub(super) fn sampled(self, clock: &dyn Clock) -> Vec<Sampled> {
        if !self.on {
            return Vec::new();
        }
        let mut sampled: Vec<Sampled> = Span::ALL
            .into_iter()
            .map(|span| (metric_of(span), self.times.iter().map(|times| times.ns(span)).collect()))
            .collect();
        sampled.push(("span_stamps_count", self.times.iter().map(|times| times.stamps).collect()));
        sampled.push(("span_packed_rows_count", self.packed_rows));
        sampled.push(("span_wait_turns_count", self.waited_turns));
        let (before, after) = (self.faults, Faults::now());
        if let Some((before, after)) = before.zip(after) {
            sampled.push(("minor_faults_count", vec![after.minor - before.minor]));
            sampled.push(("preemptions_count", vec![after.preempted - before.preempted]));
        }
        sampled.push((
            "thousand_stamps_ns",
            vec![timed(clock, |n| {
                (0..n).for_each(|_| {
                    clock.now_ns();
                });
            })],
        ));
        sampled.push(("thousand_turns_ns", vec![timed(clock, engine::spin)]));
        sampled
    }
}

/// The metric of a span.
fn metric_of(span: Span) -> &'static str {
    let name = format!("span_{}_ns", span.name());
    metric::find(&name).expect("every span has a metric").name
}

/// What [`TOGETHER`] of something take.
fn timed(clock: &dyn Clock, some: impl FnOnce(u32)) -> u64 {
    let start_ns = clock.now_ns();
    some(TOGETHER);
    clock.now_ns() - start_ns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_has_a_metric() {
        for span in Span::ALL {
            assert!(metric_of(span).contains(span.name()), "{span:?}");
        }
    }
}
