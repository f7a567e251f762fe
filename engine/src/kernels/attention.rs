//! What one call of the attention kernels takes: keys or values of one key head in one chunk of positions, as they are stored.

/// Positions that a chunk has (`docs/numerics.md`).
pub const ATTENTION_CHUNK: usize = 64;
/// Queries that one call takes at most; more of them don't fit the registers.
pub const ATTENTION_QUERIES: usize = 4;
/// Values of a head at most.
pub const ATTENTION_HEAD: usize = 1024;
/// Codes that lie together, as many as a lane of an integer dot product takes.
pub const ATTENTION_CODES: usize = 4;

/// Keys or values of one key head in one chunk.
#[derive(Clone, Copy, Debug)]
pub enum Stored<'a> {
    /// As computed.
    F32(&'a [f32]),
    /// Half precision, little-endian bytes.
    F16(&'a [[u8; 2]]),
    /// Codes, and one scale for each position.
    Int8 {
        /// Four that are summed lie together: keys, `[head_dim / 4, ATTENTION_CHUNK, 4]`, `head_dim` rounded up to fours by zeros; values,
        /// `[ATTENTION_CHUNK / 4, head_dim, 4]`, with as many behind them that are not read.
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

    /// Whether these are a chunk of heads of `head_dim`.
    fn is_whole(&self, head_dim: usize) -> bool {
        match self {
            Self::F32(values) => values.len() == ATTENTION_CHUNK * head_dim,
            Self::F16(values) => values.len() == ATTENTION_CHUNK * head_dim,
            Self::Int8 { codes, scales } => {
                codes.len() == ATTENTION_CHUNK * head_dim.next_multiple_of(ATTENTION_CODES)
                    && scales.len() == ATTENTION_CHUNK
            }
        }
    }
}

/// Largest code of a stored value, and of a query's.
pub(crate) const MOST_CODE: f32 = 127.0;
/// Largest code of a probability: its two bytes are multiplied each by itself.
pub(in crate::kernels) const MOST_CODE_OF_P: f32 = 32_767.0;

/// How values become codes, and what a code of 1 stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    /// What a value is multiplied by.
    pub(crate) factor: f32,
    /// One step.
    pub(crate) step: f32,
}

impl Steps {
    /// Of values up to `absmax` in codes up to `most`. What is too small to be told from 0 counts as 0; a NaN among the values makes a
    /// NaN of the step, so that what follows shows it.
    #[inline(always)]
    pub(crate) fn new(absmax: f32, any_nan: bool, most: f32) -> Self {
        let factor = most / absmax;
        let (factor, step) = if factor.is_finite() { (factor, absmax / most) } else { (0.0, 0.0) };
        Self { factor, step: if any_nan { f32::NAN } else { step } }
    }

    /// Of these values.
    #[inline(always)]
    pub(crate) fn of(x: &[f32], most: f32) -> Self {
        let absmax = x.iter().fold(0.0_f32, |most, x| if x.abs() > most { x.abs() } else { most });
        Self::new(absmax, x.iter().any(|x| x.is_nan()), most)
    }

    /// Of a value within 127 steps.
    #[expect(clippy::cast_possible_truncation, reason = "within ±127; NaN becomes 0")]
    #[inline(always)]
    pub(crate) fn code(self, x: f32) -> i8 {
        (x * self.factor).round_ties_even() as i8
    }

    /// Of a value within 32,767 steps.
    #[expect(clippy::cast_possible_truncation, reason = "within ±32,767; NaN becomes 0")]
    #[inline(always)]
    pub(in crate::kernels) fn code_p(self, x: f32) -> i16 {
        (x * self.factor).round_ties_even() as i16
    }
}

/// The first positions of a chunk, and what the queries that look at them have in common.
#[derive(Clone, Copy, Debug)]
pub struct AttentionChunk<'a> {
    /// Keys, `[head_dim, ATTENTION_CHUNK]`, or values, `[ATTENTION_CHUNK, head_dim]`; as codes in another order.
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
        assert!(head_dim <= ATTENTION_HEAD, "heads of {head_dim}");
        assert!(
            heads.len() == n_queries * head_dim
                && stored.is_whole(head_dim)
                && scores.len() >= (n_queries - 1) * stride + ATTENTION_CHUNK,
            "whole heads, a whole chunk with its scales, and room for its scores"
        );
        n_queries
    }
}
