//! Products of `Q4_K` weights with int8 activations in blocks of 256 (`docs/numerics.md`, "Products of blocks").

use super::{
    super::{Input, Product, ProductKernel},
    blocks256, sub_blocks,
};
use crate::{quant::q4_k::unpack, threads::Strip};

/// See the file's door.
pub(in crate::kernels) const KERNEL: ProductKernel =
    ProductKernel { format: "q4_k", name: "q4_k_q8.scalar", input: Input::Blocks256, product };

/// The product for the strip's columns (weight rows) and rows (tokens).
fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    blocks256::product(product, out, unpack, |(of, codes), x, sums_of_16| {
        sub_blocks::sums(of, codes, x, sums_of_16)
    });
}
