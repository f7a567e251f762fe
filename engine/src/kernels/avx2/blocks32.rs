//! Products of weights in blocks of 32 with int8 activations, eight blocks at a time: one lane each.
//!
//! Each block's products are summed to eight 32-bit numbers; two joins and an addition turn those of eight blocks into one
//! register of block sums in the order of the lanes. The last blocks of a row that are fewer than eight are copied among
//! zeros: a scale and codes of zero add nothing to a lane, and no lane is ever -0.

use std::arch::x86_64::{
    __m256, __m256i, _mm_set_epi16, _mm_srli_epi16, _mm256_abs_epi8, _mm256_add_epi32,
    _mm256_and_si256, _mm256_castsi256_ps, _mm256_cmpeq_epi8, _mm256_cvtepi32_ps, _mm256_cvtph_ps,
    _mm256_fmadd_ps, _mm256_hadd_epi32, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps,
    _mm256_packs_epi32, _mm256_permute2x128_si256, _mm256_set_epi64x, _mm256_set_m128i,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setzero_ps,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_sign_epi8,
};

use super::{
    super::{
        Product, RowScale,
        scalar::{self, blocks32::Row},
    },
    dot::halve,
    lanes::{load_128, load_u8},
};
use crate::threads::Strip;

/// The scalar body, compiled for AVX2.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn pack(x: &[f32], packed: &mut [u8]) -> RowScale {
    scalar::blocks32::pack(x, packed)
}

/// The product for the strip's columns (weight rows) and rows (tokens), for a format whose scale is in the first two bytes of a
/// block, and its minimum, if it has one (`MIN`), in the next two.
///
/// `codes` reads the codes of a block, `dot` multiplies them by activations and sums each four, `join` adds neighbours of two such
/// registers, and `offset` takes off what the sums of eight blocks have too much, given the sums of the activations' codes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn product<const SIZE: usize, const MIN: bool>(
    product: &Product<'_>,
    out: &mut Strip<'_>,
    codes: impl Fn(&[u8; SIZE]) -> __m256i,
    dot: impl Fn(__m256i, __m256i) -> __m256i,
    join: impl Fn(__m256i, __m256i) -> __m256i,
    offset: impl Fn(__m256i, __m256i) -> __m256i,
) {
    let n_tokens = out.n_rows();
    let mut token = 0;
    while token < n_tokens {
        let n = if n_tokens - token >= 4 { 4 } else { 1 };
        for row in out.columns() {
            if n == 4 {
                tile::<SIZE, MIN, 4>(product, out, (row, token), &codes, &dot, &join, &offset);
            } else {
                tile::<SIZE, MIN, 1>(product, out, (row, token), &codes, &dot, &join, &offset);
            }
        }
        token += n;
    }
}

