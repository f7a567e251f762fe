//! The rule under replay: two margins, PASS tested first, all pairs at one look, one metric at a time.
//!
//! In: log ratios of pairs. Out: the decision, and whether the 95 % interval holds the truth "no difference". The
//! levels and margins are those of `docs/statistics.md`; the test is the one that gates use.

use super::rate::Tally;
use crate::stats::Location;

/// Slow-down that is nothing.
const NEGLIGIBLE: f64 = 1.01;
/// Slow-down that is too much.
const UNACCEPTABLE: f64 = 1.05;
/// One-sided level of PASS, against [`UNACCEPTABLE`].
const ALPHA_PASS: f64 = 0.05;
/// One-sided level of FAIL, against [`NEGLIGIBLE`].
pub(super) const ALPHA_FAIL: f64 = 0.01;

/// How often the rule passed, failed and covered 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    pub(super) pass: Tally,
    pub(super) fail: Tally,
    pub(super) covers: Tally,
}

impl Outcomes {
    /// Judges one comparison, and says whether it failed. `pairs` has at least two finite log ratios; else it does not
    /// count.
    pub(super) fn count(&mut self, pairs: &[f64]) -> bool {
        let Some(found) = Location::of_pairs(pairs) else { return false };
        let passes = found.p_below(UNACCEPTABLE.ln()) <= ALPHA_PASS;
        let fails = !passes && found.p_above(NEGLIGIBLE.ln()) <= ALPHA_FAIL;
        self.pass.count(passes);
        self.fail.count(fails);
        if let Some((low, high)) = found.interval_95() {
            self.covers.count(low <= 0.0 && 0.0 <= high);
        }
        fails
    }

    /// All of them together.
    pub(super) fn sum(parts: &[Self]) -> Self {
        parts.iter().fold(Self::default(), |sum, part| Self {
            pass: sum.pass.plus(part.pass),
            fail: sum.fail.plus(part.fail),
            covers: sum.covers.plus(part.covers),
        })
    }

    /// Neither passed nor failed.
    pub(super) const fn inconclusive(self) -> Tally {
        Tally { hits: self.pass.n - self.pass.hits - self.fail.hits, n: self.pass.n }
    }
}

/// ln(head ÷ base), first with first, second with second; every raw value of the head is first multiplied by `slowdown`.
pub(super) fn log_ratios(base: &[f64], head: &[f64], slowdown: f64) -> Vec<f64> {
    base.iter().zip(head).map(|(base, head)| (head * slowdown / base).ln()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Outcomes, Tally, log_ratios};

    /// Twenty pairs about `centre`, ±1 %.
    fn pairs(centre: f64) -> Vec<f64> {
        (0..20).map(|n| centre + if n % 2 == 0 { 0.01 } else { -0.01 }).collect()
    }

    #[test]
    fn each_truth_has_its_decision() {
        for (centre, want) in
            [(0.0, (1, 0, 1)), (0.025, (1, 0, 0)), (0.08, (0, 1, 0)), (0.012, (1, 0, 0))]
        {
            let mut outcomes = Outcomes::default();
            outcomes.count(&pairs(centre));
            let got = (outcomes.pass.hits, outcomes.fail.hits, outcomes.covers.hits);
            assert_eq!(got, want, "{centre}: {outcomes:?}");
            assert_eq!(outcomes.inconclusive().hits, 0);
        }
        // Eight times the noise about the middle between the margins: neither.
        let mut open = Outcomes::default();
        open.count(&pairs(0.03).iter().map(|pair| 0.03 + 8.0 * (pair - 0.03)).collect::<Vec<_>>());
        assert_eq!(Outcomes::sum(&[open, open]).inconclusive(), Tally { hits: 2, n: 2 });
    }

    #[test]
    fn a_comparison_of_nothing_does_not_count() {
        let mut outcomes = Outcomes::default();
        assert!(!outcomes.count(&[]) && !outcomes.count(&[f64::NAN, 0.1]));
        assert_eq!(outcomes, Outcomes::default());
    }

    #[test]
    fn ratios_pair_in_order_and_carry_the_slowdown() {
        let ratios = log_ratios(&[1.0, 2.0, 5.0], &[2.0, 2.0], 1.5);
        assert_eq!(ratios, [3.0_f64.ln(), 1.5_f64.ln()]);
    }
}
