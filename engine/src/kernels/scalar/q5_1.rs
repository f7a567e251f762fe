//! Products of `Q5_1` weights with int8 activations in blocks of 32 (`docs/numerics.md`, "Products of blocks").

use super::{
    super::{Input, Product, ProductKernel},
    blocks32,
};
use crate::{quant::q5_1::unpack, threads::Strip};

/// See the file's door.
pub(in crate::kernels) const KERNEL: ProductKernel =
    ProductKernel { format: "q5_1", name: "q5_1_q8.scalar", input: Input::Blocks32, product };

/// The product for the strip's columns (weight rows) and rows (tokens).
fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    blocks32::product(product, out, unpack);
}
