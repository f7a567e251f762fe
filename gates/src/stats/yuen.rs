//! Yuen's trimmed mean of one sample: a mean that a straggler cannot move, with its standard error.
//!
//! In: paired log ratios. Out: estimate, standard error, degrees of freedom. Source: Yuen 1974; Wilcox 2012, §4.3.

/// Share cut from each end.
pub const TRIM: f64 = 0.2;

/// The 20 % trimmed mean of `n` values and what its test needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Yuen {
    /// Values.
    pub n: usize,
    /// Values kept: `n − 2·floor(0.2·n)`.
    pub kept: usize,
    /// Mean of the values kept.
    pub estimate: f64,
    /// Winsorised standard deviation ÷ (0.6·√n).
    pub standard_error: f64,
}

impl Yuen {
    /// Trimmed mean of `values`; `None` for fewer than two, or if one is not finite.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n < 2 || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let cut = n_cut(n);
        let kept = &sorted[cut..n - cut];
        let variance = winsorised_variance(&sorted, cut);
        Some(Self {
            n,
            kept: kept.len(),
            estimate: mean(kept),
            standard_error: variance.sqrt() / ((1.0 - 2.0 * TRIM) * as_f64(n).sqrt()),
        })
    }

    /// Degrees of freedom: values kept, less one.
    #[must_use]
    pub fn df(&self) -> f64 {
        as_f64(self.kept - 1)
    }
}

/// Values cut from each end of `n`: `floor(0.2·n)`, in whole numbers so that no rounding can move it.
#[must_use]
pub const fn n_cut(n: usize) -> usize {
    n / 5
}

/// Sample variance after the `cut` lowest and highest values are set to their neighbours. `sorted` has at least two.
#[must_use]
pub fn winsorised_variance(sorted: &[f64], cut: usize) -> f64 {
    let n = sorted.len();
    let (low, high) = (sorted[cut], sorted[n - 1 - cut]);
    let winsorised: Vec<f64> = sorted.iter().map(|value| value.clamp(low, high)).collect();
    let centre = mean(&winsorised);
    winsorised.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / as_f64(n - 1)
}

/// Mean, taken about the first value: equal values then have exactly that mean, and no spread.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values[0] + values.iter().map(|value| value - values[0]).sum::<f64>() / as_f64(values.len())
}

#[expect(clippy::cast_precision_loss, reason = "counts of pairs and samples are far below 2^53")]
pub(crate) const fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::Yuen;

    #[test]
    fn equal_values_have_no_standard_error_at_all() {
        let yuen = Yuen::of(&[0.1; 16]).expect("sixteen finite values");
        assert_eq!((yuen.estimate, yuen.standard_error, yuen.kept), (0.1, 0.0, 10));
    }

    #[test]
    fn a_straggler_does_not_move_the_estimate() {
        let mut values = [
            0.01, -0.01, 0.02, -0.02, 0.0, 0.01, -0.01, 0.0, 0.02, -0.02, 0.0, 0.01, -0.01, 0.0,
            0.0, 0.0,
        ];
        let quiet = Yuen::of(&values).expect("finite");
        values[8] = 5.0;
        let loud = Yuen::of(&values).expect("finite");
        assert!((loud.estimate - quiet.estimate).abs() < 1e-12, "{loud:?} {quiet:?}");
        assert!(loud.standard_error <= quiet.standard_error * 1.0001);
    }

    #[test]
    fn one_value_and_nan_have_no_trimmed_mean() {
        assert_eq!(Yuen::of(&[0.1]), None);
        assert_eq!(Yuen::of(&[0.1, f64::NAN, 0.2]), None);
    }
}
