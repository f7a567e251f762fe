//! The interval of a session's median over its processes: between two order statistics, whatever the distribution.
//!
//! In: process medians. Out: the narrowest symmetric pair of order statistics that holds the true median in at least 95 % of
//! sessions, and how often it does; the extremes where there are fewer than six. `P(x₍ₖ₎ ≤ m ≤ x₍ₙ₊₁₋ₖ₎) = 1 − 2·P(B < k)`, `B`
//! binomial of n and ½. Source: David & Nagaraja 2003, §7.1.

/// What at least it holds, where there are processes enough.
const COVERAGE: f64 = 0.95;

/// Bounds of a median.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower order statistic.
    pub low: f64,
    /// The upper one.
    pub high: f64,
    /// How often such an interval holds the true median; 0 of one process.
    pub coverage: f64,
}

/// The interval of the median of `values`; `None` without a value, or where one has no place in an order.
#[must_use]
pub fn interval(values: &[f64]) -> Option<Interval> {
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let (rank, coverage) = rank(values.len());
    Some(Interval { low: values[rank - 1], high: values[values.len() - rank], coverage })
}

/// The largest rank, from 1, whose two order statistics hold the median often enough, and how often they do; else 1.
fn rank(n: usize) -> (usize, f64) {
    #[expect(clippy::cast_precision_loss, reason = "a number of processes")]
    let nth = |n: usize| n as f64;
    // ln P(B = 0): as a number it would be 0 from a thousand processes on.
    let mut log_term = -nth(n) * std::f64::consts::LN_2;
    let mut below = libm::exp(log_term);
    let mut found = (1, 1.0 - 2.0 * below);
    for rank in 2..=n / 2 {
        log_term += libm::log(nth(n - rank + 2) / nth(rank - 1));
        below += libm::exp(log_term);
        let coverage = 1.0 - 2.0 * below;
        if coverage < COVERAGE {
            break;
        }
        found = (rank, coverage);
    }
    (found.0, found.1.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::{interval, rank};

    #[test]
    fn ranks_are_those_of_the_binomial() {
        // Python: 1 - 2 * sum(comb(n, i) for i in range(k)) / 2**n, the largest k that holds .95.
        let cases = [
            (1, 1, 0.0),
            (2, 1, 0.5),
            (5, 1, 0.9375),
            (6, 1, 0.96875),
            (9, 2, 0.9609375),
            (16, 4, 0.978729248046875),
            (40, 14, 0.961_522_691_715_799_7),
            (2_000, 956, 0.953_447_179_508_216_2),
        ];
        for (n, want, coverage) in cases {
            let (found, held) = rank(n);
            assert_eq!(found, want, "n {n}");
            assert!((held - coverage).abs() < 1e-9, "n {n}: {held}");
        }
    }

    #[test]
    fn the_interval_holds_the_median_as_often_as_it_says() {
        // A linear congruential generator (Knuth's MMIX) is even enough for a share of 4,000.
        let mut state = 1_u64;
        let mut draw = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(state >> 33).unwrap()) / f64::from(1_u32 << 31)
        };
        for n in [2, 5, 9, 16] {
            let mut held = 0_u32;
            let mut coverage = 0.0;
            for _ in 0..4_000 {
                let values: Vec<f64> = (0..n).map(|_| draw()).collect();
                let found = interval(&values).unwrap();
                coverage = found.coverage;
                held += u32::from(found.low <= 0.5 && 0.5 <= found.high);
            }
            let share = f64::from(held) / 4_000.0;
            assert!((share - coverage).abs() < 0.025, "n {n}: {share} is not {coverage}");
        }
    }

    #[test]
    fn one_value_is_its_own_interval_and_nan_has_none() {
        let one = interval(&[7.0]).unwrap();
        assert_eq!((one.low, one.high, one.coverage), (7.0, 7.0, 0.0));
        assert_eq!(interval(&[]), None);
        assert_eq!(interval(&[1.0, f64::NAN]), None);
    }
}
