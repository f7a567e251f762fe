//! Products of TL1 weights: the lookups of `avx2`, 32 rows at a time, compiled for the registers and moves of AVX-512 VL.

use super::super::{Product, avx2};
use crate::threads::Strip;

/// The product for the strip's columns (weight rows, whole multiples of 32) and rows (tokens).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    avx2::tl1::product(product, out);
}
