//! Products of `Q8_0` weights with int8 activations in blocks of 32: signed codes, whose sign goes to the activation.

use std::arch::x86_64::__m256i;

use super::{super::Product, blocks32, lanes::load_u8};
use crate::{quant::q8_0::SIZE, threads::Strip};

/// The product for the strip's columns (weight rows) and rows (tokens).
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    blocks32::product::<SIZE, false>(
        product,
        out,
        |block| codes(block),
        |w, x| blocks32::dot_signed(w, x),
        |a, b| blocks32::join_wide(a, b),
        |sums, _| sums,
    );
}

/// -128 to 127.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn codes(block: &[u8; SIZE]) -> __m256i {
    let [_, _, codes @ ..] = block;
    load_u8(codes)
}
