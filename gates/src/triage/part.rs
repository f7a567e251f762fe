//! A change with its interval: of the whole, of a span, of what is left.
//!
//! In: of each pair the difference head − base and the base's whole. Out: the mean over pairs, as a share of the base's whole,
//! with an interval that holds for all parts of a table at once (Bonferroni over Student's t). Shares rather than nanoseconds,
//! because a pair in a slow minute of the machine has larger differences, in the same proportion.

use crate::stats::{
    student,
    yuen::{as_f64, mean},
};

/// How sure all intervals of one table are together.
pub(super) const CONFIDENCE: f64 = 0.95;

/// A change of one time, as shares of the base's whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The base's time, nanoseconds.
    pub base_ns: f64,
    /// The head's.
    pub head_ns: f64,
    /// Mean of (head − base) ÷ the base's whole, over pairs.
    pub share: f64,
    /// Bounds of that mean.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Change {
    /// Of pairs: `(base, head, whole of the base)` each, all in nanoseconds. `n_intervals` hold together. `None` with fewer
    /// than two pairs.
    pub(super) fn of(pairs: &[(f64, f64, f64)], n_intervals: usize) -> Option<Self> {
        if pairs.len() < 2 {
            return None;
        }
        let shares: Vec<f64> =
            pairs.iter().map(|(base, head, whole)| (head - base) / whole).collect();
        let share = mean(&shares);
        let n = as_f64(shares.len());
        let squares: f64 = shares.iter().map(|value| (value - share) * (value - share)).sum();
        let error = (squares / (n - 1.0) / n).sqrt();
        let p = 1.0 - (1.0 - CONFIDENCE) / 2.0 / as_f64(n_intervals.max(1));
        let width = student::quantile(p, n - 1.0) * error;
        let all =
            |read: fn(&(f64, f64, f64)) -> f64| mean(&pairs.iter().map(read).collect::<Vec<f64>>());
        Some(Self {
            base_ns: all(|pair| pair.0),
            head_ns: all(|pair| pair.1),
            share,
            low: share - width,
            high: share + width,
        })
    }

    /// Whether the interval lies on one side of zero.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// One line of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Name of the span; `(outside of spans)` of what no span covers.
    pub name: String,
    /// What it does.
    pub about: &'static str,
    /// Kernels of its products, base then head, each once; empty without products.
    pub kernels: [Vec<String>; 2],
    /// Its change.
    pub change: Change,
    /// Its part of the whole change; `None` where that is not sure.
    pub of_whole: Option<f64>,
    /// How it grows with the position in the sequence, where there are positions: nanoseconds a position, as a change of
    /// slopes. Its shares are of the base's whole.
    pub growth: Option<Change>,
    /// What else changed about it, each with its numbers.
    pub evidence: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Differences 1, 2, 3 of a whole of 100: mean 0.02, standard error 0.01 ÷ √3, t(0.975, 2) = 4.3026527.
    #[test]
    fn the_interval_is_students() {
        let pairs = [(10.0, 11.0, 100.0), (10.0, 12.0, 100.0), (10.0, 13.0, 100.0)];
        let change = Change::of(&pairs, 1).unwrap();
        let width = 4.302_652_729_696_142 * 0.01 / 3.0_f64.sqrt();
        assert!((change.share - 0.02).abs() < 1e-15, "{change:?}");
        assert!((change.high - 0.02 - width).abs() < 1e-9, "{change:?}");
        assert!((change.low - 0.02 + width).abs() < 1e-9, "{change:?}");
        assert!(!change.is_sure());
        let together = Change::of(&pairs, 15).unwrap();
        assert!(together.high > change.high, "fifteen intervals are each wider");
    }

    #[test]
    fn one_pair_has_no_interval_and_equal_pairs_have_no_width() {
        assert_eq!(Change::of(&[(1.0, 2.0, 3.0)], 1), None);
        let change = Change::of(&[(1.0, 2.0, 4.0), (1.0, 2.0, 4.0)], 1).unwrap();
        assert!(change.is_sure() && (change.low - 0.25).abs() < 1e-15, "{change:?}");
    }
}
