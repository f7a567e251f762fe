//! A rate with its exact interval, and the exact interval of a median.
//! In: hits of trials. Out: the share and its two-sided 95 % interval.

use statrs::function::beta::beta_reg;

use crate::stats::clopper_pearson;

/// Probability left out at each end.
const TAIL: f64 = 0.025;

/// Hits of trials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) hits: u64,
    pub(super) n: u64,
}

impl Tally {
    /// One more trial.
    pub(super) fn count(&mut self, hit: bool) {
        self.n += 1;
        self.hits += u64::from(hit);
    }

    /// Both together.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self { hits: self.hits + other.hits, n: self.n + other.n }
    }

    /// 0 without trials.
    pub(super) fn share(self) -> f64 {
        if self.n == 0 { 0.0 } else { as_f64(self.hits) / as_f64(self.n) }
    }

    /// All of `[0, 1]` without trials.
    pub(super) fn interval_95(self) -> (f64, f64) {
        clopper_pearson::interval_95(self.hits, self.n)
    }
}

/// The largest rank `r` (from 1) at which the `r`-th smallest of `n` values is a lower 97.5 % bound of their median:
/// `P(Binomial(n, ½) < r) ≤ 2.5 %`. `None` below 6 values. Source: Conover 1999, §3.2.
pub(super) fn median_rank(n: usize) -> Option<usize> {
    let below = |r: usize| beta_reg(count(n - r + 1), count(r), 0.5);
    if n == 0 || below(1) > TAIL {
        return None;
    }
    let (mut holds, mut fails) = (1, n);
    while fails - holds > 1 {
        let middle = holds.midpoint(fails);
        if below(middle) <= TAIL {
            holds = middle;
        } else {
            fails = middle;
        }
    }
    Some(holds)
}

#[expect(clippy::cast_precision_loss, reason = "counts of comparisons are far below 2^53")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^53")]
const fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::median_rank;

    #[test]
    fn ranks_of_the_median_are_those_of_the_reference() {
        // scipy 1.17.1: the least r with binom.cdf(r, n, .5) > .025 is the number of values left out below the bound.
        for (n, rank) in [(6, 1), (10, 2), (101, 41), (2149, 1029)] {
            assert_eq!(median_rank(n), Some(rank), "{n}");
        }
        assert_eq!((median_rank(0), median_rank(5)), (None, None));
    }
}
