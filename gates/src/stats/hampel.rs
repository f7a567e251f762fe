//! Hampel's filter, drawing in: an isolated outlier is moved to the edge of what its neighbours allow, a step stays.
//!
//! In: values in the order of time, neighbours on each side, the distance allowed. Out: as many values, each clamped to
//! the median of its window ± the distance. A running median of `2h + 1` keeps every level that lasts more than `h` values.
//! Least squares would otherwise spend a segment on each straggler; Barrett et al. 2017, §4.2 take outliers out before
//! PELT for the same reason. Source: Hampel 1974; Pearson 2002.

use baselines::quantile::median;

/// Each value clamped to the median of itself and up to `half_width` neighbours on each side, ± `distance`.
/// At the ends the window is what there is of it.
#[must_use]
pub fn drawn_in(values: &[f64], half_width: usize, distance: f64) -> Vec<f64> {
    let n = values.len();
    let window = |place: usize| {
        &values[place.saturating_sub(half_width)..n.min(place.saturating_add(half_width + 1))]
    };
    values
        .iter()
        .enumerate()
        // A window that holds a NaN has no median, and its value stays.
        .map(|(place, value)| match median(window(place)) {
            Some(centre) => value.max(centre - distance.abs()).min(centre + distance.abs()),
            None => *value,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::drawn_in;

    #[test]
    fn a_lone_outlier_is_drawn_in_and_a_step_is_not() {
        let mut values = vec![0.0; 10];
        values.extend([1.0; 10]);
        assert_eq!(drawn_in(&values, 2, 0.25), values, "a step");
        values[4] = 9.0;
        let drawn = drawn_in(&values, 2, 0.25);
        assert_eq!(drawn[3..6], [0.0, 0.25, 0.0], "an outlier");
    }

    #[test]
    fn three_of_five_are_a_level_and_two_are_not() {
        let level = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0];
        assert_eq!(drawn_in(&level, 2, 0.0), level);
        let pair = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0];
        assert_eq!(drawn_in(&pair, 2, 0.0), [0.0; 8]);
    }

    #[test]
    fn nothing_one_value_and_nan_do_not_panic() {
        assert!(drawn_in(&[], 4, 1.0).is_empty());
        assert_eq!(drawn_in(&[2.0], 4, 0.0), [2.0]);
        let with_nan = drawn_in(&[1.0, f64::NAN, 3.0], 1, f64::INFINITY);
        assert!(with_nan[1].is_nan() && with_nan[2] > 2.0);
    }
}
