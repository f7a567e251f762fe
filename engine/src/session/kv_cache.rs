//! Keys and values of one sequence, in chunks of `ATTENTION_CHUNK` positions.
//! A chunk is allocated when its first position arrives and kept after a rewind; a hostile context length in a model
//! file therefore allocates nothing.

use super::kv_format::{KvFormat, Values};
use crate::{
    Lines, Result,
    kernels::{ATTENTION_CHUNK, Kernels},
    model::Config,
};

/// What the caches of one session have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct KvLayout {
    format: KvFormat,
    n_layers: usize,
    kv_width: usize,
    head_dim: usize,
}

impl KvLayout {
    pub(super) const fn new(config: &Config, format: KvFormat) -> Self {
        let (n_layers, kv_width) = (config.n_layers, config.kv_width());
        Self { format, n_layers, kv_width, head_dim: config.head_dim }
    }

    /// Bytes of one chunk of all layers.
    pub(super) const fn chunk_bytes(&self) -> usize {
        2 * self.format.bytes(self.n_values(), self.head_dim)
    }

    const fn n_values(&self) -> usize {
        self.n_layers * ATTENTION_CHUNK * self.kv_width
    }
}

/// Grows by whole chunks.
#[derive(Debug)]
pub(super) struct KvCache {
    layout: KvLayout,
    chunks: Vec<Chunk>,
    len: usize,
}

/// `ATTENTION_CHUNK` positions of all layers.
#[derive(Debug)]
pub(super) struct Chunk {
    /// `[layer, kv_head, position, head_dim]`: what a head reads lies together.
    k: Values,
    /// Likewise.
    v: Values,
}

impl KvCache {
    pub(super) const fn new(layout: KvLayout) -> Self {
        Self { layout, chunks: Vec::new(), len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Chunks that are missing for a sequence of `len`.
    pub(super) fn missing(&self, len: usize) -> usize {
        len.div_ceil(ATTENTION_CHUNK).saturating_sub(self.chunks.len())
    }

    /// Makes room for a sequence of `len`, of `spare` chunks first.
    pub(super) fn reserve(&mut self, len: usize, spare: &mut Vec<Chunk>) -> Result<()> {
        for _ in 0..self.missing(len) {
            let chunk = match spare.pop() {
                Some(chunk) => chunk,
                None => Chunk::new(self.layout)?,
            };
            self.chunks.push(chunk);
        }
        Ok(())
    }

    /// Counts in `n` more positions, which there is room for; their keys and values are written layer by layer.
    pub(super) const fn extend(&mut self, n: usize) {
        self.len += n;
    }

    /// Its chunks, for another sequence.
    pub(super) fn into_chunks(self) -> Vec<Chunk> {
        self.chunks
    }

    /// Stores the keys and values of one position, `[kv_width]` each.
    pub(super) fn write(&mut self, layer: usize, position: usize, k: &[f32], v: &[f32]) {
        let KvLayout { kv_width, head_dim, .. } = self.layout;
        let chunk = &mut self.chunks[position / ATTENTION_CHUNK];
        let first = layer * ATTENTION_CHUNK * kv_width + position % ATTENTION_CHUNK * head_dim;
        let heads = k.chunks_exact(head_dim).zip(v.chunks_exact(head_dim));
        for (head, (k, v)) in heads.enumerate() {
            let start = first + head * ATTENTION_CHUNK * head_dim;
            chunk.k.write(start, k);
            chunk.v.write(start, v);
        }
    }

    /// Keys and values of one head at the first `n` positions of a chunk, `[n, head_dim]` each.
    pub(super) fn head<'a>(
        &'a self,
        (layer, chunk, kv_head): (usize, usize, usize),
        n: usize,
        kernels: &Kernels,
        wide: &'a mut [Lines<f32>; 2],
    ) -> [&'a [f32]; 2] {
        let KvLayout { kv_width, head_dim: d, .. } = self.layout;
        let start = (layer * kv_width + kv_head * d) * ATTENTION_CHUNK;
        let Chunk { k, v } = &self.chunks[chunk];
        let [wide_k, wide_v] = wide;
        let values = start..start + n * d;
        [k.read(values.clone(), d, kernels, wide_k), v.read(values, d, kernels, wide_v)]
    }

    /// Chunks held.
    pub(super) const fn n_chunks(&self) -> usize {
        self.chunks.len()
    }
}

impl Chunk {
    fn new(layout: KvLayout) -> Result<Self> {
        let zeros = || Values::zeros(layout.format, layout.n_values(), layout.head_dim);
        Ok(Self { k: zeros()?, v: zeros()? })
    }
}
