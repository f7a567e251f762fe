//! Keys and values of the sequence, and the angles of its positions, in chunks of `ATTENTION_CHUNK` positions.
//! A chunk is allocated when its first position arrives and kept after a rewind; a hostile context length in a model
//! file therefore allocates nothing.

use crate::{kernels::ATTENTION_CHUNK, model::Config};

/// Grows by whole chunks.
#[derive(Debug)]
pub(super) struct KvCache {
    n_layers: usize,
    kv_width: usize,
    /// `base^(-2i/d)`, over the model's own factor where it has them; `[head_dim / 2]`.
    frequencies: Vec<f32>,
    chunks: Vec<Chunk>,
    len: usize,
}

/// `ATTENTION_CHUNK` positions of all layers.
#[derive(Debug)]
struct Chunk {
    /// `[layer, position, kv_head, head_dim]`.
    k: Vec<f32>,
    /// Likewise.
    v: Vec<f32>,
    /// `[position, head_dim / 2]`.
    cos: Vec<f32>,
    /// Likewise.
    sin: Vec<f32>,
}

impl KvCache {
    pub(super) fn new(config: &Config, factors: Option<&[f32]>) -> Self {
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
        Self {
            n_layers: config.n_layers,
            kv_width: config.kv_width(),
            frequencies,
            chunks: Vec::new(),
            len: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Makes room for `n` more positions and counts them in; their keys and values are written layer by layer.
    pub(super) fn extend(&mut self, n: usize) {
        self.len += n;
        while self.chunks.len() * ATTENTION_CHUNK < self.len {
            let first = self.chunks.len() * ATTENTION_CHUNK;
            self.chunks.push(self.chunk(first));
        }
    }

    fn chunk(&self, first: usize) -> Chunk {
        let values = self.n_layers * ATTENTION_CHUNK * self.kv_width;
        let angles = ATTENTION_CHUNK * self.frequencies.len();
        let (mut cos, mut sin) = (Vec::with_capacity(angles), Vec::with_capacity(angles));
        for position in first..first + ATTENTION_CHUNK {
            for frequency in &self.frequencies {
                // In f32, as the models were trained.
                #[expect(clippy::cast_precision_loss, reason = "the definition: f32")]
                let angle = f64::from(position as f32 * frequency);
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the definition: rounded to f32"
                )]
                cos.push(libm::cos(angle) as f32);
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the definition: rounded to f32"
                )]
                sin.push(libm::sin(angle) as f32);
            }
        }
        Chunk { k: vec![0.0; values], v: vec![0.0; values], cos, sin }
    }

    /// Cosines and sines of one position, `[head_dim / 2]` each.
    pub(super) fn angles(&self, position: usize) -> (&[f32], &[f32]) {
        let chunk = &self.chunks[position / ATTENTION_CHUNK];
        let half = self.frequencies.len();
        let start = position % ATTENTION_CHUNK * half;
        (&chunk.cos[start..start + half], &chunk.sin[start..start + half])
    }

    /// Stores the keys and values of one position, `[kv_width]` each.
    pub(super) fn write(&mut self, layer: usize, position: usize, k: &[f32], v: &[f32]) {
        let start = (layer * ATTENTION_CHUNK + position % ATTENTION_CHUNK) * self.kv_width;
        let chunk = &mut self.chunks[position / ATTENTION_CHUNK];
        chunk.k[start..start + self.kv_width].copy_from_slice(k);
        chunk.v[start..start + self.kv_width].copy_from_slice(v);
    }

    /// Keys and values of one chunk of one layer, `[ATTENTION_CHUNK, kv_width]` each.
    pub(super) fn layer(&self, chunk: usize, layer: usize) -> (&[f32], &[f32]) {
        let size = ATTENTION_CHUNK * self.kv_width;
        let chunk = &self.chunks[chunk];
        (&chunk.k[layer * size..][..size], &chunk.v[layer * size..][..size])
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let of = |chunk: &Chunk| {
            [&chunk.k, &chunk.v, &chunk.cos, &chunk.sin]
                .iter()
                .map(|x| size_of_val(x.as_slice()))
                .sum::<usize>()
        };
        self.chunks.iter().map(of).sum()
    }
}
