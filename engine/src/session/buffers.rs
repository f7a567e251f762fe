//! Activations of one batch, allocated before the batch is computed: exactly, and so that a refusal changes nothing.

use aligned_vec::{AVec, Alignment};

use super::{
    attention::scores_width,
    dispatch::{Activations, Rows},
    out_of_memory,
};
use crate::{
    Lines, Model, Result,
    kernels::{Input, Kernels},
    model::Linear,
};

/// `[tokens, width]` each.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// Residual stream, `[tokens, n_embd]`.
    pub(super) x: Lines<f32>,
    /// Input of the attention and feed-forward projections, and of the head.
    pub(super) normed: Rows,
    /// Input of the output projection, `[tokens, q_width]`.
    pub(super) attended: Rows,
    /// Input of the down projection, `[tokens, n_ff]`.
    pub(super) gated: Rows,
    pub(super) q: Lines<f32>,
    pub(super) k: Lines<f32>,
    pub(super) v: Lines<f32>,
    pub(super) attention: Lines<f32>,
    pub(super) gate: Lines<f32>,
    pub(super) up: Lines<f32>,
    /// Scores of each head with all positions, `[n_heads, scores_width]`: of one token at a time.
    pub(super) scores: Lines<f32>,
    /// Output of a projection back to the residual stream.
    pub(super) projected: Lines<f32>,
}

/// What one token needs of each buffer: values of the plain ones in the order of [`Buffers::plain`], then the inputs.
#[derive(Clone, Debug)]
pub(super) struct Widths {
    plain: [usize; 8],
    rows: [RowsWidth; 3],
    n_heads: usize,
}

/// One token's share of [`Rows`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RowsWidth {
    pub(super) cols: usize,
    /// Bytes packed for each kind of input; 0 for those that no product takes.
    pub(super) packed: [usize; Input::N],
}

impl Widths {
    pub(super) fn new(model: &Model, kernels: &Kernels, activations: Activations) -> Self {
        let (config, weights) = (model.config(), model.weights());
        let n_heads = config.n_heads;
        let (n_embd, q, kv, n_ff) =
            (config.n_embd, config.q_width(), config.kv_width(), config.n_ff);
        let width = |cols, linears: &mut dyn Iterator<Item = &Linear>| {
            let mut width = RowsWidth { cols, ..RowsWidth::default() };
            for product in linears.filter_map(|linear| activations.product(kernels, linear)) {
                let row_len = kernels.packing(product.input).row_len;
                width.packed[product.input as usize] = row_len(cols);
            }
            width
        };
        let layers = || weights.layers.iter();
        let normed = layers()
            .flat_map(|l| [&l.attn_q, &l.attn_k, &l.attn_v, &l.ffn_gate, &l.ffn_up].into_iter());
        Self {
            plain: [n_embd, q, kv, kv, q, n_ff, n_ff, n_embd],
            rows: [
                width(n_embd, &mut normed.chain([&weights.output])),
                width(q, &mut layers().map(|l| &l.attn_output)),
                width(n_ff, &mut layers().map(|l| &l.ffn_down)),
            ],
            n_heads,
        }
    }

    /// Scores of a token behind which a sequence has `len`.
    pub(super) const fn n_scores(&self, len: usize) -> usize {
        self.n_heads * scores_width(len)
    }

    /// Bytes of all buffers for so many tokens, but for scores.
    pub(super) fn bytes(&self, n_tokens: usize) -> usize {
        let plain = self.plain.iter().sum::<usize>() * size_of::<f32>();
        let rows = self.rows.iter().map(RowsWidth::bytes).sum::<usize>();
        n_tokens * (plain + rows)
    }
}

impl Buffers {
    fn plain(&mut self) -> [&mut Lines<f32>; 8] {
        let Self { x, q, k, v, attention, gate, up, projected, .. } = self;
        [x, q, k, v, attention, gate, up, projected]
    }

    /// Has room for so many tokens, up to those of a sequence of `len`; no later pass over as many allocates.
    pub(super) fn reserve(&mut self, widths: &Widths, n_tokens: usize, len: usize) -> Result<()> {
        reserve(&mut self.scores, widths.n_scores(len))?;
        for (buffer, width) in self.plain().into_iter().zip(widths.plain) {
            reserve(buffer, n_tokens * width)?;
        }
        let Self { normed, attended, gated, .. } = self;
        for (rows, width) in [normed, attended, gated].into_iter().zip(&widths.rows) {
            rows.reserve(width, n_tokens)?;
        }
        Ok(())
    }

    /// Bytes held for scores.
    pub(super) fn scores_bytes(&self) -> usize {
        self.scores.capacity() * size_of::<f32>()
    }

    /// Bytes held for all else.
    pub(super) fn bytes(&self) -> usize {
        let Self { x, q, k, v, attention, gate, up, projected, .. } = self;
        let plain = [x, q, k, v, attention, gate, up, projected];
        let rows = [&self.normed, &self.attended, &self.gated];
        plain.iter().map(|x| x.capacity() * size_of::<f32>()).sum::<usize>()
            + rows.iter().map(|rows| rows.bytes()).sum::<usize>()
    }
}

/// Room for `len` values and not for more.
pub(super) fn reserve<T, A: Alignment>(values: &mut AVec<T, A>, len: usize) -> Result<()> {
    let more = len.saturating_sub(values.len());
    values.try_reserve_exact(more).map_err(|_| out_of_memory("activations", more * size_of::<T>()))
}
