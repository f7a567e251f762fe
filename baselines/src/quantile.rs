//! Sample quantiles by linear interpolation (type 7), the median among them.
//! In: samples in any order. Out: a value in their unit. Source: Hyndman & Fan 1996, definition 7.

/// The `p`-quantile of `samples`, `p` in `[0, 1]`. `None` without samples, or if one is not finite: NaN has no place in
/// an order.
#[must_use]
pub fn quantile(samples: &[f64], p: f64) -> Option<f64> {
    if samples.is_empty() || samples.iter().any(|sample| !sample.is_finite()) {
        return None;
    }
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(of_sorted(&sorted, p))
}

/// The median of `samples`: the middle one, or the mean of the two in the middle.
#[must_use]
pub fn median(samples: &[f64]) -> Option<f64> {
    quantile(samples, 0.5)
}

#[expect(clippy::cast_precision_loss, reason = "a series has at most 2,000,000 samples")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ rank < len")]
fn of_sorted(sorted: &[f64], p: f64) -> f64 {
    let rank = p.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = rank.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let (low, high) = (sorted[below], sorted[above]);
    low + (rank - below as f64) * (high - low)
}

#[cfg(test)]
mod tests {
    use super::{median, quantile};

    #[test]
    fn medians_of_even_and_odd_counts_are_those_of_the_definition() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[7.0]), Some(7.0));
    }

    #[test]
    fn quartiles_interpolate_as_type_7_does() {
        // R: quantile(c(1, 2, 3, 4), .25) is 1.75.
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.25), Some(1.75));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.0), Some(1.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 1.0), Some(4.0));
    }

    #[test]
    fn nothing_and_nan_have_no_median() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[1.0, f64::NAN, 2.0]), None);
        assert_eq!(median(&[1.0, f64::INFINITY]), None);
    }
}
