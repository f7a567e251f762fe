//! How often something happened in comparisons that were run, and what may be demanded of so few.
//!
//! In: hits, trials. Out: the exact interval; whether a demand holds. Sources: Clopper & Pearson 1934; the exact binomial test.

use statrs::function::beta::beta_reg;

use crate::stats::clopper_pearson;

/// A chance below which a count is not put down to chance.
const IMPLAUSIBLE: f64 = 0.05;

/// Hits of trials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Comparisons in which it happened.
    pub hits: u64,
    /// Comparisons.
    pub n: u64,
}

impl Rate {
    /// Of a yes or no for each comparison.
    pub(super) fn of(hits: impl IntoIterator<Item = bool>) -> Self {
        let count = |rate: Self, hit| Self { hits: rate.hits + u64::from(hit), n: rate.n + 1 };
        hits.into_iter().fold(Self::default(), count)
    }

    /// The exact two-sided 95 % interval; all of `[0, 1]` without comparisons.
    #[must_use]
    pub fn interval_95(self) -> (f64, f64) {
        clopper_pearson::interval_95(self.hits, self.n)
    }
}

/// What is demanded of a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Demand {
    /// No more hits than a true rate of this makes plausible: such a rate gives as many in more than 1 run of 20.
    Plausible(f64),
    /// At least this share.
    AtLeast(f64),
}

impl Demand {
    /// Whether it is met. What was not measured is not met.
    #[must_use]
    pub fn holds(self, rate: Rate) -> bool {
        let bound = self.bound(rate.n);
        rate.n > 0
            && match self {
                Self::Plausible(_) => rate.hits <= bound,
                Self::AtLeast(_) => rate.hits >= bound,
            }
    }

    /// Hits of `n` on its edge.
    #[must_use]
    pub fn bound(self, n: u64) -> u64 {
        match self {
            Self::Plausible(rate) => plausible_hits(n, rate),
            Self::AtLeast(share) => {
                let enough = |hits: &u64| as_f64(*hits) >= share * as_f64(n);
                (0..n).find(enough).unwrap_or(n)
            }
        }
    }

    /// In words, of `n` comparisons.
    #[must_use]
    pub fn text(self, n: u64) -> String {
        let sign = if matches!(self, Self::Plausible(_)) { '≤' } else { '≥' };
        format!("{sign} {} of {n}", self.bound(n))
    }
}

/// The most hits in `n` that a true rate of `rate` still gives, or exceeds, with a chance of more than 1 in 20.
#[must_use]
pub fn plausible_hits(n: u64, rate: f64) -> u64 {
    // P(hits ≥ k) of a binomial is a regularised incomplete beta function.
    let or_more = |hits: u64| beta_reg(as_f64(hits), as_f64(n - hits + 1), rate);
    (1..=n).take_while(|hits| or_more(*hits) > IMPLAUSIBLE).last().unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of comparisons are far below 2^53")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::{Demand, Rate, plausible_hits};

    #[test]
    fn plausible_counts_are_those_of_the_reference() {
        // scipy 1.17.1: the greatest k with binom.sf(k - 1, n, p) > 0.05; sf(4, 200, .01) is 0.0517, sf(5, 200, .01) 0.0160.
        for (n, rate, most) in [
            (200, 0.01, 5),
            (5, 0.01, 0),
            (6, 0.01, 1),
            (100, 0.01, 3),
            (1_000, 0.01, 15),
            (0, 0.01, 0),
        ] {
            assert_eq!(plausible_hits(n, rate), most, "{n} at {rate}");
        }
    }

    #[test]
    fn a_demand_is_met_on_its_edge_and_not_beyond() {
        let holds = |demand: Demand, hits, n| demand.holds(Rate { hits, n });
        assert!(holds(Demand::Plausible(0.01), 5, 200) && !holds(Demand::Plausible(0.01), 6, 200));
        assert!(holds(Demand::AtLeast(0.95), 38, 40) && !holds(Demand::AtLeast(0.95), 37, 40));
        assert!(holds(Demand::AtLeast(0.95), 2, 2) && !holds(Demand::AtLeast(0.95), 1, 2));
        assert_eq!(Demand::AtLeast(0.95).text(40), "≥ 38 of 40");
        assert_eq!(Demand::Plausible(0.01).text(200), "≤ 5 of 200");
    }

    #[test]
    fn what_was_not_measured_meets_nothing() {
        for demand in [Demand::Plausible(0.01), Demand::AtLeast(0.95)] {
            assert!(!demand.holds(Rate::default()), "{demand:?}");
        }
        assert_eq!(Rate::default().interval_95(), (0.0, 1.0));
    }
}
