//! What bounds a kernel on AVX-512: `vpdpbusd` in registers, and reading memory.

use std::{
    arch::x86_64::{
        _mm512_add_epi32, _mm512_add_epi64, _mm512_dpbusd_epi32, _mm512_reduce_add_epi32,
        _mm512_reduce_add_epi64, _mm512_set1_epi8, _mm512_setzero_si512,
    },
    hint::black_box,
};

use super::lanes::load_u8;

/// Runs `turns` turns of 12 independent instructions (64 multiply-adds each); returns (multiply-adds, checksum).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn int8_peak(turns: u64) -> (u64, i64) {
    let w = black_box(_mm512_set1_epi8(1));
    let x = black_box(_mm512_set1_epi8(-1));
    let mut acc = [_mm512_setzero_si512(); 12];
    for _ in 0..turns {
        for acc in &mut acc {
            *acc = _mm512_dpbusd_epi32(*acc, w, x);
        }
    }
    let total = acc.iter().fold(_mm512_setzero_si512(), |total, acc| _mm512_add_epi32(total, *acc));
    (turns * 12 * 64, i64::from(_mm512_reduce_add_epi32(total)))
}

/// See `scalar::peak`; written out, since the compiler makes gathers of the scalar body.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn read(buffer: &[u8]) -> u64 {
    let (lines, _) = buffer.as_chunks::<256>();
    let mut sums = [_mm512_setzero_si512(); 4];
    for line in lines {
        let (words, _) = line.as_chunks::<64>();
        for j in 0..4 {
            sums[j] = _mm512_add_epi64(sums[j], load_u8(&words[j]));
        }
    }
    let [a, b, c, d] = sums;
    let total = _mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d));
    _mm512_reduce_add_epi64(total).cast_unsigned()
}
