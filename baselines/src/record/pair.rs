//! One number of a pair: how much slower its head was, round by round.
//!
//! In: one series of each arm, and the rounds of the suite. Out: the median over rounds of ln(head ÷ base), each of the
//! medians of that round's samples.
//!
//! Why not the ratio of the two processes' medians: where something else on the machine comes or goes in the middle of a
//! pair, both processes have samples of two levels, and each median may fall on either; the two of one round were taken
//! within some tens of milliseconds of each other and met the same level.

use super::{Series, Suite};
use crate::quantile::median;

/// The log ratio of one pair, ln(head ÷ base).
///
/// # Errors
/// Why there is none: the two series do not match, or hold what has no logarithm.
pub fn pair_log_ratio(suite: &Suite, base: &Series, head: &Series) -> Result<f64, String> {
    let (base_n, head_n) = (iterations(base), iterations(head));
    // With one round there is nothing to line up: the medians of both series are compared, however long each is.
    if base_n != head_n && suite.rounds > 1 {
        return Err(format!("{base_n} iterations of the base, {head_n} of the head"));
    }
    let (mut base, mut head) =
        (base.samples.chunks(per_iteration(base)), head.samples.chunks(per_iteration(head)));
    let mut ratios = Vec::new();
    for round in 0..suite.rounds {
        let n = usize::try_from(suite.in_round(base_n.max(head_n), round)).unwrap_or(usize::MAX);
        let take = |arm: &mut std::slice::Chunks<'_, f64>| {
            let samples: Vec<f64> = arm.by_ref().take(n).flatten().copied().collect();
            median(&samples).map(libm::log)
        };
        // A workload of few iterations has none in some rounds.
        if let (Some(base), Some(head)) = (take(&mut base), take(&mut head)) {
            ratios.push(head - base);
        }
    }
    median(&ratios).ok_or_else(|| "no round of positive finite times in both arms".to_owned())
}

fn iterations(series: &Series) -> u64 {
    series.samples.len().div_ceil(per_iteration(series)) as u64
}

fn per_iteration(series: &Series) -> usize {
    usize::try_from(series.per_iteration).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(rounds: u64) -> Suite {
        Suite {
            name: "s".to_owned(),
            digest: crate::Digest::of(b""),
            rounds,
            workloads: Vec::new(),
            metrics: Vec::new(),
        }
    }

    fn series(per_iteration: u64, samples: &[f64]) -> Series {
        Series {
            workload: "w".to_owned(),
            metric: "m".to_owned(),
            per_iteration,
            samples: samples.to_vec(),
        }
    }

    #[test]
    fn a_change_of_level_in_the_middle_of_a_pair_cancels() {
        // The machine slows down by half after the second of three rounds (base) and within it (head).
        let base = series(1, &[100.0, 100.0, 100.0, 100.0, 150.0, 150.0]);
        let head = series(1, &[110.0, 110.0, 110.0, 165.0, 165.0, 165.0]);
        let got = pair_log_ratio(&suite(3), &base, &head).unwrap();
        assert!((got - 1.1_f64.ln()).abs() < 1e-12, "{got}");
        // The ratio of the medians, 137.5 ÷ 100, would have said + 37.5 %.
    }

    #[test]
    fn rounds_hold_whole_iterations() {
        // Two iterations of three samples, one in each of two rounds: medians 2 and 20 of the base, 4 and 10 of the head.
        let base = series(3, &[1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
        let head = series(3, &[4.0, 3.0, 5.0, 10.0, 9.0, 11.0]);
        let got = pair_log_ratio(&suite(2), &base, &head).unwrap();
        let want = (2.0_f64.ln() + 0.5_f64.ln()) / 2.0;
        assert!((got - want).abs() < 1e-12, "{got}");
    }

    #[test]
    fn a_single_iteration_in_ten_rounds_is_one_ratio() {
        let got = pair_log_ratio(&suite(10), &series(1, &[2.0]), &series(1, &[3.0])).unwrap();
        assert!((got - 1.5_f64.ln()).abs() < 1e-12, "{got}");
    }

    #[test]
    fn series_of_different_lengths_have_a_ratio_in_one_round_only() {
        let (base, head) = (series(1, &[1.0, 2.0, 3.0]), series(1, &[6.0, 2.0, 4.0, 4.0, 9.0]));
        let got = pair_log_ratio(&suite(1), &base, &head).unwrap();
        assert!((got - 2.0_f64.ln()).abs() < 1e-12, "{got}");
        assert!(pair_log_ratio(&suite(2), &base, &head).is_err());
    }

    #[test]
    fn arms_that_do_not_match_or_have_no_logarithm_are_errors() {
        let one = series(1, &[1.0, 2.0]);
        let error = pair_log_ratio(&suite(2), &one, &series(1, &[1.0])).unwrap_err();
        assert_eq!(error, "2 iterations of the base, 1 of the head");
        for bad in [f64::NAN, f64::INFINITY, 0.0] {
            let error = pair_log_ratio(&suite(2), &one, &series(1, &[bad, bad])).unwrap_err();
            assert!(error.starts_with("no round"), "{bad}: {error}");
        }
        assert!(pair_log_ratio(&suite(2), &series(1, &[]), &series(1, &[])).is_err());
    }
}
