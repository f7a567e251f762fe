//! Two windows: the points just before a place against those just after, at every place.
//!
//! In: log values in the order of time. Out: first places of new levels. Welch's t of up to 20 points on each side, at least
//! 3, lone outliers drawn in; the smallest p stands if it holds .01 ÷ places looked at (Bonferroni). No window's variance
//! is taken below the noise of the series: three points are close together by luck too often. Source: Welch 1947.

use super::{MIN_SEGMENT, calm::Calm, divide::divide};
use crate::stats::{
    student,
    yuen::{as_f64, mean},
};
use std::ops::Range;

/// Most points on each side.
pub const WINDOW: usize = 20;

/// Two-sided level over all places of a segment.
pub const LEVEL: f64 = 0.01;

/// A smaller t is never significant: Student's tails are heavier than the normal, which needs 2.576 for .01.
const NEVER: f64 = 2.5;

/// The changes found in `values`, all finite.
#[must_use]
pub fn change_points(values: &[f64]) -> Vec<usize> {
    change_points_among(values, 1)
}

/// The same in one of `family` blocks: the level is shared by all.
pub(super) fn change_points_among(values: &[f64], family: usize) -> Vec<usize> {
    let calm = Calm::of(values);
    let floor = calm.noise.sd.powi(2);
    let level = LEVEL / as_f64(family);
    divide(values.len(), |range| best_place(&calm.values, range, floor, level))
}

/// The place of `range` with the smallest p, if it is small enough for having been chosen.
fn best_place(values: &[f64], range: Range<usize>, floor: f64, level: f64) -> Option<usize> {
    if range.len() < 2 * MIN_SEGMENT {
        return None;
    }
    let places = range.start + MIN_SEGMENT..=range.end - MIN_SEGMENT;
    let level = level / as_f64(places.clone().count());
    let (place, p) = places
        .map(|place| {
            let before = &values[range.start.max(place.saturating_sub(WINDOW))..place];
            let after = &values[place..range.end.min(place + WINDOW)];
            (place, p_two_sided(before, after, floor))
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    (p <= level).then_some(place)
}

/// Welch's p of two means being equal; each variance at least `floor`.
fn p_two_sided(before: &[f64], after: &[f64], floor: f64) -> f64 {
    let ((mean_a, var_a), (mean_b, var_b)) = (of_mean(before, floor), of_mean(after, floor));
    let variance = var_a + var_b;
    let distance = (mean_b - mean_a).abs();
    if distance < NEVER * variance.sqrt() {
        return 1.0;
    }
    let spread = var_a.powi(2) / as_f64(before.len() - 1) + var_b.powi(2) / as_f64(after.len() - 1);
    let df = if spread > 0.0 { variance.powi(2) / spread } else { 1.0 };
    2.0 * student::p_above(distance, 0.0, variance.sqrt(), df)
}

/// Mean, and the variance of the mean.
fn of_mean(values: &[f64], floor: f64) -> (f64, f64) {
    let mean = mean(values);
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let variance = (squares / as_f64(values.len() - 1)).max(floor);
    (mean, variance / as_f64(values.len()))
}

#[cfg(test)]
mod tests {
    use super::{change_points, p_two_sided};

    #[test]
    fn p_is_that_of_welch() {
        // scipy 1.17.1: ttest_ind(a, b, equal_var=False).pvalue.
        let (a, b) = ([0.11, 0.14, 0.09, 0.12], [0.21, 0.25, 0.16, 0.24, 0.3]);
        let want = 0.004557438267857793;
        let got = p_two_sided(&a, &b, 0.0);
        assert!((got - want).abs() < 1e-9, "{got} is not {want}");
        assert!(p_two_sided(&a, &b, 0.01) > 10.0 * got, "noise of the series counts");
    }

    #[test]
    fn steps_are_found_and_constants_and_few_values_have_none() {
        let level = |nth: usize| if (20..40).contains(&nth) { 1.0 } else { 0.0 };
        let values: Vec<f64> =
            (0..60).map(|nth| level(nth) + f64::from(u8::from(nth % 2 == 0)) * 0.1).collect();
        assert_eq!(change_points(&values), [20, 40]);
        assert!(change_points(&[0.1; 40]).is_empty());
        assert!(change_points(&[0.0, 0.0, 0.0, 1.0, 1.0]).is_empty());
    }

    #[test]
    fn three_equal_ticks_beside_three_others_are_no_change() {
        // Two ticks in no order: 3 + 3 equal ones meet by luck.
        let ticks =
            [0, 1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0];
        let values: Vec<f64> = ticks.iter().map(|tick| f64::from(*tick)).collect();
        assert!(change_points(&values).is_empty());
    }
}
