//! Sample quantiles by linear interpolation (type 7), the median among them.
//! In: samples in any order. Out: a value in their unit. Source: Hyndman & Fan 1996, definition 7.

/// The `p`-quantile of `samples`, `p` in `[0, 1]`. `None` without samples, or if one is not finite: NaN has no place in
/// an order.
#[must_use]
pub fn quantile(samples: &[f64], p: f64) -> Option<f64> {
    if samples.is_empty() || samples.iter().any(|sample| !sample.is_finite()) {
        return None;
    }
    let (below, fraction) = rank(samples.len(), p);
    let mut values = samples.to_vec();
    // Two order statistics are all that is needed: a selection takes time in proportion to the samples, a sort does not.
    let (_, low, upper) = values.select_nth_unstable_by(below, f64::total_cmp);
    let above = if fraction > 0.0 { upper.iter().copied().min_by(f64::total_cmp) } else { None };
    Some(between(*low, above.unwrap_or(*low), fraction))
}

/// The same of samples that are finite and sorted already; `None` without any.
#[must_use]
pub fn of_sorted(sorted: &[f64], p: f64) -> Option<f64> {
    let (below, fraction) = rank(sorted.len().max(1), p);
    let low = *sorted.get(below)?;
    let above = if fraction > 0.0 { sorted.get(below + 1).copied() } else { None };
    Some(between(low, above.unwrap_or(low), fraction))
}

/// The median of `samples`: the middle one, or the mean of the two in the middle.
#[must_use]
pub fn median(samples: &[f64]) -> Option<f64> {
    quantile(samples, 0.5)
}

/// The order statistic below the quantile, 0-based, and how far it is to the next.
#[expect(clippy::cast_precision_loss, reason = "a series has at most 2,000,000 samples")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ rank < len")]
fn rank(len: usize, p: f64) -> (usize, f64) {
    let rank = p.clamp(0.0, 1.0) * (len - 1) as f64;
    let below = rank.floor() as usize;
    (below, rank - below as f64)
}

fn between(low: f64, high: f64, fraction: f64) -> f64 {
    low + fraction * (high - low)
}

#[cfg(test)]
mod tests {
    use super::{median, of_sorted, quantile};

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
    fn a_selection_finds_what_a_sort_does() {
        for n in 1..60_u32 {
            // A permutation with ties: 7 is prime to no multiple of itself, and 13 values repeat.
            let samples: Vec<f64> = (0..n).map(|place| f64::from(place * 7 % 13) - 3.0).collect();
            let mut sorted = samples.clone();
            sorted.sort_by(f64::total_cmp);
            for p in [0.0, 0.05, 0.25, 0.5, 0.9, 0.99, 1.0] {
                assert_eq!(quantile(&samples, p), of_sorted(&sorted, p), "n {n} p {p}");
            }
        }
        assert_eq!(of_sorted(&[], 0.5), None);
    }

    #[test]
    fn nothing_and_nan_have_no_median() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[1.0, f64::NAN, 2.0]), None);
        assert_eq!(median(&[1.0, f64::INFINITY]), None);
    }
}
