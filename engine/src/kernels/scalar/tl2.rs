//! Products of TL2 weights: each index looks its triple's product with the activations up (`triples`) and a bit says its sign;
//! columns behind the tiles are pairs, as in `tl1`. Exact in i32.
//! Source of the method: microsoft/BitNet, `utils/codegen_tl2.py`; layout: `docs/formats.md`.

use super::{
    super::{Input, Product, ProductKernel, RowScale, scale_sum},
    pairs::{TABLE_SIZE, entry},
    triples,
};
use crate::{
    quant::tl2::{GROUP_SIZE, LANES, Layout, place},
    threads::Strip,
};

/// See the file's door.
pub(in crate::kernels) const KERNEL: ProductKernel =
    ProductKernel { format: "tl2", name: "tl2_lut.scalar", input: Input::Triples, product };

/// The product for the strip's columns (weight rows, whole multiples of 32) and rows (tokens).
fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    let layout = Layout::new(product.shape);
    let rows = out.columns();
    for token in 0..out.n_rows() {
        // A table holds the products themselves: nothing is to be taken off.
        let scale = RowScale { sum: 0, ..product.x.scales[token] };
        let x = product.x.row(token);
        let (triples, pairs) = triples::split(x, product.shape.cols, layout.three_k);
        for row in rows.clone().step_by(LANES) {
            let mut sums = [0; LANES];
            add_triples(product.weights, &layout, row, triples, &mut sums);
            add_pairs(product.weights, &layout, row, pairs, &mut sums);
            let out = &mut out.row(token)[row - rows.start..][..LANES];
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = scale_sum(sum, scale, product.scale);
            }
        }
    }
}

/// `Σ t·q` over the columns in triples, of 32 rows.
fn add_triples(
    weights: &[u8],
    layout: &Layout,
    row: usize,
    tables: &[u8],
    sums: &mut [i32; LANES],
) {
    // Two tables a byte, four bytes a group.
    let (tables, _) = tables.as_chunks::<TABLE_SIZE>();
    let mut tables = tables.as_chunks::<2>().0.as_chunks::<4>().0.iter();
    for tile_col in 0..layout.n_tile_cols() {
        let (groups, _) = weights[layout.indices(row, tile_col)].as_chunks::<GROUP_SIZE>();
        let (signs, _) = weights[layout.signs(row, tile_col)].as_chunks::<LANES>();
        for ((group, signs), tables) in groups.iter().zip(signs).zip(&mut tables) {
            let (sixes, _) = group.as_chunks::<LANES>();
            // Each row's signs, that of the next triple at the top.
            let mut words = [0; LANES];
            for (i, word) in words.iter_mut().enumerate() {
                let lane = i % 16 * 2;
                *word = u16::from_le_bytes([signs[lane], signs[lane + 1]]) << (i / 16);
            }
            for ([first, second], six) in tables.iter().zip(sixes) {
                for run in (0..LANES).step_by(8) {
                    let bytes = &six[place(run)..][..8];
                    for (i, byte) in (run..).zip(bytes) {
                        let a = signed(entry(first, byte >> 4), words[i]);
                        let b = signed(entry(second, *byte), words[i] << 2);
                        sums[i] += a + b;
                        words[i] <<= 4;
                    }
                }
            }
        }
    }
}

/// The same over the columns in pairs.
fn add_pairs(weights: &[u8], layout: &Layout, row: usize, tables: &[u8], sums: &mut [i32; LANES]) {
    let (tables, _) = tables.as_chunks::<TABLE_SIZE>();
    let mut tables = tables.as_chunks::<2>().0.iter();
    for tile_col in 0..layout.n_pair_tile_cols() {
        let (quads, _) = weights[layout.pairs(row, tile_col)].as_chunks::<LANES>();
        for (quad, [first, second]) in quads.iter().zip(&mut tables) {
            for (i, sum) in sums.iter_mut().enumerate() {
                let byte = quad[place(i)];
                *sum += entry(first, byte >> 4) + entry(second, byte);
            }
        }
    }
}

/// Minus `x` where the top bit of `sign` is set.
#[inline(always)]
fn signed(x: i32, sign: u16) -> i32 {
    let mask = -i32::from(sign >> 15);
    (x + mask) ^ mask
}
