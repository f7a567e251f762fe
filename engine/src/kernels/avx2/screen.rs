//! The screened head with `vpmaddubsw`: 6-bit codes times int8, in pairs. A pair is at most 2 · 63 · 127 = 16,002 in magnitude,
//! two of them 32,004: an i16 holds them, so 16-bit sums are widened every other product.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_add_epi64, _mm256_and_si256,
    _mm256_castsi256_si128, _mm256_cvtepi32_epi64, _mm256_extracti128_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_or_si256, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_setzero_si256, _mm256_slli_epi16, _mm256_slli_epi64, _mm256_srli_epi16,
};

use super::{
    super::{ScreenedRow, scalar},
    lanes::{load_u8, prefetch, to_array},
};

/// Bytes between the codes that are multiplied and those asked of memory meanwhile: rows lie one behind the other.
const AHEAD: usize = 7000;

/// The scalar body, compiled for AVX2.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn quantize(w: &[f32], six: &mut [u8], rest: &mut [u8]) -> ScreenedRow {
    scalar::screen::quantize(w, six, rest)
}

/// See `scalar::screen`.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn six(six: &[u8], x: &[u8], sums: &mut [i64]) {
    for (x, sum) in x.chunks_exact(x.len() / sums.len()).zip(sums) {
        *sum = six_of_one(six, x);
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn six_of_one(six: &[u8], x: &[u8]) -> i64 {
    let (two, four) = (_mm256_set1_epi8(0x30), _mm256_set1_epi8(0x0f));
    let mut acc = [_mm256_setzero_si256(); 2];
    for (six, x) in six.as_chunks::<192>().0.iter().zip(x.as_chunks::<512>().0) {
        (0..3).for_each(|line| prefetch(six, AHEAD + 64 * line));
        let six = six.as_chunks::<32>().0;
        for half in 0..2 {
            let bits = load_u8(&six[half]);
            let upper = [
                _mm256_slli_epi16::<4>(bits),
                _mm256_slli_epi16::<2>(bits),
                bits,
                _mm256_srli_epi16::<2>(bits),
            ];
            let (first, second) = (load_u8(&six[2 + half]), load_u8(&six[4 + half]));
            let lower =
                [first, _mm256_srli_epi16::<4>(first), second, _mm256_srli_epi16::<4>(second)];
            let mut codes = [two; 4];
            for s in 0..4 {
                let (upper, lower) =
                    (_mm256_and_si256(upper[s], two), _mm256_and_si256(lower[s], four));
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
        for s in [0, 2] {
            let first = _mm256_maddubs_epi16(codes[s], load_u8(&x[8 * t + 2 * s + half]));
            let second = _mm256_maddubs_epi16(codes[s + 1], load_u8(&x[8 * t + 2 * s + 2 + half]));
            let pairs = _mm256_madd_epi16(_mm256_add_epi16(first, second), ones);
            acc[t] = _mm256_add_epi32(acc[t], pairs);
        }
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
