//! Warm-up: whether the processes behind a row ran at one level, and what that makes of the row as evidence.
//!
//! In: both arms, one gated metric. Out: [`WarmUp`], said beside the estimate and never used in it. The rounds of the two
//! processes of a pair are interleaved, so that both arms warm up alike and the ratio of a round holds as much of it on either
//! side; cutting each process at a place of its own would take that balance away.

use baselines::{RunRecord, quantile::median, record::Series};
use rayon::prelude::*;

use crate::{
    policy::Gated,
    stats::{EvidenceClass, SteadyState, yuen::as_f64},
    text,
};

/// What the processes of a row show, over both arms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp {
    /// Processes that have the metric, and times of which there are logarithms.
    pub n_processes: usize,
    /// Of these, with fewer iterations than a level can be told by.
    pub n_too_short: usize,
    /// Never settled: a change of the unacceptable margin or more after two thirds of the run.
    pub n_flagged: usize,
    /// What they are worth; `None` where all are too short.
    pub class: Option<EvidenceClass>,
    /// Median over the steady ones of the iterations before their steady level; `None` without any.
    pub median_cut: Option<f64>,
    /// Log of the change that counts.
    pub tolerance: f64,
}

impl WarmUp {
    /// Judges every process of both arms that has the metric.
    pub(super) fn of(base: &RunRecord, head: &RunRecord, gated: &Gated) -> Self {
        let series_of = |series: &&Series| {
            series.workload == gated.workload
                && series.metric == gated.metric
                && !series.samples.is_empty()
        };
        let processes: Vec<&Series> = [base, head]
            .into_iter()
            .flat_map(|record| &record.processes)
            .filter_map(|process| process.series.iter().find(series_of))
            .collect();
        let tolerance = libm::log(gated.margin_unacceptable);
        // Times without a logarithm are refused by the rule `samples`, and have no ratio either.
        let states: Vec<SteadyState> = processes
            .par_iter()
            .filter_map(|series| SteadyState::within(&logs_of_iterations(series), tolerance))
            .collect();
        Self::of_states(&states, tolerance)
    }

    fn of_states(states: &[SteadyState], tolerance: f64) -> Self {
        let count = |is: fn(&SteadyState) -> bool| states.iter().filter(|state| is(state)).count();
        let n_too_short = count(|state| *state == SteadyState::TooShort);
        let cuts: Vec<f64> = states
            .iter()
            .filter_map(|state| match state {
                SteadyState::Steady { start } => Some(as_f64(*start)),
                SteadyState::NotSteady { .. } | SteadyState::TooShort => None,
            })
            .collect();
        Self {
            n_processes: states.len(),
            n_too_short,
            n_flagged: count(|state| matches!(state, SteadyState::NotSteady { .. })),
            class: (states.len() > n_too_short).then(|| EvidenceClass::of(states)),
            median_cut: median(&cuts),
            tolerance,
        }
    }

    /// What a reader of the row must know; `None` if there is nothing to warn of.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let n_judged = self.n_processes.saturating_sub(self.n_too_short);
        (self.class == Some(EvidenceClass::B)).then(|| {
            format!(
                "evidence class B: {} of {n_judged} processes still change by {} or more in their last third",
                self.n_flagged,
                text::change(self.tolerance)
            )
        })
    }
}

/// Log of the median of each iteration, in the order taken.
fn logs_of_iterations(series: &Series) -> Vec<f64> {
    let per_iteration = usize::try_from(series.per_iteration).unwrap_or(usize::MAX).max(1);
    let iterations = series.samples.chunks(per_iteration);
    // No logarithm of a median that does not exist: the whole series then has no state.
    let typical = |samples: &[f64]| match samples {
        [one] => *one,
        several => median(several).unwrap_or(f64::NAN),
    };
    iterations.map(|samples| libm::log(typical(samples))).collect()
}

#[cfg(test)]
mod tests {
    use baselines::record::Series;

    use super::{EvidenceClass, SteadyState, WarmUp, logs_of_iterations};

    const STEADY: SteadyState = SteadyState::Steady { start: 4 };
    const FLAGGED: SteadyState = SteadyState::NotSteady { last_start: 90 };

    fn of(n_steady: usize, n_flagged: usize, n_short: usize) -> WarmUp {
        let mut states = vec![STEADY; n_steady];
        states.extend(vec![FLAGGED; n_flagged]);
        states.extend(vec![SteadyState::TooShort; n_short]);
        WarmUp::of_states(&states, 1.05_f64.ln())
    }

    #[test]
    fn more_than_a_fifth_never_settling_is_class_b_and_warned_of() {
        let found = of(25, 7, 0);
        assert_eq!((found.class, found.median_cut), (Some(EvidenceClass::B), Some(4.0)));
        let warning = found.warning().expect("class B");
        assert_eq!(
            warning,
            "evidence class B: 7 of 32 processes still change by +5.0 % or more in their last third"
        );
        assert_eq!(of(26, 6, 0).warning(), None);
        // Those too short to judge are no processes of the share.
        let warning = of(2, 2, 28).warning().expect("class B");
        assert!(warning.starts_with("evidence class B: 2 of 4 processes"), "{warning}");
    }

    #[test]
    fn processes_too_short_to_judge_have_no_class() {
        let found = of(0, 0, 32);
        assert_eq!((found.n_too_short, found.class, found.median_cut), (32, None, None));
        assert_eq!(of(0, 0, 0).class, None);
    }

    #[test]
    fn an_iteration_of_several_samples_is_its_median() {
        let series = |per_iteration, samples: &[f64]| Series {
            workload: "w".to_owned(),
            metric: "m".to_owned(),
            per_iteration,
            samples: samples.to_vec(),
        };
        let logs = logs_of_iterations(&series(3, &[1.0, 90.0, 2.0, 8.0, 4.0, 3.0]));
        assert_eq!(logs, [2.0_f64.ln(), 4.0_f64.ln()]);
        assert!(SteadyState::of(&logs_of_iterations(&series(0, &[0.0; 12]))).is_none());
        assert!(logs_of_iterations(&series(1, &[f64::NAN; 12])).iter().all(|log| log.is_nan()));
    }
}
