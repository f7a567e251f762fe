//! A change with its interval: of the whole, of a span, of what is left.
//!
//! In: of each pair the difference head − base and the base's whole. Out: the mean over pairs, as a share of the base's whole,
//! with an interval that holds for all parts of a table at once (Bonferroni over Student's t, layouts taken for what they are). Shares rather than nanoseconds,
//! because a pair in a slow minute of the machine has larger differences, in the same proportion.

use baselines::record::Process;

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

/// What one pair gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) base_ns: f64,
    pub(super) head_ns: f64,
    /// The base's whole, which shares are of.
    pub(super) whole_ns: f64,
    /// Code layouts of base and head.
    pub(super) layouts: [u64; 2],
}

impl Pair {
    /// Of the two processes of a pair: times, and what their difference is a share of.
    pub(super) const fn of(
        (base, head): (&Process, &Process),
        base_ns: f64,
        head_ns: f64,
        whole_ns: f64,
    ) -> Self {
        Self { base_ns, head_ns, whole_ns, layouts: [base.layout, head.layout] }
    }
}

impl Change {
    /// Of pairs; `n_intervals` hold together. `None` with fewer than two pairs.
    pub(super) fn of(pairs: &[Pair], n_intervals: usize) -> Option<Self> {
        if pairs.len() < 2 {
            return None;
        }
        let share_of = |pair: &Pair| (pair.head_ns - pair.base_ns) / pair.whole_ns;
        let shares: Vec<f64> = pairs.iter().map(share_of).collect();
        let share = mean(&shares);
        let (variance, df) = of_mean(pairs, &shares);
        let p = 1.0 - (1.0 - CONFIDENCE) / 2.0 / as_f64(n_intervals.max(1));
        let width = student::quantile(p, df) * variance.sqrt();
        let all = |read: fn(&Pair) -> f64| mean(&pairs.iter().map(read).collect::<Vec<f64>>());
        Some(Self {
            base_ns: all(|pair| pair.base_ns),
            head_ns: all(|pair| pair.head_ns),
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

/// The variance of the mean, and its degrees of freedom.
///
/// A layout comes back in several pairs, and brings its own speed each time: pairs are then no independent samples of it. Where an
/// arm has several layouts, the variance is that of the means by the base's layout and of those by the head's, summed; that counts
/// the noise of a pair twice, and so errs to the careful side. Never less than that of independent pairs.
fn of_mean(pairs: &[Pair], shares: &[f64]) -> (f64, f64) {
    let independent = (spread(shares) / as_f64(shares.len()), as_f64(shares.len()) - 1.0);
    let by = |arm: usize| {
        let mut layouts: Vec<u64> = pairs.iter().map(|pair| pair.layouts[arm]).collect();
        layouts.sort_unstable();
        layouts.dedup();
        let of_layout = |layout: &u64| {
            let own = pairs.iter().zip(shares).filter(|(pair, _)| pair.layouts[arm] == *layout);
            mean(&own.map(|(_, share)| *share).collect::<Vec<f64>>())
        };
        let means: Vec<f64> = layouts.iter().map(of_layout).collect();
        let n = as_f64(means.len());
        (means.len() > 1).then(|| (spread(&means) / n, n - 1.0))
    };
    let (variance, denominator) = [by(0), by(1)]
        .into_iter()
        .flatten()
        .fold((0.0, 0.0), |(sum, under), (own, df)| (sum + own, under + own * own / df));
    if variance > independent.0 && denominator > 0.0 {
        // Satterthwaite 1946.
        (variance, variance * variance / denominator)
    } else {
        independent
    }
}

/// Mean square around the mean, of one value less.
fn spread(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares: f64 = values.iter().map(|value| (value - middle) * (value - middle)).sum();
    squares / (as_f64(values.len()) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(values: &[(f64, f64, f64)]) -> Vec<Pair> {
        let pair = |(base_ns, head_ns, whole_ns): &(f64, f64, f64)| Pair {
            base_ns: *base_ns,
            head_ns: *head_ns,
            whole_ns: *whole_ns,
            layouts: [0, 0],
        };
        values.iter().map(pair).collect()
    }

    /// Four layouts of the head, each in four pairs, 1, 2, 3 and 4 % slower, no other noise: their means have a variance of
    /// 5/3 (%²), a quarter of which is that of the mean, with 3 degrees of freedom. Sixteen independent pairs would have 16/15 · 5/4 ÷ 16.
    #[test]
    fn layouts_that_come_back_are_no_new_samples() {
        let mut all = Vec::new();
        for (base, head) in (0..16_u64).map(|i| (i % 4, (i / 4) % 4)) {
            let head_ns = 10.0 + f64::from(u32::try_from(head).unwrap()) + 1.0;
            let layouts = [base, head];
            all.push(Pair { base_ns: 10.0, head_ns, whole_ns: 100.0, layouts });
        }
        let change = Change::of(&all, 1).unwrap();
        // scipy 1.17.1: t.ppf(0.975, 3).
        let width = 3.182_446_305_284_263 * (5.0_f64 / 3.0 / 4.0).sqrt() / 100.0;
        assert!((change.share - 0.025).abs() < 1e-12, "{change:?}");
        assert!((change.high - change.share - width).abs() < 1e-9, "{change:?} ± {width}");
    }

    /// Differences 1, 2, 3 of a whole of 100: mean 0.02, standard error 0.01 ÷ √3, t(0.975, 2) = 4.3026527.
    #[test]
    fn the_interval_is_students() {
        let three = [(10.0, 11.0, 100.0), (10.0, 12.0, 100.0), (10.0, 13.0, 100.0)];
        let change = Change::of(&pairs(&three), 1).unwrap();
        let width = 4.302_652_729_696_142 * 0.01 / 3.0_f64.sqrt();
        assert!((change.share - 0.02).abs() < 1e-15, "{change:?}");
        assert!((change.high - 0.02 - width).abs() < 1e-9, "{change:?}");
        assert!((change.low - 0.02 + width).abs() < 1e-9, "{change:?}");
        assert!(!change.is_sure());
        let together = Change::of(&pairs(&three), 15).unwrap();
        assert!(together.high > change.high, "fifteen intervals are each wider");
    }

    #[test]
    fn one_pair_has_no_interval_and_equal_pairs_have_no_width() {
        assert_eq!(Change::of(&pairs(&[(1.0, 2.0, 3.0)]), 1), None);
        let change = Change::of(&pairs(&[(1.0, 2.0, 4.0), (1.0, 2.0, 4.0)]), 1).unwrap();
        assert!(change.is_sure() && (change.low - 0.25).abs() < 1e-15, "{change:?}");
    }
}
