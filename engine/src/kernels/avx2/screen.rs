//! The screened head with `vpmaddubsw`: codes of at most 5 bits times int8, in pairs. A pair is at most 2 · 31 · 127 = 7,874 in
//! magnitude, four of them 31,496: an i16 holds the sum of all fields of a block.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_add_epi64, _mm256_and_si256,
    _mm256_castsi256_si128, _mm256_cvtepi32_epi64, _mm256_extracti128_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_or_si256, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_setzero_si256, _mm256_slli_epi16, _mm256_slli_epi64, _mm256_srli_epi16,
};

use super::{
    super::{ScreenedRow, scalar, scalar::screen::blocks, screen::FIRST},
    lanes::{load_u8, prefetch, to_array},
};

/// Bytes between the codes that are multiplied and those asked of memory meanwhile: rows lie one behind the other.
const AHEAD: usize = 7000;

/// The scalar body, compiled for AVX2.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn quantize(w: &[f32], first: &mut [u8], rest: &mut [u8]) -> ScreenedRow {
    scalar::screen::quantize(w, first, rest)
}

/// See `scalar::screen`.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn first(first: &[u8], x: &[u8], sums: &mut [i64]) {
    for (x, sum) in x.chunks_exact(x.len() / sums.len()).zip(sums) {
        *sum = first_of_one(first, x);
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn first_of_one(first: &[u8], x: &[u8]) -> i64 {
    let (one, four) = (_mm256_set1_epi8(0x10), _mm256_set1_epi8(0x0f));
    let mut acc = [_mm256_setzero_si256(); 2];
    for (i, ((nibbles, bits), x)) in blocks(first).zip(x.as_chunks::<512>().0).enumerate() {
        (0..3).for_each(|line| prefetch(&first[0], AHEAD + FIRST * i + 64 * line));
        let bits = load_u8(bits);
        let nibbles = nibbles.as_chunks::<32>().0;
        for half in 0..2 {
            let upper = if half == 0 {
                [
                    _mm256_slli_epi16::<4>(bits),
                    _mm256_slli_epi16::<3>(bits),
                    _mm256_slli_epi16::<2>(bits),
                    _mm256_slli_epi16::<1>(bits),
                ]
            } else {
                [
                    bits,
                    _mm256_srli_epi16::<1>(bits),
                    _mm256_srli_epi16::<2>(bits),
                    _mm256_srli_epi16::<3>(bits),
                ]
            };
            let (a, c) = (load_u8(&nibbles[half]), load_u8(&nibbles[2 + half]));
            let lower = [a, _mm256_srli_epi16::<4>(a), c, _mm256_srli_epi16::<4>(c)];
            let mut codes = [one; 4];
            for s in 0..4 {
                let (upper, lower) =
                    (_mm256_and_si256(upper[s], one), _mm256_and_si256(lower[s], four));
                codes[s] = _mm256_or_si256(upper, lower);
            }
            acc = add(acc, &codes, x, half);
        }
    }
    total(acc)
}

/// See `scalar::screen`.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn rest(rest: &[u8], x: &[u8]) -> i64 {
    let mask = _mm256_set1_epi8(3);
    let mut acc = [_mm256_setzero_si256(); 2];
    for (rest, x) in rest.as_chunks::<64>().0.iter().zip(x.as_chunks::<512>().0) {
        for (half, bits) in rest.as_chunks::<32>().0.iter().enumerate() {
            let bits = load_u8(bits);
            let codes = [
                _mm256_and_si256(bits, mask),
                _mm256_and_si256(_mm256_srli_epi16::<2>(bits), mask),
                _mm256_and_si256(_mm256_srli_epi16::<4>(bits), mask),
                _mm256_and_si256(_mm256_srli_epi16::<6>(bits), mask),
            ];
            acc = add(acc, &codes, x, half);
        }
    }
    total(acc)
}

/// Adds the products of 32 codes of each field of a block, the first or the second half of it, to the sums of the high parts
/// and to those of the low ones.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn add(mut acc: [__m256i; 2], codes: &[__m256i; 4], x: &[u8; 512], half: usize) -> [__m256i; 2] {
    let ones = _mm256_set1_epi16(1);
    let x = x.as_chunks::<32>().0;
    for t in 0..2 {
        let mut pairs = _mm256_setzero_si256();
        for s in 0..4 {
            let x = load_u8(&x[8 * t + 2 * s + half]);
            pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(codes[s], x));
        }
        acc[t] = _mm256_add_epi32(acc[t], _mm256_madd_epi16(pairs, ones));
    }
    acc
}

/// 128 · the lanes of the high parts + those of the low ones.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn total([high, low]: [__m256i; 2]) -> i64 {
    let both = _mm256_add_epi64(_mm256_slli_epi64::<7>(wide(high)), wide(low));
    let lanes = to_array(both);
    let pair =
        |i: usize| i64::from(lanes[2 * i + 1]) << 32 | i64::from(lanes[2 * i].cast_unsigned());
    pair(0) + pair(1) + pair(2) + pair(3)
}

/// 8 lanes added up to 4 wider ones.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn wide(x: __m256i) -> __m256i {
    let low = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(x));
    _mm256_add_epi64(low, _mm256_cvtepi32_epi64(_mm256_extracti128_si256::<1>(x)))
}
