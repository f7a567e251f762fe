//! What bounds a kernel on AVX2: `vpmaddubsw` with its addition in registers, and reading memory.

use std::arch::x86_64::{
    _mm256_add_epi16, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_setzero_si256,
};

use super::{
    super::scalar,
    lanes::{opaque, to_array},
};

/// Runs `turns` turns of 12 independent pairs of instructions (32 multiply-adds each); returns (multiply-adds,
/// checksum). The 16-bit sums wrap after 16,384 turns, which the checksum shows and the rate does not mind.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn int8_peak(turns: u64) -> (u64, i64) {
    let (w, mut x) = (opaque(_mm256_set1_epi8(1)), _mm256_set1_epi8(-1));
    let mut acc = [_mm256_setzero_si256(); 12];
    for _ in 0..turns {
        for acc in &mut acc {
            // Another value each time, for all the compiler knows: else one product would serve all twelve sums, or all turns.
            x = opaque(x);
            *acc = _mm256_add_epi16(*acc, _mm256_maddubs_epi16(w, x));
        }
    }
    let ones = _mm256_set1_epi16(1);
    let wide = acc.iter().map(|acc| to_array(_mm256_madd_epi16(*acc, ones)));
    let sum = wide.flatten().map(i64::from).sum();
    (turns * 12 * 32, sum)
}

/// See `scalar::peak`.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn read(buffer: &[u8]) -> u64 {
    scalar::peak::read(buffer)
}
