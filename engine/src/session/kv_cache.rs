//! Keys and values of one sequence, in chunks of `ATTENTION_CHUNK` positions.
//! A chunk is allocated when its first position arrives and kept after a rewind; a hostile context length in a model
//! file therefore allocates nothing.

use super::kv_format::{Chunk, Kind, KvFormat};
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
    n_kv_heads: usize,
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
        Self { format, n_layers, n_kv_heads, head_dim }
    }

    /// Bytes of one chunk of all layers.
    pub(super) const fn chunk_bytes(&self) -> usize {
        2 * self.format.bytes(self.n_heads() * ATTENTION_CHUNK * self.head_dim, self.head_dim)
    }

    /// A chunk of zeros.
    fn chunk(&self) -> Result<Chunk> {
        Chunk::zeros(self.format, self.n_heads(), self.head_dim)
    }

    /// Of all layers.
    const fn n_heads(&self) -> usize {
        self.n_layers * self.n_kv_heads
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
                None => self.layout.chunk()?,
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
        let KvLayout { n_kv_heads, head_dim, .. } = self.layout;
        let chunk = &mut self.chunks[position / ATTENTION_CHUNK];
        let heads = k.chunks_exact(head_dim).zip(v.chunks_exact(head_dim));
        for (head, (k, v)) in (layer * n_kv_heads..).zip(heads) {
            chunk.write(Kind::Keys, head, position % ATTENTION_CHUNK, k);
            chunk.write(Kind::Values, head, position % ATTENTION_CHUNK, v);
        }
    }

    /// Keys of one head in a chunk, in the order of [`Kind::Keys`].
    pub(super) fn keys(&self, place: Place) -> Stored<'_> {
        self.chunks[place.chunk].stored(Kind::Keys, self.head(place))
    }

    /// Its values, in the order of [`Kind::Values`].
    pub(super) fn values(&self, place: Place) -> Stored<'_> {
        self.chunks[place.chunk].stored(Kind::Values, self.head(place))
    }

    const fn head(&self, place: Place) -> usize {
        place.layer * self.layout.n_kv_heads + place.kv_head
    }

    /// Chunks held.
    pub(super) const fn n_chunks(&self) -> usize {
        self.chunks.len()
    }
}
