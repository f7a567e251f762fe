//! Yuen's comparison of two independent groups: trimmed means, winsorised variances, Welch's degrees of freedom.
//!
//! In: logs of process medians of two records that share no session. Out: difference, standard error, degrees of freedom.
//! Source: Yuen 1974, the unequal-variance form.

use super::yuen::{as_f64, mean, n_cut, winsorised_variance};

/// `mean(b) − mean(a)`, both trimmed by 20 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct YuenWelch {
    /// Difference of the trimmed means.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Welch's degrees of freedom; 1 where neither group has any spread.
    pub df: f64,
}

impl YuenWelch {
    /// Compares `b` with `a`; `None` where one of them has fewer than two values or one that is not finite.
    #[must_use]
    pub fn of(a: &[f64], b: &[f64]) -> Option<Self> {
        let (a, b) = (Group::of(a)?, Group::of(b)?);
        let variance = a.variance + b.variance;
        let spread = a.variance.powi(2) / a.df + b.variance.powi(2) / b.df;
        Some(Self {
            estimate: b.mean - a.mean,
            standard_error: variance.sqrt(),
            df: if spread > 0.0 { variance.powi(2) / spread } else { 1.0 },
        })
    }
}

/// One group: its trimmed mean, the variance of that mean, degrees of freedom.
struct Group {
    mean: f64,
    variance: f64,
    df: f64,
}

impl Group {
    fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n < 2 || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let cut = n_cut(n);
        let kept = &sorted[cut..n - cut];
        let (h, df) = (as_f64(kept.len()), as_f64(kept.len() - 1));
        let variance = as_f64(n - 1) * winsorised_variance(&sorted, cut) / (h * df);
        Some(Self { mean: mean(kept), variance, df })
    }
}
