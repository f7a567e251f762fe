//! Spans of the timed passes of a session, and what else is counted about each: for `bench triage`, and for nobody else.
//! In: a session whose passes are stamped. Out: series beside those of the workload, one sample for each of its samples.
//!
//! What a reading of the clock costs is measured where the spans are: a thousand readings behind each iteration.

use baselines::metric;
use engine::{Session, Span, SpanTimes};

use super::{Bench, Sampled};
use crate::{environment::Faults, measure::Clock};

/// So many readings are timed together.
const READINGS: u32 = 1_000;

/// The samples of one iteration; empty where nothing is stamped.
#[derive(Debug)]
pub(super) struct SpanSamples {
    on: bool,
    times: Vec<SpanTimes>,
    packed_rows: Vec<u64>,
    faults: Option<Faults>,
}

impl SpanSamples {
    /// Begins an iteration.
    pub(super) fn begin(bench: &Bench<'_>, session: &mut Session<'_>) -> Self {
        session.take_spans();
        let on = bench.spans;
        let faults = if on { Faults::now() } else { None };
        Self { on, times: Vec::new(), packed_rows: Vec::new(), faults }
    }

    /// Begins a timed pass. Out: what to give to [`Self::end_pass`].
    pub(super) fn begin_pass(&self, session: &mut Session<'_>) -> u64 {
        session.take_spans();
        session.packed_rows()
    }

    /// Ends a timed pass.
    pub(super) fn end_pass(&mut self, packed_before: u64, session: &mut Session<'_>) {
        if self.on {
            self.times.push(session.take_spans());
            self.packed_rows.push(session.packed_rows() - packed_before);
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
        let (before, after) = (self.faults, Faults::now());
        if let Some((before, after)) = before.zip(after) {
            sampled.push(("minor_faults_count", vec![after.minor - before.minor]));
            sampled.push(("preemptions_count", vec![after.preempted - before.preempted]));
        }
        sampled.push(("thousand_stamps_ns", vec![readings_ns(clock)]));
        sampled
    }
}

/// The metric of a span.
fn metric_of(span: Span) -> &'static str {
    let name = format!("span_{}_ns", span.name());
    metric::find(&name).expect("every span has a metric").name
}

/// What [`READINGS`] readings take.
fn readings_ns(clock: &dyn Clock) -> u64 {
    let start_ns = clock.now_ns();
    let end_ns = (0..READINGS).fold(start_ns, |_, _| clock.now_ns());
    end_ns - start_ns
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
