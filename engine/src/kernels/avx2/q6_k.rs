//! Products of `Q6_K` weights with int8 activations in blocks of 256: codes from 0 to 63, of which 32 times the activations are
//! taken off.
//!
//! A pair of products is at most 2·63·127 = 16,002, which an i16 holds; times a scale, two such pairs stay below 2^22.

use std::arch::x86_64::{
    __m256i, _mm_set_epi8, _mm_shuffle_epi8, _mm256_add_epi32, _mm256_and_si256,
    _mm256_cvtepi8_epi16, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_slli_epi16, _mm256_slli_epi32, _mm256_srli_epi16, _mm256_sub_epi32,
};

use super::{
    super::Product,
    blocks256::{self, Sums},
    lanes::{load_128, load_u8},
};
use crate::{
    quant::{q6_k::SIZE, scale_at},
    threads::Strip,
};

/// The product for the strip's columns (weight rows) and rows (tokens).
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    blocks256::product::<SIZE, false, _>(
        product,
        out,
        |block| (scale_at(block, SIZE - 2), 0.0, unpack(block)),
        |w, x, x_sums| sums(w, x, x_sums),
    );
}

/// A block's codes and scales.
struct Unpacked {
    /// 0 to 63, in element order.
    codes: [__m256i; 8],
    /// For each of them, the scale of its lower and of its upper 16 elements, in 16 bits.
    scales: [__m256i; 8],
    /// All 16 scales, in 16 bits.
    of_16: __m256i,
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn unpack(block: &[u8; SIZE]) -> Unpacked {
    let (parts, rest) = block.as_chunks::<32>();
    let scales = load_128(rest.first_chunk().expect("16 scales stand before d"));
    let low = _mm256_set1_epi8(0x0f);
    let high = _mm256_set1_epi8(0x30);
    let mut codes = [_mm256_setzero_si256(); 8];
    for n in 0..2 {
        let (a, b) = (load_u8(&parts[2 * n]), load_u8(&parts[2 * n + 1]));
        let h = load_u8(&parts[4 + n]);
        let join = |l, h| _mm256_or_si256(_mm256_and_si256(l, low), _mm256_and_si256(h, high));
        codes[4 * n] = join(a, _mm256_slli_epi16::<4>(h));
        codes[4 * n + 1] = join(b, _mm256_slli_epi16::<2>(h));
        codes[4 * n + 2] = join(_mm256_srli_epi16::<4>(a), h);
        codes[4 * n + 3] = join(_mm256_srli_epi16::<4>(b), _mm256_srli_epi16::<2>(h));
    }
    // Scales of even sub-blocks in the lower half, of odd ones in the upper, so that one shuffle spreads a pair.
    let even_odd = _mm_set_epi8(15, 13, 11, 9, 7, 5, 3, 1, 14, 12, 10, 8, 6, 4, 2, 0);
    let pairs = _mm256_cvtepi8_epi16(_mm_shuffle_epi8(scales, even_odd));
    let mut spread = [pairs; 8];
    let mut bytes = 0x0100;
    for spread in &mut spread {
        *spread = _mm256_shuffle_epi8(pairs, _mm256_set1_epi16(bytes));
        bytes += 0x0202;
    }
    Unpacked { codes, scales: spread, of_16: _mm256_cvtepi8_epi16(scales) }
}

/// `Σ sc q x - 32 Σ sc x`.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn sums(w: &Unpacked, x: &[[u8; 32]; 8], x_sums: &[u8; 32]) -> Sums {
    let offset = _mm256_madd_epi16(w.of_16, load_u8(x_sums));
    let mut sum = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32::<5>(offset));
    for i in 0..8 {
        let products = _mm256_maddubs_epi16(w.codes[i], load_u8(&x[i]));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(products, w.scales[i]));
    }
    Sums { sum, mins: _mm256_setzero_si256() }
}
