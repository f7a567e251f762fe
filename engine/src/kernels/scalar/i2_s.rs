//! Ternary products: I2_S codes with int8 activations, exact in i32 (`docs/numerics.md`).
//! Source of the arithmetic: Ma et al. 2024 (BitNet b1.58); layout: `docs/formats.md`.

use super::super::{Input, Product, ProductKernel, row_bytes, scale_sum};
use crate::threads::Strip;

/// See the file's door.
pub(in crate::kernels) const KERNEL: ProductKernel =
    ProductKernel { format: "i2_s", name: "ternary_i8.scalar", input: Input::Int8, product };

/// The product for the strip's columns (weight rows) and rows (tokens).
fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    let bytes = row_bytes(product.shape.cols);
    let rows = out.columns();
    for token in 0..out.n_rows() {
        let x = product.x.row(token);
        let scale = product.x.scales[token];
        let out = out.row(token);
        for (r, out) in rows.clone().zip(out) {
            let acc = dot_row(&product.weights[r * bytes..][..bytes], x);
            *out = scale_sum(acc, scale, product.scale);
        }
    }
}

/// `Σ code_i · x_i` of one row, codes 0, 1, 2.
fn dot_row(codes: &[u8], x: &[u8]) -> i32 {
    let (groups, _) = codes.as_chunks::<32>();
    let (xs, _) = x.as_chunks::<128>();
    let mut acc = 0;
    for (group, x) in groups.iter().zip(xs) {
        for p in 0..32 {
            let byte = i32::from(group[p]);
            acc += (byte >> 6) * i32::from(x[p].cast_signed());
            acc += (byte >> 4 & 3) * i32::from(x[p + 32].cast_signed());
            acc += (byte >> 2 & 3) * i32::from(x[p + 64].cast_signed());
            acc += (byte & 3) * i32::from(x[p + 96].cast_signed());
        }
    }
    acc
}
