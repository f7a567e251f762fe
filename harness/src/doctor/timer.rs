//! The clock that samples are taken with: its smallest step, and what a reading costs. Measured, not looked up.

use baselines::unit::Unit;

use super::{Check, Finding, Observation, State};
use crate::measure::Clock;

/// Readings in one batch, and batches: the cheapest one was not interrupted.
const N_READINGS: u64 = 1_000;
const N_BATCHES: u64 = 20;
/// Readings at most until the clock moves at all: more than 10 ms, the coarsest step there is.
const N_STILL_MAX: u64 = 2_000_000;
/// The shortest sample of the built-in suite, as the table in the README has it (quantize, matmul).
const SHORTEST_NS: f64 = 26_000.0;
/// Parts of it that a gate tells apart, and must not miss: the margins of the policy that ships.
const NEGLIGIBLE: f64 = 0.01;
const UNACCEPTABLE: f64 = 0.05;

pub(super) const CHECK: Check = Check {
    name: "timer",
    about: "How small is a step of the clock, and what does reading it cost?",
    find,
};

/// What reading a clock in a row showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Timer {
    /// Smallest difference of two readings that was not zero; `None` if the clock stood still.
    step_ns: Option<u64>,
    /// Mean of the cheapest batch; `None` if a reading costs less than can be told.
    reading_ns: Option<f64>,
}

impl Timer {
    pub(super) fn of(clock: &dyn Clock) -> Self {
        let mut step_ns: Option<u64> = None;
        let mut batch_ns: Option<u64> = None;
        let mut last_ns = clock.now_ns();
        let mut read = |step_ns: &mut Option<u64>| {
            let now_ns = clock.now_ns();
            let apart_ns = now_ns.saturating_sub(last_ns);
            last_ns = now_ns;
            if apart_ns > 0 {
                *step_ns = Some(step_ns.map_or(apart_ns, |least| least.min(apart_ns)));
            }
            apart_ns
        };
        for _ in 0..N_BATCHES {
            let took_ns = (0..N_READINGS).map(|_| read(&mut step_ns)).fold(0, u64::saturating_add);
            batch_ns = Some(batch_ns.map_or(took_ns, |least| least.min(took_ns)));
        }
        let mut n_still = 0;
        while step_ns.is_none() && n_still < N_STILL_MAX {
            read(&mut step_ns);
            n_still += 1;
        }
        #[expect(clippy::cast_precision_loss, reason = "microseconds")]
        let reading_ns = batch_ns.filter(|ns| *ns > 0).map(|ns| ns as f64 / N_READINGS as f64);
        Self { step_ns, reading_ns }
    }
}

fn find(seen: &Observation) -> Finding {
    let Some(step_ns) = seen.timer.step_ns else {
        return Finding::new(State::Bad, "the clock does not move")
            .effect("nothing can be timed")
            .mend(seen.mend("see `clock-source`"));
    };
    #[expect(clippy::cast_precision_loss, reason = "milliseconds at most")]
    let step = step_ns as f64;
    let worse_ns = step.max(seen.timer.reading_ns.unwrap_or(0.0));
    let state = if worse_ns > SHORTEST_NS * UNACCEPTABLE {
        State::Bad
    } else if worse_ns > SHORTEST_NS * NEGLIGIBLE {
        State::Warn
    } else {
        State::Ok
    };
    let reading = seen.timer.reading_ns.map_or_else(
        || "a reading costs less".to_owned(),
        |ns| format!("a reading costs {}", Unit::Nanoseconds.text(ns)),
    );
    let found = format!("smallest step {}, {reading}", Unit::Nanoseconds.text(step));
    let finding = Finding::new(state, found)
        .value("step_ns", step_ns)
        .value("reading_ns", seen.timer.reading_ns);
    if state == State::Ok {
        return finding;
    }
    finding
        .effect(format!(
            "{:.0} % of the shortest sample of the built-in suite ({})",
            100.0 * worse_ns / SHORTEST_NS,
            Unit::Nanoseconds.text(SHORTEST_NS)
        ))
        .mend(seen.mend("see `clock-source`; or gate workloads with longer samples only"))
}
