//! What this machine could gate in so many minutes, computed from its noise: not measured, and said to be so.
//!
//! In: the spread of a pair as the test sees it, seconds a pair, the rule, margins. Out: pairs, and a slow-down.
//!
//! Looks lie where the policy's do, in proportion, the last at all the pairs that fit. The slow-down is the one that ends in
//! FAIL 9 times in 10 by then: the bound of FAIL, plus `(t_{1−α} + t_{0.9})·s ÷ √n` (`stats::power`). PASS is asked first,
//! so that it holds for a policy whose unacceptable margin is not greater.

use crate::{
    decision::{Margins, Rule},
    design::Design,
    stats::{power, yuen::as_f64},
};

/// Pairs of a session at most, as a policy may ask for.
const PAIRS_MAX: usize = 1_000;

/// The pairs that fit in `minutes`.
#[must_use]
pub fn pairs_within(minutes: f64, seconds_per_pair: f64) -> usize {
    let fit = minutes * 60.0 / seconds_per_pair;
    // Not a number, from a pair that took no time or none that is known, is no pair at all.
    (1..=PAIRS_MAX).rev().find(|pairs| as_f64(*pairs) <= fit).unwrap_or(0)
}

/// The least log ratio that ends in FAIL 9 times in 10 with `n_pairs`, in a family of `family`; `None` for fewer pairs than
/// the policy's first look.
///
/// `noise`: standard error of the test times the root of its pairs.
#[must_use]
pub fn smallest_slowdown(
    noise: f64,
    n_pairs: usize,
    rule: &Rule,
    margins: Margins,
    family: usize,
) -> Option<f64> {
    if n_pairs < rule.design.first().pairs || !noise.is_finite() {
        return None;
    }
    let last_of_policy = rule.design.last().pairs;
    let mut looks: Vec<usize> = rule
        .design
        .looks()
        .iter()
        .map(|look| (look.pairs * n_pairs / last_of_policy).max(1))
        .collect();
    looks.dedup();
    let levels =
        |level: fn(&crate::design::Look) -> f64| rule.design.looks().iter().map(level).sum::<f64>();
    let design = Design::new(&looks, levels(|look| look.pass), levels(|look| look.fail));
    let last = design.last();
    let level = rule.fail_level(last, family);
    let standard_error = noise / as_f64(n_pairs).sqrt();
    Some(rule.fail_bound(margins) + power::detectable_distance(standard_error, n_pairs, level))
}

#[cfg(test)]
mod tests {
    use super::{pairs_within, smallest_slowdown};
    use crate::{
        decision::{Margins, Rule},
        design::Design,
        policy::FailOn,
    };

    const MARGINS: Margins = Margins { m0: 0.009_950_330_853, m1: 0.048_790_164_169 };

    fn rule() -> Rule {
        Rule::new(Design::new(&[16, 24, 32, 40], 0.05, 0.01), FailOn::Standard)
    }

    #[test]
    fn pairs_fill_the_time_and_no_more() {
        assert_eq!(pairs_within(1.0, 1.0), 60);
        assert_eq!(pairs_within(1.0, 1.01), 59);
        assert_eq!(pairs_within(10_000.0, 0.5), 1_000);
        for seconds in [f64::NAN, f64::INFINITY, -1.0, 1e9] {
            assert_eq!(pairs_within(1.0, seconds), 0, "{seconds}");
        }
    }

    #[test]
    fn the_slowdown_at_the_policys_own_pairs_is_that_of_its_last_look() {
        // scipy 1.17.1: m0 + (t.isf(0.0060215, 23) + t.ppf(.9, 23)) * 0.04 / sqrt(40); 40 pairs keep 24.
        let found = smallest_slowdown(0.04, 40, &rule(), MARGINS, 1).unwrap();
        assert!((found - 0.035_536_656_5).abs() < 1e-8, "{found}");
    }

    #[test]
    fn more_pairs_see_less_and_a_family_sees_less_well() {
        let at = |pairs, family| smallest_slowdown(0.04, pairs, &rule(), MARGINS, family).unwrap();
        assert!(at(16, 1) > at(40, 1) && at(40, 1) > at(600, 1) && at(600, 1) > MARGINS.m0);
        assert!(at(40, 8) > at(40, 1));
    }

    #[test]
    fn too_few_pairs_or_no_noise_known_gate_nothing() {
        assert_eq!(smallest_slowdown(0.04, 15, &rule(), MARGINS, 1), None);
        assert_eq!(smallest_slowdown(f64::NAN, 40, &rule(), MARGINS, 1), None);
        let silent = smallest_slowdown(0.0, 40, &rule(), MARGINS, 1).unwrap();
        assert!((silent - MARGINS.m0).abs() < 1e-15, "without spread the bound itself is seen");
    }
}
