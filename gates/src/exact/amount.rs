//! An amount per iteration, as the fraction that was counted, and the bound an increase may reach, without rounding.
//!
//! In: a total and the iterations it is of. Out: comparisons in whole numbers of 128 bits; `None` where even those overflow,
//! which no machine can count up to.

use std::fmt;

/// So many parts make a whole: the grain of `max_increase`.
const PARTS: u128 = 1_000_000;

/// A total over a number of iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// What was counted.
    pub total: u64,
    /// Over so many iterations, at least 1.
    pub iterations: u64,
}

impl Amount {
    /// A size: one value, not counted over iterations.
    pub(super) const fn once(total: u64) -> Self {
        Self { total, iterations: 1 }
    }

    /// Per iteration, rounded to a double.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "for people and documents; verdicts use the fraction"
    )]
    pub fn per_iteration(self) -> f64 {
        self.total as f64 / self.iterations as f64
    }

    /// Whether both are the same per iteration.
    pub(super) fn equals(self, other: Self) -> bool {
        self.scaled(other.iterations) == other.scaled(self.iterations)
    }

    /// Whether this is less than `other` per iteration.
    pub(super) fn is_less_than(self, other: Self) -> bool {
        self.scaled(other.iterations) < other.scaled(self.iterations)
    }

    /// Whether this is at most `base` and `increase` (a share) more, both per iteration; `None` if the products overflow.
    pub(super) fn is_within(self, base: Self, increase: f64) -> Option<bool> {
        let found = self.scaled(base.iterations).checked_mul(PARTS)?;
        let allowed = base.scaled(self.iterations).checked_mul(PARTS + parts(increase))?;
        Some(found <= allowed)
    }

    fn scaled(self, by: u64) -> u128 {
        u128::from(self.total) * u128::from(by)
    }
}

/// A share in millionths; the policy holds it between 0 and 10.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10 million")]
fn parts(share: f64) -> u128 {
    (share.clamp(0.0, 10.0) * 1e6).round() as u128
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.iterations > 0 && self.total.is_multiple_of(self.iterations) {
            return write!(f, "{}", self.total / self.iterations);
        }
        write!(f, "{} ÷ {}", self.total, self.iterations)
    }
}

#[cfg(test)]
mod tests {
    use super::Amount;

    #[test]
    fn an_increase_is_held_to_its_bound_without_rounding() {
        let of = |total, iterations| Amount { total, iterations };
        // 100 · 1.15 is 114.99999999999999 in doubles.
        assert_eq!(of(115, 1).is_within(of(100, 1), 0.15), Some(true));
        assert_eq!(of(116, 1).is_within(of(100, 1), 0.15), Some(false));
        assert_eq!(of(u64::MAX, 1).is_within(of(u64::MAX - 1, 1), 0.0), Some(false));
        // 30 in 3 iterations are 10, as are 50 in 5; 51 in 5 are more.
        assert_eq!(of(50, 5).is_within(of(30, 3), 0.0), Some(true));
        assert_eq!(of(51, 5).is_within(of(30, 3), 0.0), Some(false));
        assert!(of(50, 5).equals(of(30, 3)) && of(49, 5).is_less_than(of(30, 3)));
        // From nothing, nothing follows.
        assert_eq!(of(1, 1).is_within(of(0, 1), 10.0), Some(false));
        assert_eq!(of(u64::MAX, u64::MAX).is_within(of(u64::MAX, u64::MAX), 0.0), None);
    }

    #[test]
    fn a_whole_number_reads_as_one() {
        assert_eq!(Amount { total: 30, iterations: 3 }.to_string(), "10");
        assert_eq!(Amount { total: 31, iterations: 3 }.to_string(), "31 ÷ 3");
    }
}
