//! What one call of the attention kernels takes: keys or values of one key head in one chunk of positions, as they are stored.

/// Positions that a chunk has (`docs/numerics.md`).
pub const ATTENTION_CHUNK: usize = 64;
/// Queries that one call takes at most; more of them don't fit the registers.
pub const ATTENTION_QUERIES: usize = 4;

/// Keys or values of one key head in one chunk.
#[derive(Clone, Copy, Debug)]
pub enum Stored<'a> {
    /// As computed.
    F32(&'a [f32]),
    /// Half precision, little-endian bytes.
    F16(&'a [[u8; 2]]),
    /// Codes, and one scale for each position.
    Int8 {
        /// As many as there are values.
        codes: &'a [i8],
        /// `[ATTENTION_CHUNK]`.
        scales: &'a [f32],
    },
}

impl Stored<'_> {
    /// Where its values start.
    #[must_use]
    pub fn address(&self) -> usize {
        match self {
            Self::F32(values) => values.as_ptr().addr(),
            Self::F16(values) => values.as_ptr().addr(),
            Self::Int8 { codes, .. } => codes.as_ptr().addr(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F16(values) => values.len(),
            Self::Int8 { codes, .. } => codes.len(),
        }
    }
}

/// The first positions of a chunk, and what the queries that look at them have in common.
#[derive(Clone, Copy, Debug)]
pub struct AttentionChunk<'a> {
    /// Keys, `[head_dim, ATTENTION_CHUNK]`, or values, `[ATTENTION_CHUNK, head_dim]`.
    pub stored: Stored<'a>,
    /// Bytes from them to those that will be read next, which are asked for meanwhile; 0 for none. Wraps around.
    pub ahead: usize,
    /// Values of one head.
    pub head_dim: usize,
    /// Positions, at most [`ATTENTION_CHUNK`].
    pub n: usize,
    /// Scores from one query's to the next one's.
    pub stride: usize,
}

impl AttentionChunk<'_> {
    /// What every attention kernel asks of its caller; how many queries there are.
    #[inline(always)]
    pub(in crate::kernels) fn n_queries(&self, heads: &[f32], scores: &[f32]) -> usize {
        let Self { stored, head_dim, n, stride, .. } = *self;
        let n_queries = heads.len() / head_dim;
        assert!((1..=ATTENTION_QUERIES).contains(&n_queries), "{n_queries} queries");
        assert!((1..=ATTENTION_CHUNK).contains(&n), "{n} positions");
        assert!(
            heads.len() == n_queries * head_dim
                && stored.len() == ATTENTION_CHUNK * head_dim
                && scores.len() >= (n_queries - 1) * stride + ATTENTION_CHUNK,
            "whole heads, a whole chunk, and room for its scores"
        );
        if let Stored::Int8 { scales, .. } = stored {
            assert_eq!(scales.len(), ATTENTION_CHUNK, "a scale for each position");
        }
        n_queries
    }
}
