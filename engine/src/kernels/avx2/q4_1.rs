//! Products of `Q4_1` weights with int8 activations in blocks of 32: nibbles from 0 to 15.

use std::arch::x86_64::__m256i;

use super::{super::Product, blocks32};
use crate::{quant::q4_1::SIZE, threads::Strip};

/// The product for the strip's columns (weight rows) and rows (tokens).
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    blocks32::product::<SIZE, true>(
        product,
        out,
        |block| codes(block),
        |w, x| blocks32::dot_unsigned(w, x),
        |a, b| blocks32::join_narrow(a, b),
        |sums, _| sums,
    );
}

/// 0 to 15.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn codes(block: &[u8; SIZE]) -> __m256i {
    let [_, _, _, _, codes @ ..] = block;
    blocks32::nibbles(codes)
}
