//! Products of `Q5_0` weights with int8 activations in blocks of 32: codes from 0 to 31, of which 16 times the activations are taken off.

use std::arch::x86_64::{__m256i, _mm256_or_si256, _mm256_slli_epi32, _mm256_sub_epi32};

use super::{super::Product, blocks32};
use crate::{quant::q5_0::SIZE, threads::Strip};

/// The product for the strip's columns (weight rows) and rows (tokens).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    blocks32::product::<SIZE, false>(
        product,
        out,
        |block| codes(block),
        |w, x| blocks32::dot(w, x),
        |a, b| blocks32::join_narrow(a, b),
        |sums, x| _mm256_sub_epi32(sums, _mm256_slli_epi32::<4>(x)),
    );
}

/// 0 to 31.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn codes(block: &[u8; SIZE]) -> __m256i {
    let [_, _, a, b, c, d, codes @ ..] = block;
    let fifth = blocks32::fifth_bits(i32::from_le_bytes([*a, *b, *c, *d]));
    _mm256_or_si256(blocks32::nibbles(codes), fifth)
}
