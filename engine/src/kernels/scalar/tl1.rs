//! Products of TL1 weights: each code looks its pair's product with the activations up (`pairs`), exact in i32.
//! Source of the method: microsoft/BitNet, `utils/codegen_tl1.py`; layout: `docs/formats.md`.

use super::{
    super::{Input, Product, ProductKernel, RowScale, scale_sum},
    pairs::{TABLE_SIZE, entry},
};
use crate::{
    quant::tl1::{Layout, RUN_SIZE},
    threads::Strip,
};

/// Rows side by side.
const SIDE: usize = 16;

/// See the file's door.
pub(in crate::kernels) const KERNEL: ProductKernel =
    ProductKernel { format: "tl1", name: "tl1_lut.scalar", input: Input::Pairs, product };

/// The product for the strip's columns (weight rows, whole multiples of 32) and rows (tokens).
fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    let layout = Layout::new(product.shape);
    let rows = out.columns();
    for token in 0..out.n_rows() {
        // A table holds the products themselves: nothing is to be taken off.
        let scale = RowScale { sum: 0, ..product.x.scales[token] };
        for row in rows.clone().step_by(SIDE) {
            let sums = side(product, &layout, token, row);
            let out = &mut out.row(token)[row - rows.start..][..SIDE];
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = scale_sum(sum, scale, product.scale);
            }
        }
    }
}

/// `Σ t·q` of 16 rows.
fn side(product: &Product<'_>, layout: &Layout, token: usize, row: usize) -> [i32; SIDE] {
    let (tables, _) = product.x.row(token).as_chunks::<TABLE_SIZE>();
    let n_quads = 64 / layout.tiles.lanes;
    // Of a run, the bytes of these rows.
    let start = row % layout.tiles.lanes * n_quads;
    let mut sums = [0; SIDE];
    let mut tables = tables.as_chunks::<2>().0.iter();
    for tile_col in 0..layout.n_tile_cols() {
        let (runs, _) = product.weights[layout.block(row, tile_col)].as_chunks::<RUN_SIZE>();
        for run in runs {
            let (quads, _) = run[start..].as_chunks::<SIDE>();
            for (quad, [first, second]) in quads.iter().take(n_quads).zip(&mut tables) {
                for (byte, sum) in quad.iter().zip(&mut sums) {
                    *sum += entry(first, byte >> 4) + entry(second, *byte);
                }
            }
        }
    }
    sums
}
