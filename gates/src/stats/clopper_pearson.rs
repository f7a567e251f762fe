//! The exact interval of a share: rates that no truth outside of it would show, 2.5 % on each side.
//!
//! In: hits, trials. Out: both ends. Source: Clopper & Pearson 1934, by the quantiles of the beta distribution.

use statrs::function::beta::beta_reg;

/// The two-sided 95 % interval of `hits` in `n`; all of `[0, 1]` for `n = 0`.
#[must_use]
pub fn interval_95(hits: u64, n: u64) -> (f64, f64) {
    const TAIL: f64 = 0.025;
    if n == 0 || hits > n {
        return (0.0, 1.0);
    }
    let (hits, misses) = (as_f64(hits), as_f64(n - hits));
    let low = if hits > 0.0 { beta_quantile(TAIL, hits, misses + 1.0) } else { 0.0 };
    let high = if misses > 0.0 { beta_quantile(1.0 - TAIL, hits + 1.0, misses) } else { 1.0 };
    (low, high)
}

/// By bisection on the regularised incomplete beta function: as exact as the function itself.
fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if beta_reg(a, b, middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::interval_95;

    #[test]
    fn ends_are_those_of_scipy() {
        // scipy 1.17.1: binomtest(k, n).proportion_ci(0.95, method="exact").
        for (hits, n, low, high) in [
            (0, 200, 0.0, 0.018_275_340_4),
            (1, 200, 0.000_126_581_0, 0.027_541_898_5),
            (38, 40, 0.830_803_136_0, 0.993_886_353_4),
            (200, 200, 0.981_724_659_6, 1.0),
            (1, 1212, 2.088_906_233_6e-5, 0.004_588_404_844),
            (1131, 1212, 0.917_616_073_322, 0.946_575_158_191),
            (73, 10_000, 0.005_726_273_3, 0.009_170_022_4),
        ] {
            let (got_low, got_high) = interval_95(hits, n);
            assert!((got_low - low).abs() < 1e-8, "{hits}/{n}: {got_low} is not {low}");
            assert!((got_high - high).abs() < 1e-8, "{hits}/{n}: {got_high} is not {high}");
        }
    }

    #[test]
    fn no_trial_says_nothing() {
        assert_eq!(interval_95(0, 0), (0.0, 1.0));
        assert_eq!(interval_95(3, 2), (0.0, 1.0));
    }
}
