//! Drift: whether a level creeps, and how fast.
//!
//! In: log values in the order of time. Out: Mann–Kendall's two-sided p, the Theil–Sen slope per point, its 95 % interval.
//!
//! `S = Σ sign(x[j] − x[i])` over `i < j`; `V = (n(n−1)(2n+5) − Σ t(t−1)(2t+5))/18` with groups of `t` equal values;
//! `z = (S ∓ 1)/√V`. The slope is the median of all `(x[j] − x[i])/(j − i)`; its interval lies at the ranks
//! `(N ∓ 1.96·√V)/2` of these `N` slopes. Where neighbours are alike, `V` is too small: it is multiplied by
//! `(1 + ρ̂)/(1 − ρ̂)`, with `ρ̂` the lag-1 correlation of what the slope leaves, its bias of `−(1 + 4ρ)/n` taken out, 0 to
//! .6. Source: Mann 1945; Kendall 1975; Sen 1968; Yue & Wang 2004 (correlation of what the slope leaves); Kendall 1954 (bias).

use crate::stats::{
    noise::are_logs,
    quantile::median,
    yuen::{as_f64, mean},
};

/// Two-sided level.
pub const LEVEL: f64 = 0.01;

/// The normal approximation of `S` needs as many points.
pub const MIN_POINTS: usize = 10;

/// The .975 quantile of the normal distribution.
const Z_975: f64 = 1.959_963_984_540_054;

/// Above this, correlation is the drift itself.
const MAX_RHO: f64 = 0.6;

/// A slope, and whether it is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Two-sided p of there being none.
    pub p: f64,
    /// Change of the log per point: above 0 gets slower.
    pub slope: f64,
    /// 95 % interval of `slope`.
    pub interval_95: (f64, f64),
    /// Correlation of neighbours that `p` and the interval count with.
    pub rho: f64,
    /// Points behind it.
    pub n: usize,
}

impl Drift {
    /// `None` for fewer than [`MIN_POINTS`], or if a value is no logarithm of a positive number.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.len() < MIN_POINTS || !are_logs(values) {
            return None;
        }
        let slopes = slopes(values);
        let slope = median(&slopes)?;
        let rho = correlation(values, slope);
        let variance = variance(values) * (1.0 + rho) / (1.0 - rho);
        let p = p_two_sided(score(values), variance);
        Some(Self { p, slope, interval_95: interval(&slopes, variance), rho, n: values.len() })
    }

    /// Whether the level creeps.
    #[must_use]
    pub fn is_significant(&self) -> bool {
        self.p <= LEVEL
    }
}

/// `S`: later values above earlier ones, less those below.
fn score(values: &[f64]) -> f64 {
    let sign = |step: f64| {
        if step > 0.0 {
            1.0
        } else if step < 0.0 {
            -1.0
        } else {
            0.0
        }
    };
    let later =
        |place: usize| values[place + 1..].iter().map(move |later| sign(later - values[place]));
    (0..values.len()).flat_map(later).sum()
}

/// Variance of `S` without drift or correlation.
fn variance(values: &[f64]) -> f64 {
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ties = sorted.chunk_by(|a, b| a >= b).map(|group| term(as_f64(group.len())));
    (term(as_f64(values.len())) - ties.sum::<f64>()) / 18.0
}

/// With the correction for `S` being a whole number.
fn p_two_sided(score: f64, variance: f64) -> f64 {
    let beyond = (score.abs() - 1.0).max(0.0);
    if variance > 0.0 { libm::erfc(beyond / (2.0 * variance).sqrt()) } else { 1.0 }
}

/// All pairwise slopes, in order.
fn slopes(values: &[f64]) -> Vec<f64> {
    let n = values.len();
    let later = |i: usize| (i + 1..n).map(move |j| (values[j] - values[i]) / as_f64(j - i));
    let mut slopes: Vec<f64> = (0..n).flat_map(later).collect();
    slopes.sort_by(f64::total_cmp);
    slopes
}

/// The slopes at the ranks between which the true one lies.
fn interval(sorted: &[f64], variance: f64) -> (f64, f64) {
    let last = sorted.len() - 1;
    let reach = Z_975 * variance.sqrt();
    // The rank nearest to `(N − reach)/2`, and its mirror image.
    let nearest = as_f64(sorted.len()) - reach + 1.0;
    let ranks = (1..=sorted.len()).take_while(|rank| 2.0 * as_f64(*rank) <= nearest);
    let low = ranks.count().saturating_sub(1).min(last / 2);
    (sorted[low], sorted[last - low])
}

