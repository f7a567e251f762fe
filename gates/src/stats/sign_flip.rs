//! The exact sign-flip test for fewer than 15 pairs: under the null, every pair's sign is a coin.
//!
//! In: paired log ratios. Out: exact one-sided p-values and the interval they invert to. Source: Fisher 1935, §21;
//! Hartigan 1969 (typical values), by which the means of all subsets cut the line into equally likely parts.

use super::yuen::{as_f64, mean};

/// Largest number of values: 2^14 subsets are a few hundred microseconds, and Yuen's test takes over at 15.
pub const MAX_VALUES: usize = 14;

/// The sorted means of every non-empty subset.
///
/// A sign pattern gives a sum at most the observed one, exactly when the
/// mean of the flipped values is at least the bound, so that counting subset means is counting sign patterns.
#[derive(Clone, Debug, PartialEq)]
pub struct SignFlip {
    /// Values.
    pub n: usize,
    /// Mean of the values.
    pub estimate: f64,
    subset_means: Vec<f64>,
}

impl SignFlip {
    /// All subsets of 1 to 14 finite values; else `None`.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 || n > MAX_VALUES || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mut subset_means: Vec<f64> =
            (1_u32..1 << n).map(|subset| subset_mean(values, subset)).collect();
        subset_means.sort_by(f64::total_cmp);
        Some(Self { n, estimate: mean(values), subset_means })
    }

    /// Exact p of "the truth is ≥ `bound`": the share of sign patterns with a sum as low as the one seen.
    #[must_use]
    pub fn p_below(&self, bound: f64) -> f64 {
        let as_low =
            self.subset_means.len() - self.subset_means.partition_point(|mean| *mean < bound);
        (as_f64(as_low) + 1.0) / self.n_patterns()
    }

    /// Exact p of "the truth is ≤ `bound`".
    #[must_use]
    pub fn p_above(&self, bound: f64) -> f64 {
        let as_high = self.subset_means.partition_point(|mean| *mean <= bound);
        (as_f64(as_high) + 1.0) / self.n_patterns()
    }

    /// The two-sided interval at `level`; `None` where so few values allow none (fewer than 6 for 95 %).
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 2^14, never negative"
    )]
    pub fn interval(&self, level: f64) -> Option<(f64, f64)> {
        let rank = ((1.0 - level) / 2.0 * self.n_patterns()).floor() as usize;
        let low = self.subset_means.get(rank.checked_sub(1)?)?;
        let high = self.subset_means.get(self.subset_means.len().checked_sub(rank)?)?;
        Some((*low, *high))
    }

    fn n_patterns(&self) -> f64 {
        as_f64(self.subset_means.len()) + 1.0
    }
}

fn subset_mean(values: &[f64], subset: u32) -> f64 {
    let chosen: Vec<f64> = values
        .iter()
        .enumerate()
        .filter(|(place, _)| subset >> place & 1 == 1)
        .map(|(_, value)| *value)
        .collect();
    mean(&chosen)
}

#[cfg(test)]
mod tests {
    use super::SignFlip;

    /// The definition, the slow way: count the sign patterns whose sum about `bound` is as high as the one seen.
    fn p_above_by_enumeration(values: &[f64], bound: f64) -> f64 {
        let sum = |pattern: u32| -> f64 {
            let signed = |(place, value): (usize, &f64)| {
                if pattern >> place & 1 == 1 { bound - value } else { value - bound }
            };
            values.iter().enumerate().map(signed).sum()
        };
        let seen = sum(0);
        let patterns = 1_u32 << values.len();
        let as_high = (0..patterns).filter(|pattern| sum(*pattern) >= seen - 1e-15).count();
        super::as_f64(as_high) / f64::from(patterns)
    }

    #[test]
    fn subset_means_count_the_same_patterns_as_the_definition() {
        let values = [0.031, -0.012, 0.044, 0.007, 0.058, 0.021, -0.003, 0.036];
        let test = SignFlip::of(&values).expect("eight values");
        // No bound is the mean of a subset: there the two sums would round a tie to different sides.
        for bound in [-0.02, 0.000_13, 0.0101, 0.030_3, 0.06] {
            let (got, want) = (test.p_above(bound), p_above_by_enumeration(&values, bound));
            assert!((got - want).abs() < 1e-12, "bound {bound}: {got} is not {want}");
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "1/64 is exact")]
    fn all_values_above_the_bound_give_the_least_p_there_is() {
        let test = SignFlip::of(&[0.02, 0.03, 0.04, 0.05, 0.06, 0.07]).expect("six values");
        assert_eq!(test.p_above(0.01), 1.0 / 64.0);
        assert_eq!(test.p_below(0.08), 1.0 / 64.0);
        assert_eq!(test.interval(0.95), Some((0.02, 0.07)));
    }

    #[test]
    fn five_values_have_no_95_percent_interval_and_fifteen_are_not_taken() {
        assert_eq!(
            SignFlip::of(&[0.1, 0.2, 0.3, 0.4, 0.5]).expect("five values").interval(0.95),
            None
        );
        assert_eq!(SignFlip::of(&[0.1; 15]), None);
        assert_eq!(SignFlip::of(&[0.1, f64::NAN]), None);
    }
}
