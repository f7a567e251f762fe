//! The four kinds of noise that a detector of levels is tried on.
//! In: a stream, a kind, a length. Out: values about one level, in units of the standard deviation of the undisturbed part.

use crate::noise::Noise;

/// A kind of noise about one level, in units of a standard deviation of the undisturbed part.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Standard normal logs; times are then log-normal.
    Normal,
    /// `exp(z)` on the log scale: a right tail far longer than that of log-normal times.
    LogNormal,
    /// Normal, and one value in ten higher by 15: at SD 1.5 % an excursion of 25 %.
    Stragglers,
    /// Normal with lag-1 correlation .3.
    Ar1,
}

pub(crate) const KINDS: [Kind; 4] = [Kind::Normal, Kind::LogNormal, Kind::Stragglers, Kind::Ar1];

impl Kind {
    /// `n` values about 0.
    pub(crate) fn series(self, noise: &mut Noise, n: usize) -> Vec<f64> {
        let mut previous = noise.normal();
        (0..n)
            .map(|_| match self {
                Self::Normal => noise.normal(),
                Self::LogNormal => noise.normal().exp(),
                Self::Stragglers => noise.normal() + if noise.uniform() < 0.1 { 15.0 } else { 0.0 },
                Self::Ar1 => {
                    previous = 0.3 * previous + (1.0_f64 - 0.09).sqrt() * noise.normal();
                    previous
                }
            })
            .collect()
    }
}
