//! Pairs that depend on each other: the lag-1 autocorrelation of a session, and the means of blocks that it calls for.
//!
//! In: paired log ratios in the order taken. Out: the values as they are, or the means of consecutive blocks. Sources:
//! rank autocorrelation, Wald & Wolfowitz 1943; batch means, Conway 1963.
//!
//! On a machine whose state changes over minutes, neighbouring pairs err to the same side, and the usual standard error is
//! too small. Where the autocorrelation of the ranks exceeds what independent pairs show one time in forty, the test takes
//! the means of eight to nine blocks in place of the pairs. Ranks, so that a straggler or two neither hides nor feigns it.

use super::yuen::{as_f64, mean};

/// One-sided 2.5 % point of the standard normal: independent pairs exceed it that often.
const Z: f64 = 1.96;

/// Blocks that a session is cut into, at least.
const N_BLOCKS: usize = 8;

/// What the order of the pairs says.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocks {
    /// Lag-1 autocorrelation of the ranks, its bias of `−1/n` taken off.
    pub autocorrelation: f64,
    /// Pairs in a block: 1 where they may count as independent.
    pub size: usize,
    /// The pairs, or the means of consecutive blocks of them. What does not fill a block is left out at the start.
    pub values: Vec<f64>,
}

impl Blocks {
    /// Cuts finite `values`, in the order taken, into as many blocks as their dependence allows.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let n = values.len();
        let autocorrelation = autocorrelation(&ranks(values)) + 1.0 / as_f64(n.max(1));
        let dependent = autocorrelation > Z / as_f64(n.max(1)).sqrt();
        let size = if dependent { (n / N_BLOCKS).max(1) } else { 1 };
        let whole = &values[n % size..];
        Self { autocorrelation, size, values: whole.chunks_exact(size).map(mean).collect() }
    }
}

/// Lag-1 autocorrelation; 0 where all values are equal.
fn autocorrelation(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let centre = mean(values);
    let centred: Vec<f64> = values.iter().map(|value| value - centre).collect();
    let square: f64 = centred.iter().map(|value| value * value).sum();
    let product: f64 = centred.windows(2).map(|two| two[0] * two[1]).sum();
    if square > 0.0 { product / square } else { 0.0 }
}

/// The rank of each value; equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for tied in order.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
        let rank = as_f64(start) + as_f64(tied.len() - 1) / 2.0;
        for place in tied {
            ranks[*place] = rank;
        }
        start += tied.len();
    }
    ranks
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "ranks and means of small whole numbers are exact")]
mod tests {
    use super::{Blocks, autocorrelation, ranks};

    #[test]
    fn equal_values_share_their_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
        assert!(ranks(&[]).is_empty());
    }

    #[test]
    fn the_autocorrelation_is_the_textbooks() {
        // Deviations −1.5, −0.5, 0.5, 1.5: (0.75 − 0.25 + 0.75) ÷ 5.
        assert_eq!(autocorrelation(&[1.0, 2.0, 3.0, 4.0]), 0.25);
        assert_eq!(autocorrelation(&[7.0; 5]), 0.0);
    }

    #[test]
    fn a_trend_is_cut_into_eight_blocks_and_what_is_left_over_goes_first() {
        let trend: Vec<f64> = (0..18).map(f64::from).collect();
        let blocks = Blocks::of(&trend);
        assert_eq!((blocks.size, blocks.values.len()), (2, 9));
        assert_eq!(blocks.values[0], 0.5);
        let trend: Vec<f64> = (0..33).map(f64::from).collect();
        let blocks = Blocks::of(&trend);
        assert_eq!((blocks.size, blocks.values.len()), (4, 8));
        assert_eq!(blocks.values[0], 2.5);
    }

    #[test]
    fn pairs_that_alternate_are_left_alone() {
        let swing: Vec<f64> = (0..16).map(|pair| f64::from(pair % 2)).collect();
        let blocks = Blocks::of(&swing);
        assert_eq!((blocks.size, blocks.values), (1, swing));
        assert!(blocks.autocorrelation < -0.5);
    }

    #[test]
    fn no_order_can_be_read_from_constant_few_or_no_values() {
        for values in [&[0.5; 40][..], &[1.0], &[]] {
            assert_eq!(Blocks::of(values).size, 1);
        }
    }
}