/// Lag-1 correlation of what the slope leaves.
fn correlation(values: &[f64], slope: f64) -> f64 {
    let left: Vec<f64> =
        values.iter().enumerate().map(|(place, value)| value - slope * as_f64(place)).collect();
    let centre = mean(&left);
    let squares: f64 = left.iter().map(|value| (value - centre).powi(2)).sum();
    let products: f64 = left.windows(2).map(|two| (two[0] - centre) * (two[1] - centre)).sum();
    if squares <= 0.0 {
        return 0.0;
    }
    let n = as_f64(values.len());
    ((n * products / squares + 1.0) / (n - 4.0)).clamp(0.0, MAX_RHO)
}

#[cfg(test)]
mod tests {
    use super::{Drift, LEVEL, interval, p_two_sided, score, slopes, variance};
    use crate::validate::noise::Noise;

    #[test]
    fn score_variance_slope_and_interval_are_those_of_scipy() {
        // scipy 1.17.1: kendalltau(arange(n), x, method="asymptotic").pvalue, theilslopes(x, arange(n), alpha=.95).
        let rising = [2.1, 2.4, 2.3, 2.4, 2.9, 2.6, 3.1, 2.9, 3.3, 3.0, 3.6, 3.4];
        let flat = [0.3, 0.1, 0.2, 0.2, 0.4, 0.1, 0.3, 0.2, 0.2, 0.1, 0.3, 0.2, 0.4];
        for (values, s, p, [slope, low, high]) in [
            (&rising[..], 52.0, 0.000_340_114_918_796_872_33, [0.119_090_909, 0.1, 0.1625]),
            (&flat[..], 9.0, 0.564_236_781_477_692_1, [0.0, -0.014_285_714, 0.025]),
        ] {
            let v = variance(values);
            assert!((score(values) - s).abs() < 1e-9, "{values:?}");
            // scipy corrects nothing for whole numbers.
            assert!(
                (p_two_sided(s + 1.0, v) / p - 1.0).abs() < 1e-9,
                "{}",
                p_two_sided(s + 1.0, v)
            );
            let found = Drift::of(values).expect("enough points");
            let got = interval(&slopes(values), v);
            for (got, want) in [(found.slope, slope), (got.0, low), (got.1, high)] {
                assert!((got - want).abs() < 1e-8, "{got} is not {want}");
            }
        }
    }

    /// Of 4,000 series of noise with a slope, how many drift.
    fn fires(n: usize, rho: f64, slope: f64, counts_rho: bool) -> usize {
        let one = |seed: u32| {
            let mut noise = Noise::new(3, n as u64, seed);
            let mut last = noise.normal();
            let values: Vec<f64> = (0..n)
                .map(|place| {
                    last = rho * last + (1.0 - rho * rho).sqrt() * noise.normal();
                    last + slope * super::as_f64(place)
                })
                .collect();
            if counts_rho {
                Drift::of(&values).is_some_and(|drift| drift.is_significant())
            } else {
                p_two_sided(score(&values), variance(&values)) <= LEVEL
            }
        };
        (0..4_000).filter(|seed| one(*seed)).count()
    }

    #[test]
    fn noise_drifts_at_the_level_and_correlation_is_counted() {
        for n in [12, 24, 50] {
            let (white, alike) = (fires(n, 0.0, 0.0, true), fires(n, 0.3, 0.0, true));
            let naive = fires(n, 0.3, 0.0, false);
            println!("{n} points: white {white}, AR(1) {alike}, taken as white {naive} of 4000");
            // Level .01 and three binomial errors; AR(1) at most twice the level and far less than without the count.
            assert!(white <= 58, "{n}: {white}");
            assert!(alike <= 120 && 2 * alike <= naive + 60, "{n}: {alike} {naive}");
        }
        let found = fires(30, 0.0, 0.1, true);
        println!("a tenth of an SD a session, 30 sessions: {found} of 4000");
        assert!(found >= 3_200, "{found}");
    }

    #[test]
    fn few_constant_and_broken_values_have_no_drift() {
        assert_eq!(Drift::of(&[1.0; 9]), None);
        let constant = Drift::of(&[0.1; 12]).expect("enough points");
        assert!(!constant.is_significant() && constant.interval_95 == (0.0, 0.0), "{constant:?}");
        assert_eq!(Drift::of(&[f64::NAN; 12]), None);
        let line: Vec<f64> = (0..12).map(|nth| f64::from(nth) / 8.0).collect();
        let drift = Drift::of(&line).expect("enough points");
        assert!(drift.is_significant() && (drift.slope - 0.125).abs() < 1e-12, "{drift:?}");
    }
}
