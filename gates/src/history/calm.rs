//! The series as least squares may see it: lone outliers drawn in, with the noise that is left.
//!
//! In: log values. Out: as many values, each within 2 σ̂ of the median of five; the noise of the series. The energy
//! detector doesn't need it: its critical values come from the values themselves.

use crate::stats::{hampel, noise::Noise};

/// Two neighbours on each side: a median of five keeps every level of at least [`super::MIN_SEGMENT`].
const HALF_WIDTH: usize = 2;

/// Standard deviations that a lone value may lie from its neighbours.
const OUTLIER_SDS: f64 = 2.0;

/// In fewer points a step is taken for correlation, and would hide itself.
const MIN_FOR_RHO: usize = 50;

/// Values without lone outliers.
pub(super) struct Calm {
    pub(super) values: Vec<f64>,
    pub(super) noise: Noise,
}

impl Calm {
    pub(super) fn of(values: &[f64]) -> Self {
        let noise =
            if values.len() < MIN_FOR_RHO { Noise::white(values) } else { Noise::of(values) };
        Self { values: hampel::drawn_in(values, HALF_WIDTH, OUTLIER_SDS * noise.sd), noise }
    }
}
