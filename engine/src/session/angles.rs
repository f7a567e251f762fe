//! Cosines and sines of the positions, one table for all sequences, in chunks of `ATTENTION_CHUNK` positions.

use super::out_of_memory;
use crate::{Result, kernels::ATTENTION_CHUNK, model::Config};

/// Grows by whole chunks and never shrinks.
#[derive(Debug)]
pub(crate) struct Angles {
    /// `base^(-2i/d)`, over the model's own factor where it has them; `[head_dim / 2]`.
    frequencies: Vec<f32>,
    /// `[position, head_dim / 2]` each.
    chunks: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Angles {
    pub(crate) fn new(config: &Config, factors: Option<&[f32]>) -> Self {
        let d = config.head_dim;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "head sizes are at most 1024; the definition rounds to f32"
        )]
        let frequencies = (0..d / 2)
            .map(|i| {
                let frequency = libm::pow(f64::from(config.rope_base), -2.0 * i as f64 / d as f64);
                (frequency / factors.map_or(1.0, |factors| f64::from(factors[i]))) as f32
            })
            .collect();
        Self { frequencies, chunks: Vec::new() }
    }

    /// Bytes of one chunk for heads of this size.
    pub(super) const fn chunk_bytes(head_dim: usize) -> usize {
        2 * ATTENTION_CHUNK * (head_dim / 2) * size_of::<f32>()
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.chunks.len() * Self::chunk_bytes(2 * self.frequencies.len())
    }

    /// Bytes that [`Angles::extend`] to `len` positions asks for.
    pub(super) fn growth(&self, len: usize) -> usize {
        let more = len.div_ceil(ATTENTION_CHUNK).saturating_sub(self.chunks.len());
        more * Self::chunk_bytes(2 * self.frequencies.len())
    }

    /// Has the angles of positions below `len`.
    pub(crate) fn extend(&mut self, len: usize) -> Result<()> {
        while self.chunks.len() * ATTENTION_CHUNK < len {
            let chunk = self.chunk(self.chunks.len() * ATTENTION_CHUNK)?;
            self.chunks.push(chunk);
        }
        Ok(())
    }

    fn chunk(&self, first: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        let n = ATTENTION_CHUNK * self.frequencies.len();
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for values in [&mut cos, &mut sin] {
            values
                .try_reserve_exact(n)
                .map_err(|_| out_of_memory("angles", n * size_of::<f32>()))?;
        }
        for position in first..first + ATTENTION_CHUNK {
            for frequency in &self.frequencies {
                // In f32, as the models were trained.
                #[expect(clippy::cast_precision_loss, reason = "the definition: f32")]
                let angle = f64::from(position as f32 * frequency);
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the definition: rounded to f32"
                )]
                let rounded = (libm::cos(angle) as f32, libm::sin(angle) as f32);
                cos.push(rounded.0);
                sin.push(rounded.1);
            }
        }
        Ok((cos, sin))
    }

    /// Cosines and sines of one position, `[head_dim / 2]` each.
    pub(crate) fn of(&self, position: usize) -> (&[f32], &[f32]) {
        let (cos, sin) = &self.chunks[position / ATTENTION_CHUNK];
        let half = self.frequencies.len();
        let start = position % ATTENTION_CHUNK * half;
        (&cos[start..start + half], &sin[start..start + half])
    }
}
