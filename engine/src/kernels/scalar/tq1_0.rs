//! Products with `TQ1_0`: see `trit_blocks`.

use super::{
    super::{Input, ProductKernel},
    trit_blocks,
};
use crate::quant::tq1_0::read;

/// See the file's door.
pub(in crate::kernels) const KERNEL: ProductKernel = ProductKernel {
    format: "tq1_0",
    name: "tq1_0_i8.scalar",
    input: Input::Int8,
    product: |product, out| trit_blocks::product(product, out, read),
};
