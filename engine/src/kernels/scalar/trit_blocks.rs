//! Ternary products with a scale for each block of 256 (`TQ1_0`, `TQ2_0`): exact sums of a block, joined in order
//! (`docs/numerics.md`).
//! Source of the arithmetic: Ma et al. 2024 (BitNet b1.58); layouts: `docs/formats.md`.

use super::super::Product;
use crate::{
    quant::trit_blocks::{Trits, block_scale},
    threads::Strip,
};

/// The product for the strip's columns (weight rows) and rows (tokens), with blocks of `SIZE` bytes.
pub(super) fn product<const SIZE: usize>(
    product: &Product<'_>,
    out: &mut Strip<'_>,
    read: impl Fn(&[u8; SIZE]) -> Trits,
) {
    let (blocks, _) = product.weights.as_chunks::<SIZE>();
    let n = product.shape.cols / 256;
    let rows = out.columns();
    for token in 0..out.n_rows() {
        let x = product.x.row(token).as_chunks::<256>().0;
        let scale = product.x.scales[token].scale;
        let out = out.row(token);
        for (r, out) in rows.clone().zip(out) {
            let mut acc = 0.0_f32;
            for (block, x) in blocks[r * n..][..n].iter().zip(x) {
                let sum: i32 = read(block)
                    .into_iter()
                    .zip(x)
                    .map(|(t, q)| i32::from(t) * i32::from(q.cast_signed()))
                    .sum();
                #[expect(clippy::cast_precision_loss, reason = "|sum| ≤ 256 · 127: exact")]
                let sum = sum as f32;
                acc = block_scale(block).mul_add(sum, acc);
            }
            *out = acc / scale * product.scale;
        }
    }
}
