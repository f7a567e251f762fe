//! Wilson's score bound for a proportion: right near 0 and 1, where the textbook interval is not.
//! In: successes of trials. Out: the one-sided lower bound. Source: Wilson 1927.

/// The 95 % quantile of the standard normal distribution: one-sided, since only "too low" can break a budget.
const Z_95: f64 = 1.644_853_626_951_472_7;

/// The lower 95 % bound of the proportion; `None` without trials or with more successes than trials.
#[must_use]
pub fn lower_95(successes: u64, trials: u64) -> Option<f64> {
    if trials == 0 || successes > trials {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "positions scored are far below 2^53")]
    let (k, n) = (successes as f64, trials as f64);
    let (share, z2) = (k / n, Z_95 * Z_95);
    let centre = share + z2 / (2.0 * n);
    let half_width = Z_95 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    Some((centre - half_width) / (1.0 + z2 / n))
}

#[cfg(test)]
mod tests {
    use super::lower_95;

    #[test]
    fn the_bound_is_that_of_the_reference() {
        // scipy 1.17.1: binomtest(k, n, alternative="greater").proportion_ci(.95, "wilson").low; see tests/data.
        for (successes, trials, want) in [
            (6954, 7000, 0.991_638_377_046_754_5),
            (7000, 7000, 0.999_613_643_121_604_1),
            (1, 2, 0.120_866_319_422_273_66),
        ] {
            let got = lower_95(successes, trials).expect("within range");
            assert!((got - want).abs() < 1e-9, "{successes}/{trials}: {got} is not {want}");
        }
    }

    #[test]
    fn nothing_scored_has_no_bound() {
        assert_eq!(lower_95(0, 0), None);
        assert_eq!(lower_95(3, 2), None);
    }
}
