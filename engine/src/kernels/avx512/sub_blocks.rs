//! What `Q4_K` and `Q5_K` share: codes from 0 to 31 in sub-blocks of 32 with 6-bit scales and minima.
//!
//! A pair of products is at most 2·31·127 = 7,874, which an i16 holds; times a scale, two such pairs stay below 2^20.

use std::arch::x86_64::{
    __m256i, _mm_cvtsi64_si128, _mm_unpacklo_epi8, _mm256_add_epi32, _mm256_cvtepu8_epi16,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_setzero_si256,
};

use super::{blocks256::Sums, lanes::load_256};
use crate::quant::SubScales;

/// A block's codes, scales and minima.
pub(super) struct Unpacked {
    /// In element order.
    pub(super) codes: [__m256i; 8],
    /// Of each 32, in 16 bits.
    scales: [__m256i; 8],
    /// Of each 16, that is each twice, in 16 bits.
    mins: __m256i,
}

/// Puts the parts together.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
pub(super) fn unpacked(of: &SubScales, codes: [__m256i; 8]) -> Unpacked {
    let mut scales = [_mm256_setzero_si256(); 8];
    for j in 0..8 {
        scales[j] = _mm256_set1_epi16(i16::from(of.scales[j]));
    }
    let mins = _mm_cvtsi64_si128(i64::from_le_bytes(of.mins));
    Unpacked { codes, scales, mins: _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(mins, mins)) }
}

/// `Σ sc q x` and `Σ m x`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
pub(super) fn sums(w: &Unpacked, x: &[[u8; 32]; 8], x_sums: &[u8; 32]) -> Sums {
    let mut sum = _mm256_setzero_si256();
    for j in 0..8 {
        let products = _mm256_maddubs_epi16(w.codes[j], load_256(&x[j]));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(products, w.scales[j]));
    }
    Sums { sum, mins: _mm256_madd_epi16(w.mins, load_256(x_sums)) }
}
