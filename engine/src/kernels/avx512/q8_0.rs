//! Products of `Q8_0` weights with int8 activations in blocks of 32: codes plus 128, of which 128 times the activations are
//! taken off.

use std::arch::x86_64::{
    __m256i, _mm256_set1_epi8, _mm256_slli_epi32, _mm256_sub_epi32, _mm256_xor_si256,
};

use super::{super::Product, blocks32, lanes::load_256};
use crate::{quant::q8_0::SIZE, threads::Strip};

/// The product for the strip's columns (weight rows) and rows (tokens).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    blocks32::product::<SIZE, false>(
        product,
        out,
        |block| codes(block),
        |w, x| blocks32::dot(w, x),
        |a, b| blocks32::join_wide(a, b),
        |sums, x| _mm256_sub_epi32(sums, _mm256_slli_epi32::<7>(x)),
    );
}

/// 0 to 255.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn codes(block: &[u8; SIZE]) -> __m256i {
    let [_, _, codes @ ..] = block;
    _mm256_xor_si256(load_256(codes), _mm256_set1_epi8(-128))
}
