//! A robust standard deviation with its interval: 1.4826 times the median distance from the median.
//!
//! In: logs, or differences of two logs. Out: the relative standard deviation of one value. The interval is that of the
//! median of the distances, by order statistics, the centre taken as known. Source: Rousseeuw & Croux 1993; Conover 1999.

use super::rate::median_rank;
use crate::stats::quantile::median;

/// 1 ÷ the upper quartile of the standard normal distribution.
const PER_MEDIAN_DISTANCE: f64 = 1.482_602_218_505_602;

/// A standard deviation, its 95 % interval, and the number of values behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) sd: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(super) n: u64,
}

impl Spread {
    /// Of the values themselves; `None` for fewer than 6.
    pub(crate) fn of(logs: &[f64]) -> Option<Self> {
        let centre = median(logs)?;
        let distances: Vec<f64> = logs.iter().map(|log| (log - centre).abs()).collect();
        Some(Self::typical(&distances)?.times(PER_MEDIAN_DISTANCE))
    }

    /// Of one value, from the differences of two: a drift slower than one step does not count.
    pub(super) fn of_differences(differences: &[f64]) -> Option<Self> {
        Some(Self::of(differences)?.times(std::f64::consts::FRAC_1_SQRT_2))
    }

    /// The median of several standard deviations; `None` for fewer than 6.
    pub(super) fn typical(sds: &[f64]) -> Option<Self> {
        let rank = median_rank(sds.len())?;
        let sd = median(sds)?;
        let mut sorted = sds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted[rank - 1], sorted[sorted.len() - rank]);
        Some(Self { sd, low, high, n: sds.len() as u64 })
    }

    fn times(self, factor: f64) -> Self {
        Self { sd: self.sd * factor, low: self.low * factor, high: self.high * factor, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn an_even_ladder_has_the_spread_of_the_definition() {
        // Distances of 1..=9 from their median 5 are 0, 1, 1, 2, 2, 3, 3, 4, 4: their median is 2; ranks 2 and 8 of 9.
        let ladder: Vec<f64> = (1..=9).map(f64::from).collect();
        let spread = Spread::of(&ladder).expect("nine values");
        assert!((spread.sd - 2.0 * 1.482_602_218_505_602).abs() < 1e-12, "{spread:?}");
        assert!((spread.low - 1.482_602_218_505_602).abs() < 1e-12, "{spread:?}");
        assert!((spread.high - 4.0 * 1.482_602_218_505_602).abs() < 1e-12, "{spread:?}");
        let of_one = Spread::of_differences(&ladder).expect("nine differences");
        assert!((of_one.sd * 2.0_f64.sqrt() - spread.sd).abs() < 1e-12);
    }

    #[test]
    fn too_few_values_or_nan_have_none() {
        assert_eq!(Spread::of(&[1.0; 5]), None);
        assert_eq!(Spread::of(&[f64::NAN; 9]), None);
        assert_eq!(Spread::of(&[1.0; 6]).map(|spread| spread.sd.to_bits()), Some(0));
    }
}
