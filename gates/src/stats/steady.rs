//! Steady state: from which iteration on a process runs at one level, and what a session's processes are worth.
//!
//! In: log times of one process' iterations, in order. Out: steady from a place, not steady, or too few to say. A process
//! that is not steady is kept and flagged, never dropped; over 20 % flagged make the session evidence of class B.
//!
//! Isolated outliers are drawn in to 2 σ̂ of the median of 15, then the series is fitted by PELT with penalty `2·ln n·σ̂²`
//! (long-run variance, [`Noise`]) and segments of at least 5. Steady is the last level, if it holds at least a third of the
//! run: the last segment, and those before it that differ from it by less than what matters to the reader. In a long quiet run
//! a tenth of a per cent is a change that a fit finds, and no warm-up. Source: Barrett et al. 2017, §4 (outliers, then PELT,
//! then segments that are equivalent to the last); the third and the 20 % are this project's.

use super::{
    hampel,
    noise::{Noise, are_logs},
    pelt,
    yuen::as_f64,
};

/// Fewest iterations that hold two segments.
pub const MIN_ITERATIONS: usize = 10;

/// Fewest iterations in a segment.
pub const MIN_SEGMENT: usize = 5;

/// Seven neighbours on each side: a level inside the run counts if it lasts 8 iterations. With four, five stragglers among
/// nine neighbours are a level, which happens once in a thousand iterations where one in ten is a straggler.
const HALF_WIDTH: usize = 7;

/// Standard deviations that an isolated value may lie from its neighbours.
const OUTLIER_SDS: f64 = 2.0;

/// What one process' iterations show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SteadyState {
    /// One level from `start` on, over at least a third of the run.
    Steady {
        /// First steady iteration; 0 where no warm-up was seen.
        start: usize,
    },
    /// The last level began too late: the process is kept and flagged.
    NotSteady {
        /// Where that level began.
        last_start: usize,
    },
    /// Fewer than ten iterations: kept, not judged.
    TooShort,
}

impl SteadyState {
    /// Judges log times in the order they were taken, any change counting; `None` if one is no logarithm of a positive number.
    #[must_use]
    pub fn of(logs: &[f64]) -> Option<Self> {
        Self::within(logs, 0.0)
    }

    /// The same, where levels that differ from the last by less than `tolerance` are one with it.
    #[must_use]
    pub fn within(logs: &[f64], tolerance: f64) -> Option<Self> {
        if !are_logs(logs) {
            return None;
        }
        let n = logs.len();
        if n < MIN_ITERATIONS {
            return Some(Self::TooShort);
        }
        let noise = Noise::of(logs);
        let calm = hampel::drawn_in(logs, HALF_WIDTH, OUTLIER_SDS * noise.sd);
        let penalty = 2.0 * as_f64(n).ln() * noise.long_run_variance();
        let start = last_level(&calm, &pelt::fit(&calm, penalty, MIN_SEGMENT).starts, tolerance);
        let holds_a_third = 3 * (n - start) >= n;
        Some(if holds_a_third {
            Self::Steady { start }
        } else {
            Self::NotSteady { last_start: start }
        })
    }

    /// First iteration that counts: after warm-up where there is a steady state, else all of them do.
    #[must_use]
    pub const fn first_kept(self) -> usize {
        match self {
            Self::Steady { start } => start,
            Self::NotSteady { .. } | Self::TooShort => 0,
        }
    }
}

/// Where the last level begins: at the first of the segments that differ from the last by less than `tolerance`, without one
/// in between that differs by more.
fn last_level(values: &[f64], starts: &[usize], tolerance: f64) -> usize {
    let ends = starts.iter().skip(1).copied().chain([values.len()]);
    let segments: Vec<(usize, f64)> = starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let sum: f64 = values[*start..end].iter().sum();
            (*start, sum / as_f64(end - start))
        })
        .collect();
    let Some(&(last_start, last)) = segments.last() else { return 0 };
    let alike = segments.iter().rev().take_while(|(_, mean)| (mean - last).abs() < tolerance);
    alike.last().map_or(last_start, |(start, _)| *start)
}

/// What a session's processes are worth as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceClass {
    /// At most 20 % of the processes judged are flagged.
    A,
    /// More than that: the medians mix levels.
    B,
}

impl EvidenceClass {
    /// The class of these processes. Those too short to judge count on neither side.
    #[must_use]
    pub fn of(processes: &[SteadyState]) -> Self {
        let n_judged = processes.iter().filter(|state| **state != SteadyState::TooShort).count();
        let flagged = |state: &&SteadyState| matches!(state, SteadyState::NotSteady { .. });
        let n_flagged = processes.iter().filter(flagged).count();
        if 5 * n_flagged > n_judged { Self::B } else { Self::A }
    }

    /// Its letter, as in the gate files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }
}
