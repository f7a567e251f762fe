//! The noise of a series that may hold steps: read from differences, which a step touches only once or twice.
//!
//! In: logs in the order of time. Out: standard deviation, lag-1 correlation, and the variance a long mean sees.
//!
//! `γ_k` is the mean square of the differences `x[t+k] − x[t]`, those beyond 2.5 robust spreads (MAD · 1.4826) counted as
//! 2.5: a step or a straggler then weighs little, and all other differences count, which a MAD alone would waste. Under AR(1)
//! `γ₁ = 2σ²(1 − ρ)` and `γ₂ = 2σ²(1 − ρ²)`, so `ρ̂ = γ₂/γ₁ − 1` and `σ̂² = γ₁ / (2(1 − ρ̂))`; the mean of `n` values then
//! varies as `σ̂²(1 + ρ̂)/(1 − ρ̂)/n`. Source: von Neumann 1941 (differences); Hampel 1974 (MAD); Huber 1964 (the cut).

use super::yuen::as_f64;
use baselines::quantile::median;

/// Turns a median absolute deviation into a normal standard deviation: 1 ÷ the .75 quantile.
pub(crate) const MAD_TO_SD: f64 = 1.482_602_218_505_602;

/// Above this a correlation cannot be told from the levels that the fit looks for.
const MAX_RHO: f64 = 0.6;

/// Fewer values say nothing about a correlation: the standard error of `ρ̂` is about `√2/√n`, a step adds `6/n`.
const MIN_FOR_RHO: usize = 20;

/// Robust spreads above which a difference is a step or a straggler, and counts as one this large.
const HUGE_STEP: f64 = 2.5;

/// A robust spread this small beside the mean square is rounding: more than half of the differences are equal.
const DUST: f64 = 1e-9;

/// What a positive double's logarithm can be: `ln(5e-324) = −744.4`, `ln(1.8e308) = 709.8`.
const MAX_LOG: f64 = 745.0;

/// Standard deviation and lag-1 correlation of a series about its level, whatever the level does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Standard deviation; 0 only where all values are equal.
    pub sd: f64,
    /// Lag-1 correlation, 0 to .6; 0 for fewer than 20 values.
    pub rho: f64,
}

impl Noise {
    /// The noise of `values`. Where more than half of the differences are equal (coarse ticks), all of them count in full.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let gamma_1 = gamma(&differences(values, 1));
        let white = Self { sd: (gamma_1 / 2.0).sqrt(), rho: 0.0 };
        if values.len() < MIN_FOR_RHO || white.sd == 0.0 {
            return white;
        }
        let rho = (gamma(&differences(values, 2)) / gamma_1 - 1.0).clamp(0.0, MAX_RHO);
        Self { sd: white.sd / (1.0 - rho).sqrt(), rho }
    }

    /// The noise of `values` taken as uncorrelated.
    #[must_use]
    pub fn white(values: &[f64]) -> Self {
        Self { sd: (gamma(&differences(values, 1)) / 2.0).sqrt(), rho: 0.0 }
    }

    /// `n` times the variance of a mean of `n` values.
    #[must_use]
    pub fn long_run_variance(&self) -> f64 {
        self.sd.powi(2) * (1.0 + self.rho) / (1.0 - self.rho)
    }
}

/// Whether every value can be the logarithm of a positive number: finite, and within ±745.
#[must_use]
pub fn are_logs(values: &[f64]) -> bool {
    values.iter().all(|value| value.abs() <= MAX_LOG)
}

fn differences(values: &[f64], lag: usize) -> Vec<f64> {
    values.iter().skip(lag).zip(values).map(|(later, earlier)| later - earlier).collect()
}

/// Mean square of differences, those beyond 2.5 robust spreads counted as 2.5; 0 without values.
///
/// The spread is taken about 0: of a series that alternates, half of the differences lie *at* their median.
fn gamma(differences: &[f64]) -> f64 {
    let sizes: Vec<f64> = differences.iter().map(|step| step.abs()).collect();
    let mean_square = |limit: f64| {
        let squares = sizes.iter().map(|size| size.min(limit).powi(2));
        squares.sum::<f64>() / as_f64(sizes.len().max(1))
    };
    let whole = mean_square(f64::INFINITY);
    let robust = median(&sizes).unwrap_or(0.0) * MAD_TO_SD;
    if robust > DUST * whole.sqrt() { mean_square(HUGE_STEP * robust) } else { whole }
}

#[cfg(test)]
mod tests {
    use super::{Noise, are_logs};

    /// A full-period generator: a fixed series without any order, 1,000 values even on (0, 1).
    fn even(n: usize) -> Vec<f64> {
        let mut state = 1_u64;
        let next = |state: &mut u64| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            f64::from(u32::try_from(*state >> 32).expect("32 bits")) / 4_294_967_296.0
        };
        (0..n).map(|_| next(&mut state)).collect()
    }

    #[test]
    fn a_step_and_stragglers_move_it_little() {
        // The SD of a uniform is 1/√12 = .289; no difference of uniforms lies beyond 2.5 spreads of their MAD.
        let mut values = even(1_000);
        let quiet = Noise::of(&values);
        assert!((quiet.sd - 0.289).abs() < 0.03 && quiet.rho < 0.15, "{quiet:?}");
        for value in &mut values[500..] {
            *value += 50.0;
        }
        values[100] = 1_000.0;
        let stepped = Noise::of(&values);
        assert!((stepped.sd / quiet.sd - 1.0).abs() < 0.05, "{stepped:?} {quiet:?}");
    }

    #[test]
    fn correlation_of_neighbours_is_seen_and_raises_the_variance_of_a_mean() {
        // x[t] = u[t] + u[t−1]: ρ₁ = .5, ρ₂ = 0, so γ₂/γ₁ − 1 = 1: cut at .6.
        let drawn = even(1_000);
        let sums: Vec<f64> = drawn.windows(2).map(|pair| pair[0] + pair[1]).collect();
        let noise = Noise::of(&sums);
        assert!(noise.rho > 0.4 && noise.long_run_variance() > 2.0 * noise.sd.powi(2), "{noise:?}");
        assert!(Noise::white(&sums).rho <= 0.0);
    }

    #[test]
    fn a_series_that_alternates_has_the_noise_of_its_steps() {
        // Differences ±.1: mean square .01, so σ̂ = .1/√2.
        let values: Vec<f64> = (0..60).map(|nth| f64::from(nth % 2) * 0.1).collect();
        assert!((Noise::white(&values).sd - 0.1 / 2.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn coarse_ticks_have_noise_and_constants_have_none() {
        let ticks: Vec<f64> = (0..100).map(|nth| f64::from(u8::from(nth % 10 == 0))).collect();
        assert!(Noise::of(&ticks).sd > 0.1);
        for constant in [&[][..], &[3.0], &[0.1; 50]] {
            assert!(Noise::of(constant).sd <= 0.0);
        }
    }

    #[test]
    fn only_finite_values_of_the_size_of_a_logarithm_are_logs() {
        assert!(are_logs(&[5e-324_f64.ln(), f64::MAX.ln(), 0.0]) && are_logs(&[]));
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -746.0] {
            assert!(!are_logs(&[0.0, bad]), "{bad}");
        }
    }
}
