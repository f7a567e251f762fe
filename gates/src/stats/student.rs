//! Student's t distribution: tails and quantiles, with the case of no spread at all decided, not divided by.
//!
//! In: a statistic or probability, degrees of freedom. Out: a probability or statistic. Source: statrs.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

fn distribution(df: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, df)
        .expect("degrees of freedom are positive: callers hold at least two values")
}

/// The quantile of `p` in `(0, 1)`, by bisection on the tail: as exact as the tail itself.
#[must_use]
pub fn quantile(p: f64, df: f64) -> f64 {
    if p < 0.5 {
        return -quantile(1.0 - p, df);
    }
    let t = distribution(df);
    let upper_tail = 1.0 - p;
    let mut low = 0.0;
    let mut high = 1.0;
    while t.sf(high) > upper_tail {
        high *= 2.0;
    }
    // 2^-60 of the bracket is below one unit in the last place of the answer.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if t.sf(middle) > upper_tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// One-sided p of an estimate lying above `bound`: small means that "the truth is ≤ `bound`" is rejected.
/// Without spread the estimate is the truth: p is 0 above the bound, else 1.
#[must_use]
pub fn p_above(estimate: f64, bound: f64, standard_error: f64, df: f64) -> f64 {
    if standard_error > 0.0 {
        return distribution(df).sf((estimate - bound) / standard_error);
    }
    if estimate > bound { 0.0 } else { 1.0 }
}

/// One-sided p of an estimate lying below `bound`: small means that "the truth is ≥ `bound`" is rejected.
#[must_use]
pub fn p_below(estimate: f64, bound: f64, standard_error: f64, df: f64) -> f64 {
    p_above(-estimate, -bound, standard_error, df)
}

#[cfg(test)]
mod tests {
    use super::{p_above, p_below, quantile};

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // scipy 1.17.1: t.ppf(p, df).
        for (p, df, want) in [
            (0.975, 9.0, 2.262_157_162_798_205),
            (0.95, 9.0, 1.833_112_932_656_237),
            (0.99, 1.0, 31.820_515_953_773_935),
            (0.025, 30.0, -2.042_272_456_301_238),
        ] {
            let got = quantile(p, df);
            assert!((got - want).abs() < 1e-8 * want.abs(), "p={p} df={df}: {got} is not {want}");
        }
    }

    #[test]
    fn the_two_tails_of_one_bound_sum_to_one() {
        let (above, below) = (p_above(0.3, 0.1, 0.2, 7.0), p_below(0.3, 0.1, 0.2, 7.0));
        assert!((above + below - 1.0).abs() < 1e-12);
        assert!(above < below);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "0 and 1 are exact")]
    fn no_spread_is_decided_without_a_division() {
        assert_eq!(p_above(0.2, 0.1, 0.0, 9.0), 0.0);
        assert_eq!(p_above(0.1, 0.1, 0.0, 9.0), 1.0);
        assert_eq!(p_below(0.0, 0.1, 0.0, 9.0), 0.0);
        assert_eq!(p_below(0.1, 0.1, 0.0, 9.0), 1.0);
    }
}
