//! Products of `Q4_0` weights with int8 activations in blocks of 32: nibbles from 0 to 15, of which 8 times the activations are taken off.

use std::arch::x86_64::{__m256i, _mm256_slli_epi32, _mm256_sub_epi32};

use super::{super::Product, blocks32};
use crate::{quant::q4_0::SIZE, threads::Strip};

/// The product for the strip's columns (weight rows) and rows (tokens).
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    blocks32::product::<SIZE, false>(
        product,
        out,
        |block| codes(block),
        |w, x| blocks32::dot_unsigned(w, x),
        |a, b| blocks32::join_narrow(a, b),
        |sums, x| _mm256_sub_epi32(sums, _mm256_slli_epi32::<3>(x)),
    );
}

/// 0 to 15.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn codes(block: &[u8; SIZE]) -> __m256i {
    let [_, _, codes @ ..] = block;
    blocks32::nibbles(codes)
}
