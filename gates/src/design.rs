//! The test design: at how many pairs the evidence is looked at, and how much of each error rate a look may spend.
//!
//! In: the policy's looks and levels. Out: the one-sided levels of PASS and FAIL at each look. Source: Lan & `DeMets` 1983,
//! the spending function shaped like the bounds of O'Brien & Fleming 1979.
//!
//! Up to the share `t = n ÷ n_last` of its pairs a session may spend `2·(1 − Φ(z_{1−α/2} ÷ √t))`: next to nothing early, all
//! of α at the last look. What a look spends beyond the one before it is used as a plain level there. The levels then sum
//! to α, so that the error rate holds however the looks depend on each other.

use statrs::distribution::{ContinuousCDF as _, Normal};

use crate::stats::yuen::as_f64;

/// One look: its number of pairs, and its shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Pairs at which the evidence is looked at.
    pub pairs: usize,
    /// One-sided level of the PASS test here, for each metric.
    pub pass: f64,
    /// One-sided level of the FAIL test here, for the whole gated family.
    pub fail: f64,
}

/// The looks of a session, in order; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    looks: Vec<Look>,
}

impl Design {
    /// Looks at these rising numbers of pairs that spend all of both levels by the last.
    ///
    /// # Panics
    /// If `pairs` is empty or does not rise: the policy's reader refuses both.
    #[must_use]
    pub fn new(pairs: &[usize], alpha_pass: f64, alpha_fail: f64) -> Self {
        assert!(pairs.is_sorted_by(|a, b| a < b), "looks rise: {pairs:?}");
        let n_last = as_f64(*pairs.last().expect("a design has a look"));
        let (mut spent_pass, mut spent_fail) = (0.0, 0.0);
        let look = |pairs: &usize| {
            let share = as_f64(*pairs) / n_last;
            let (pass, fail) = (spent(alpha_pass, share), spent(alpha_fail, share));
            let look = Look { pairs: *pairs, pass: pass - spent_pass, fail: fail - spent_fail };
            (spent_pass, spent_fail) = (pass, fail);
            look
        };
        Self { looks: pairs.iter().map(look).collect() }
    }

    /// These looks as they are: for rules that are shown to be wrong.
    #[must_use]
    pub(crate) fn of_looks(looks: Vec<Look>) -> Self {
        Self { looks }
    }

    /// All looks, in order.
    #[must_use]
    pub fn looks(&self) -> &[Look] {
        &self.looks
    }

    /// The first look.
    #[must_use]
    pub fn first(&self) -> Look {
        self.looks[0]
    }

    /// The last look.
    #[must_use]
    pub fn last(&self) -> Look {
        self.looks[self.looks.len() - 1]
    }
}

/// What of `alpha` may be spent by the share `t` of the pairs; all of it, to the bit, at the end.
fn spent(alpha: f64, t: f64) -> f64 {
    if t >= 1.0 {
        return alpha;
    }
    let normal = Normal::standard();
    2.0 * normal.sf(normal.inverse_cdf(1.0 - alpha / 2.0) / t.sqrt())
}

#[cfg(test)]
mod tests {
    use super::Design;

    #[test]
    fn shares_are_those_of_the_spending_function() {
        // scipy 1.17.1: z = norm.isf(alpha / 2); diff of 2 * norm.sf(z / sqrt(n / 40)) over n = 16, 24, 32, 40.
        let design = Design::new(&[16, 24, 32, 40], 0.05, 0.01);
        let fail = [4.646_253_78e-5, 8.365_142_50e-4, 3.095_481_72e-3, 6.021_541_49e-3];
        let pass = [0.001_941_91, 0.009_454_51, 0.017_033_21, 0.021_570_37];
        for (look, (fail, pass)) in design.looks().iter().zip(fail.into_iter().zip(pass)) {
            assert!((look.fail / fail - 1.0).abs() < 1e-6, "{look:?} is not {fail}");
            assert!((look.pass - pass).abs() < 1e-8, "{look:?} is not {pass}");
        }
    }

    #[test]
    fn the_levels_of_all_looks_sum_to_alpha() {
        for looks in [&[16][..], &[16, 40], &[6, 7, 100], &[16, 24, 32, 40]] {
            let design = Design::new(looks, 0.05, 0.01);
            let sum =
                |level: fn(&super::Look) -> f64| design.looks().iter().map(level).sum::<f64>();
            assert!((sum(|look| look.pass) - 0.05).abs() < 1e-15, "{looks:?}");
            assert!((sum(|look| look.fail) - 0.01).abs() < 1e-15, "{looks:?}");
        }
    }

    #[test]
    fn a_single_look_spends_everything() {
        let look = Design::new(&[16], 0.05, 0.01).first();
        assert_eq!((look.pairs, look.pass, look.fail), (16, 0.05, 0.01));
    }
}
