//! Lookups of 32 codes at once with `vpshufb`: an entry of 16 bits is looked up as two bytes and put together by unpacking.
//! Tables: sixteen low bytes, then sixteen high ones.
//! In: 32 codes in the low or high halves of bytes, a table. Out: two registers of 16 entries.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_castsi256_si128, _mm256_cvtepi16_epi32, _mm256_extracti128_si256,
    _mm256_permute4x64_epi64, _mm256_set1_epi8, _mm256_setr_epi8, _mm256_shuffle_epi8,
    _mm256_srli_epi16, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8,
};

use super::{
    super::{Product, RowScale, scale_sum},
    lanes::{load_128, to_array},
};
use crate::threads::Strip;

/// The entries of 32 codes (0 to 15): of the lower 8 of each half of the register, and of its upper 8.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn lookup(table: &[u8; 32], codes: __m256i) -> [__m256i; 2] {
    let (halves, _) = table.as_chunks::<16>();
    let low = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load_128(&halves[0])), codes);
    let high = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load_128(&halves[1])), codes);
    [_mm256_unpacklo_epi8(low, high), _mm256_unpackhi_epi8(low, high)]
}

/// The codes in the high halves of bytes, and those in the low ones.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn halves(bytes: __m256i) -> [__m256i; 2] {
    let mask = _mm256_set1_epi8(15);
    [_mm256_and_si256(_mm256_srli_epi16::<4>(bytes), mask), _mm256_and_si256(bytes, mask)]
}

/// Writes a table: sixteen entries of 16 bits, their low bytes in front of their high ones.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn store_table(table: &mut [u8; 32], entries: __m256i) {
    #[rustfmt::skip] // Even bytes, then odd ones, in each half.
    let apart = _mm256_setr_epi8(
        0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15,
        0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15,
    );
    let halves = _mm256_shuffle_epi8(entries, apart);
    let words = to_array(_mm256_permute4x64_epi64::<0b11_01_10_00>(halves));
    for (bytes, word) in table.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
}

/// Adds 32 sums of 16 bits to sums of 32: the halves of the first register, then those of the second.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn widen(total: &mut [__m256i; 4], acc: [__m256i; 2]) {
    for i in 0..2 {
        let low = _mm256_cvtepi16_epi32(_mm256_castsi256_si128(acc[i]));
        let high = _mm256_cvtepi16_epi32(_mm256_extracti128_si256::<1>(acc[i]));
        total[2 * i] = _mm256_add_epi32(total[2 * i], low);
        total[2 * i + 1] = _mm256_add_epi32(total[2 * i + 1], high);
    }
}

/// Scales and writes the 32 outputs from `row` on of one token; `totals` in the order of rows.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn write(
    product: &Product<'_>,
    totals: [__m256i; 4],
    out: &mut Strip<'_>,
    row: usize,
    token: usize,
) {
    // A table holds the products themselves: nothing is to be taken off.
    let scale = RowScale { sum: 0, ..product.x.scales[token] };
    let first = out.columns().start;
    let out = &mut out.row(token)[row - first..][..32];
    let (outs, _) = out.as_chunks_mut::<8>();
    for (out, total) in outs.iter_mut().zip(totals) {
        for (out, sum) in out.iter_mut().zip(to_array(total)) {
            *out = scale_sum(sum, scale, product.scale);
        }
    }
}
