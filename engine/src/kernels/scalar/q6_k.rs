//! Products of `Q6_K` weights with int8 activations in blocks of 256 (`docs/numerics.md`, "Products of blocks").

use super::{
    super::{Input, Product, ProductKernel},
    blocks256::{self, Sums},
};
use crate::{
    quant::q6_k::{Unpacked, unpack},
    threads::Strip,
};

/// See the file's door.
pub(in crate::kernels) const KERNEL: ProductKernel =
    ProductKernel { format: "q6_k", name: "q6_k_q8.scalar", input: Input::Blocks256, product };

/// The product for the strip's columns (weight rows) and rows (tokens).
fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    blocks256::product(product, out, unpack, |w, x, _| sums(w, x));
}

/// `Σ_j sc_j Σ (q - 32) x`: at most 16·128·16·32·127 in magnitude.
#[inline(always)]
fn sums(w: &Unpacked, x: &[u8; 256]) -> Sums {
    let (codes, _) = w.codes.as_chunks::<16>();
    let (x, _) = x.as_chunks::<16>();
    let mut sum = 0;
    for j in 0..16 {
        sum += i32::from(w.scales[j]) * blocks256::dot(&codes[j], &x[j]);
    }
    Sums { d: w.d, sum, mins: None }
}
