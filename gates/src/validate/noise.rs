//! Seeded draws: uniform and normal. In: keys. Out: the same numbers for ever, on every platform.
//! Sources: `ChaCha8` (Bernstein 2008); Box and Muller 1958, with `libm` for the same bits everywhere.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// One stream of draws.
#[derive(Debug)]
pub(crate) struct Noise {
    words: ChaCha8Rng,
    /// The second of the two normal draws that come at once.
    spare: Option<f64>,
}

impl Noise {
    /// The stream of one session of one simulation.
    pub(crate) fn new(seed: u64, simulation: u64, session: u32) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&simulation.to_le_bytes());
        key[16..20].copy_from_slice(&session.to_le_bytes());
        Self { words: ChaCha8Rng::from_seed(key), spare: None }
    }

    /// Uniform in `[0, 1)`, 32 bits of it: rates below a millionth are not asked for.
    pub(crate) fn uniform(&mut self) -> f64 {
        f64::from(self.words.next_u32()) / 4_294_967_296.0
    }

    /// Normal, mean 0, standard deviation 1.
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        let (sine, cosine) = libm::sincos(std::f64::consts::TAU * self.uniform());
        self.spare = Some(radius * sine);
        radius * cosine
    }
}

#[cfg(test)]
mod tests {
    use super::Noise;

    #[test]
    fn normal_draws_have_the_moments_and_tails_of_the_normal() {
        let mut noise = Noise::new(1, 2, 3);
        let draws: Vec<f64> = (0..200_000).map(|_| noise.normal()).collect();
        let n = 200_000.0;
        let mean = draws.iter().sum::<f64>() / n;
        let variance = draws.iter().map(|draw| draw * draw).sum::<f64>() / n;
        // Four standard errors of each: 1/√n, √(2/n), and of a share of 2.275 %.
        assert!(mean.abs() < 4.0 / n.sqrt(), "{mean}");
        assert!((variance - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "{variance}");
        let beyond = draws.iter().filter(|draw| **draw > 2.0).count();
        assert!((4_283..=4_817).contains(&beyond), "{beyond} of 4550 expected");
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "the same draw has the same bits")]
    fn streams_differ_by_each_key_and_repeat() {
        let first = |keys: (u64, u64, u32)| Noise::new(keys.0, keys.1, keys.2).uniform();
        assert_eq!(first((1, 1, 1)), first((1, 1, 1)));
        for other in [(2, 1, 1), (1, 2, 1), (1, 1, 2)] {
            assert_ne!(first((1, 1, 1)), first(other));
        }
    }
}
