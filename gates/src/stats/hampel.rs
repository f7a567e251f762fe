//! Hampel's filter, drawing in: an isolated outlier is moved to the edge of what its neighbours allow, a step stays.
//!
//! In: values in the order of time, neighbours on each side, the distance allowed. Out: as many values, each clamped to
//! the median of its window ± the distance. A running median of `2h + 1` keeps every level that lasts more than `h` values.
//! Least squares would otherwise spend a segment on each straggler; Barrett et al. 2017, §4.2 take outliers out before
//! PELT for the same reason. Source: Hampel 1974; Pearson 2002.

use baselines::quantile::of_sorted;

/// Each value clamped to the median of itself and up to `half_width` neighbours on each side, ± `distance`.
/// At the ends the window is what there is of it.
#[must_use]
pub fn drawn_in(values: &[f64], half_width: usize, distance: f64) -> Vec<f64> {
    let distance = distance.abs();
    let mut window = Window::default();
    let mut ahead = values.iter();
    for value in ahead.by_ref().take(half_width) {
        window.push(*value);
    }
    let drawn = |(place, value): (usize, &f64)| {
        if let Some(entering) = ahead.next() {
            window.push(*entering);
        }
        if let Some(leaving) = place.checked_sub(half_width.saturating_add(1)) {
            window.remove(values[leaving]);
        }
        // A window that holds a NaN has no median, and its value stays.
        window.median().map_or(*value, |centre| value.max(centre - distance).min(centre + distance))
    };
    values.iter().enumerate().map(drawn).collect()
}

/// The values of a window, kept sorted as it moves on.
#[derive(Default)]
struct Window {
    sorted: Vec<f64>,
    n_not_finite: usize,
}

impl Window {
    fn push(&mut self, value: f64) {
        if value.is_finite() {
            self.sorted.insert(self.place_of(value), value);
        } else {
            self.n_not_finite += 1;
        }
    }

    /// Takes out a value that was pushed.
    fn remove(&mut self, value: f64) {
        if value.is_finite() {
            self.sorted.remove(self.place_of(value));
        } else {
            self.n_not_finite -= 1;
        }
    }

    fn place_of(&self, value: f64) -> usize {
        self.sorted.partition_point(|other| other.total_cmp(&value).is_lt())
    }

    fn median(&self) -> Option<f64> {
        if self.n_not_finite > 0 { None } else { of_sorted(&self.sorted, 0.5) }
    }
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
    fn the_moving_window_is_that_of_the_definition() {
        let values: Vec<f64> = (0..40_u32)
            .map(|nth| if nth == 17 { f64::NAN } else { f64::from(nth * 11 % 17) })
            .collect();
        for half_width in 0..9_usize {
            let got = drawn_in(&values, half_width, 0.5);
            for (place, value) in values.iter().enumerate() {
                let window =
                    &values[place.saturating_sub(half_width)..40.min(place + half_width + 1)];
                let want = baselines::quantile::median(window)
                    .map_or(*value, |centre| value.max(centre - 0.5).min(centre + 0.5));
                assert_eq!(got[place].to_bits(), want.to_bits(), "{half_width} at {place}");
            }
        }
    }

    #[test]
    fn nothing_one_value_and_nan_do_not_panic() {
        assert!(drawn_in(&[], 4, 1.0).is_empty());
        assert_eq!(drawn_in(&[2.0], 4, 0.0), [2.0]);
        let with_nan = drawn_in(&[1.0, f64::NAN, 3.0], 1, f64::INFINITY);
        assert!(with_nan[1].is_nan() && with_nan[2] > 2.0);
    }
}
