//! The piecewise-constant fit of a history: PELT with twice the penalty that finds a warm-up.
//!
//! In: log values in the order of time. Out: first places of new levels. Penalty `4·ln n·σ̂²` (long-run variance), segments of
//! at least 3, lone outliers drawn in. Source: Killick, Fearnhead, Eckley 2012; the factor is this project's, chosen so
//! that noise seldom splits (docs/history.md has the rates).

use super::{MIN_SEGMENT, calm::Calm};
use crate::stats::{pelt, yuen::as_f64};

/// Penalty of one change, in units of `ln n · σ̂²`.
pub const PENALTY: f64 = 4.0;

/// The changes found in `values`, all finite.
#[must_use]
pub fn change_points(values: &[f64]) -> Vec<usize> {
    change_points_at(values, PENALTY)
}

/// The same with another penalty.
#[must_use]
pub fn change_points_at(values: &[f64], penalty: f64) -> Vec<usize> {
    fit(values, penalty * as_f64(values.len()).ln())
}

/// The same in one of `family` blocks: the penalty is that of all their points.
pub(super) fn change_points_among(values: &[f64], family: usize) -> Vec<usize> {
    fit(values, PENALTY * as_f64(values.len() * family).ln())
}

/// Penalty in units of `σ̂²`.
fn fit(values: &[f64], penalty: f64) -> Vec<usize> {
    if values.len() < 2 * MIN_SEGMENT {
        return Vec::new();
    }
    let calm = Calm::of(values);
    let penalty = penalty * calm.noise.long_run_variance();
    pelt::fit(&calm.values, penalty, MIN_SEGMENT).starts.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::{change_points, change_points_at};

    /// Levels with a small ripple.
    fn series(levels: &[(f64, usize)]) -> Vec<f64> {
        let level = levels.iter().flat_map(|(level, n)| std::iter::repeat_n(*level, *n));
        level.enumerate().map(|(nth, level)| level + [0.0, 0.1, 0.05, -0.1][nth % 4]).collect()
    }

    #[test]
    fn levels_of_three_points_and_more_are_found_and_a_lone_outlier_is_none() {
        assert_eq!(change_points(&series(&[(0.0, 20), (2.0, 3), (0.0, 20)])), [20, 23]);
        assert!(change_points(&series(&[(0.0, 20), (9.0, 1), (0.0, 20)])).is_empty());
        assert!(change_points(&series(&[(0.0, 5)])).is_empty());
    }

    #[test]
    fn a_smaller_penalty_finds_more() {
        let values = series(&[(0.0, 20), (0.15, 20)]);
        assert!(change_points_at(&values, 100.0).is_empty());
        assert!(!change_points_at(&values, 0.1).is_empty());
    }
}
