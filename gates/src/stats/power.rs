//! What a test could see: the effect it would find 9 times in 10, and the pairs that would decide an open question.
//!
//! In: standard error at `n` pairs, levels, margins. Out: log ratios and pair counts.
//!
//! By the usual approximation of the noncentral t: an effect `δ` beyond a bound is found with power `1 − β` where
//! `δ = (t_{1−α} + t_{1−β}) · se`. `validate` measures the power it promises.

use super::{
    student,
    yuen::{as_f64, n_cut},
};

/// Power at the effects and counts printed.
pub const POWER: f64 = 0.9;

/// More pairs than this are no answer a person can use.
pub const MAX_PAIRS: u32 = 10_000;

/// The distance beyond a bound that a one-sided test at `alpha` finds with 90 % power, `n` pairs, standard error `se`.
#[must_use]
pub fn detectable_distance(se: f64, n: usize, alpha: f64) -> f64 {
    if se <= 0.0 {
        return 0.0;
    }
    let df = df(n);
    (student::quantile(1.0 - alpha, df) + student::quantile(POWER, df)) * se
}

/// The fewest pairs, above `n`, at which a truth equal to the estimate is decided with 90 % power.
///
/// As PASS if it lies `below_m1` under the unacceptable margin, or as FAIL if it lies `above_m0` over the negligible one.
/// `None` if it takes more than [`MAX_PAIRS`].
#[must_use]
pub fn pairs_needed(se: f64, n: usize, below_m1: (f64, f64), above_m0: (f64, f64)) -> Option<u32> {
    let spread = se * as_f64(n).sqrt();
    let decides = |pairs: usize, (distance, alpha): (f64, f64)| {
        distance > 0.0
            && detectable_distance(spread / as_f64(pairs).sqrt(), pairs, alpha) <= distance
    };
    // The distance falls with every pair but where the trim steps, so the first power of two is only a bracket.
    let decided = |pairs: u32| {
        let pairs = pairs as usize;
        decides(pairs, below_m1) || decides(pairs, above_m0)
    };
    let first = u32::try_from(n).ok()?.saturating_add(1).max(2);
    let mut low = first;
    let mut high = first;
    while !decided(high) {
        if high >= MAX_PAIRS {
            return None;
        }
        low = high + 1;
        high = high.saturating_mul(2).min(MAX_PAIRS);
    }
    while low < high {
        let middle = low.midpoint(high);
        if decided(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

/// Degrees of freedom of Yuen's test of `n` pairs.
fn df(n: usize) -> f64 {
    as_f64((n - 2 * n_cut(n)).max(2) - 1)
}

#[cfg(test)]
mod tests {
    use super::{detectable_distance, pairs_needed};

    #[test]
    fn a_gap_of_one_pair_sd_needs_about_a_dozen_pairs() {
        // (1.645 + 1.282)² ≈ 8.6 pairs on normal quantiles; t quantiles at few degrees of freedom and the trim add some.
        let spread: f64 = 0.04;
        let needed = pairs_needed(spread / 4.0_f64.sqrt(), 4, (0.04, 0.05), (-1.0, 0.01))
            .expect("it can be decided");
        assert!((9..=14).contains(&needed), "{needed}");
    }

    #[test]
    fn the_count_is_the_fewest_that_decides() {
        let (se, n) = (0.02, 16);
        let needed = pairs_needed(se, n, (0.02, 0.05), (0.02, 0.01)).expect("it can be decided");
        let distance = |pairs: u32| {
            detectable_distance(se * 4.0 / f64::from(pairs).sqrt(), pairs as usize, 0.05)
        };
        assert!(distance(needed) <= 0.02 && distance(needed - 1) > 0.02, "{needed}");
    }

    #[test]
    fn an_estimate_on_both_margins_can_never_be_decided() {
        assert_eq!(pairs_needed(0.02, 16, (0.0, 0.05), (0.0, 0.01)), None);
        assert_eq!(pairs_needed(0.5, 16, (1e-6, 0.05), (0.0, 0.01)), None);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "no spread detects any distance")]
    fn without_spread_every_effect_is_seen() {
        assert_eq!(detectable_distance(0.0, 16, 0.01), 0.0);
        assert_eq!(pairs_needed(0.0, 16, (0.01, 0.05), (0.0, 0.01)), Some(17));
    }
}
