//! Keys and values of one sequence, in chunks of `ATTENTION_CHUNK` positions.
//! A chunk is allocated when its first position arrives and kept after a rewind; a hostile context length in a model
//! file therefore allocates nothing.

use super::kv_format::{KvFormat, Values};
use crate::{
    Result,
    kernels::{ATTENTION_CHUNK, Stored},
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
        Self::of_heads(format, config.n_layers, config.n_kv_heads, config.head_dim)
    }

    pub(super) const fn of_heads(
        format: KvFormat,
        n_layers: usize,
        n_kv_heads: usize,
        head_dim: usize,
    ) -> Self {
        Self { format, n_layers, kv_width: n_kv_heads * head_dim, head_dim }
    }

    /// Bytes of one chunk of all layers.
    pub(super) const fn chunk_bytes(&self) -> usize {
        2 * self.format.bytes(self.n_values(), self.head_dim)
    }

    const fn n_values(&self) -> usize {
        self.n_layers * ATTENTION_CHUNK * self.kv_width
    }
}

/// Where the keys or values of one head in one chunk lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) layer: usize,
    pub(super) chunk: usize,
    pub(super) kv_head: usize,
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
    /// `[layer, kv_head, head_dim, position]`: the scores of neighbouring positions are summed side by side.
    k: Values,
    /// `[layer, kv_head, position, head_dim]`.
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
        let KvLayout { kv_width, head_dim: d, .. } = self.layout;
        let chunk = &mut self.chunks[position / ATTENTION_CHUNK];
        let position = position % ATTENTION_CHUNK;
        let heads = k.chunks_exact(d).zip(v.chunks_exact(d));
        for (head, (k, v)) in (layer * kv_width / d..).zip(heads) {
            let (start, scale) = (head * ATTENTION_CHUNK * d, head * ATTENTION_CHUNK + position);
            chunk.k.write((start + position, ATTENTION_CHUNK), scale, k);
            chunk.v.write((start + position * d, 1), scale, v);
        }
    }

    /// Keys of one head in a chunk, `[head_dim, ATTENTION_CHUNK]`.
    pub(super) fn keys(&self, place: Place) -> Stored<'_> {
        self.stored(place, |chunk| &chunk.k)
    }

    /// Its values, `[ATTENTION_CHUNK, head_dim]`.
    pub(super) fn values(&self, place: Place) -> Stored<'_> {
        self.stored(place, |chunk| &chunk.v)
    }

    fn stored(&self, place: Place, which: impl Fn(&Chunk) -> &Values) -> Stored<'_> {
        let KvLayout { kv_width, head_dim: d, .. } = self.layout;
        let scales = (place.layer * kv_width / d + place.kv_head) * ATTENTION_CHUNK;
        let scales = scales..scales + ATTENTION_CHUNK;
        which(&self.chunks[place.chunk]).stored(scales.start * d..scales.end * d, scales)
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