/// One row × `T` tokens.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn tile<const SIZE: usize, const MIN: bool, const T: usize>(
    product: &Product<'_>,
    out: &mut Strip<'_>,
    (row, token): (usize, usize),
    codes: &impl Fn(&[u8; SIZE]) -> __m256i,
    dot: &impl Fn(__m256i, __m256i) -> __m256i,
    join: &impl Fn(__m256i, __m256i) -> __m256i,
    offset: &impl Fn(__m256i, __m256i) -> __m256i,
) {
    let size = product.shape.cols / 32 * SIZE;
    let (blocks, _) = product.weights[row * size..][..size].as_chunks::<SIZE>();
    let (groups, rest) = blocks.as_chunks::<8>();
    let mut last = [[0; SIZE]; 8];
    last[..rest.len()].copy_from_slice(rest);
    let n_groups = groups.len() + usize::from(!rest.is_empty());
    let mut xs: [Groups<'_>; T] = [(&[], &[], &[], &[]); T];
    for t in 0..T {
        xs[t] = groups_of(product.x.row(token + t), n_groups);
    }
    let mut lanes = [_mm256_setzero_ps(); T];
    for g in 0..n_groups {
        let group = groups.get(g).unwrap_or(&last);
        let scale = scales(group, 0);
        let mut w = [_mm256_setzero_si256(); 8];
        for b in 0..8 {
            w[b] = codes(&group[b]);
        }
        for t in 0..T {
            let x = &xs[t].0[g];
            let pair =
                |b: usize| join(dot(w[b], load_u8(&x[b])), dot(w[b + 1], load_u8(&x[b + 1])));
            let (low, high) = (join(pair(0), pair(2)), join(pair(4), pair(6)));
            let sums = _mm256_add_epi32(
                _mm256_permute2x128_si256::<0x20>(low, high),
                _mm256_permute2x128_si256::<0x31>(low, high),
            );
            let x_sums = load_u8(&xs[t].2[g]);
            let sums = _mm256_cvtepi32_ps(offset(sums, x_sums));
            let d = _mm256_castsi256_ps(load_u8(&xs[t].1[g]));
            lanes[t] = _mm256_fmadd_ps(_mm256_mul_ps(scale, d), sums, lanes[t]);
            if MIN {
                let totals = _mm256_castsi256_ps(load_u8(&xs[t].3[g]));
                lanes[t] = _mm256_fmadd_ps(scales(group, 2), totals, lanes[t]);
            }
        }
    }
    let first = out.columns().start;
    for t in 0..T {
        out.row(token + t)[row - first] = halve(lanes[t]) * product.scale;
    }
}

/// Codes, scales, sums and totals of a packed row, eight blocks each.
type Groups<'a> = (&'a [[[u8; 32]; 8]], &'a [[u8; 32]], &'a [[u8; 32]], &'a [[u8; 32]]);

/// `n` groups of a packed row.
#[inline(always)]
fn groups_of<'a>(packed: &'a [u8], n: usize) -> Groups<'a> {
    let Row { codes, scales, sums, totals } = Row::of(packed);
    let words = |words: &'a [[u8; 4]]| &words.as_flattened().as_chunks().0[..n];
    (&codes.as_chunks().0[..n], words(scales), words(sums), words(totals))
}

/// The half-precision numbers at byte `at` of eight blocks.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn scales<const SIZE: usize>(group: &[[u8; SIZE]; 8], at: usize) -> __m256 {
    let [a, b, c, d, e, f, g, h] =
        group.each_ref().map(|block| i16::from_le_bytes([block[at], block[at + 1]]));
    _mm256_cvtph_ps(_mm_set_epi16(h, g, f, e, d, c, b, a))
}

/// 32 codes of four bits: the low halves, then the high ones.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn nibbles(bytes: &[u8; 16]) -> __m256i {
    let low = load_128(bytes);
    let both = _mm256_set_m128i(_mm_srli_epi16::<4>(low), low);
    _mm256_and_si256(both, _mm256_set1_epi8(15))
}

/// 16 where bit `e` of the word is set, for element `e`.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn fifth_bits(word: i32) -> __m256i {
    // Each byte takes the byte of the word that holds its bit, and keeps that bit alone.
    let bytes = _mm256_shuffle_epi8(
        _mm256_set1_epi32(word),
        _mm256_set_epi64x(
            0x0303_0303_0303_0303,
            0x0202_0202_0202_0202,
            0x0101_0101_0101_0101,
            0x0000_0000_0000_0000,
        ),
    );
    let bit = _mm256_set1_epi64x(i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]));
    let set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
    _mm256_and_si256(set, _mm256_set1_epi8(16))
}

/// Sums of four products of codes from 0 to 31: at most 4·31·127, which an i16 holds.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn dot_unsigned(w: __m256i, x: __m256i) -> __m256i {
    _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1))
}

/// Adds neighbours by way of 16 bits, for sums of up to 8 products of codes from 0 to 31: at most 8·31·127 = 31,496.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn join_narrow(a: __m256i, b: __m256i) -> __m256i {
    _mm256_madd_epi16(_mm256_packs_epi32(a, b), _mm256_set1_epi16(1))
}

/// Sums of four products of signed codes, whose sign goes to the activation: a pair is at most 2·128·127 = 32,512.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn dot_signed(w: __m256i, x: __m256i) -> __m256i {
    let products = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
    _mm256_madd_epi16(products, _mm256_set1_epi16(1))
}

/// Adds neighbours in 32 bits.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn join_wide(a: __m256i, b: __m256i) -> __m256i {
    _mm256_hadd_epi32(a, b)
}
