//! Products with `TQ2_0`: see `trit_blocks`.

use super::{
    super::{Input, ProductKernel},
    trit_blocks,
};
use crate::quant::tq2_0::read;

/// See the file's door.
pub(in crate::kernels) const KERNEL: ProductKernel = ProductKernel {
    format: "tq2_0",
    name: "tq2_0_i8.scalar",
    input: Input::Int8,
    product: |product, out| trit_blocks::product(product, out, read),
};
