//! Ternary products with a scale for each block of 256 (`TQ1_0`, `TQ2_0`), with `vpmaddubsw`: unsigned codes (0, 1, 2) times
//! signed activations, summed in pairs to i16.
//!
//! A pair sum is at most 2 · 2 · 127 = 508 in magnitude, eight of a block 4,064, and the block's sum of activations, which a
//! code makes too many, 2,032: an i16 holds the difference. Four rows at a time, so that one addition over lanes serves four.

use std::arch::x86_64::{
    __m128, __m256i, _mm_add_epi32, _mm_cvtepi32_ps, _mm_cvtph_ps, _mm_cvtsi64_si128, _mm_div_ps,
    _mm_fmadd_ps, _mm_mul_ps, _mm_set1_ps, _mm_setzero_ps, _mm256_add_epi16,
    _mm256_castps128_ps256, _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_hadd_epi32,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_setzero_si256, _mm256_sub_epi16,
};

use super::{
    super::{Product, tiled},
    lanes::{load_u8, store_f32},
};
use crate::threads::Strip;

/// Rows of a tile: the lanes of a register of sums.
const ROWS: usize = 4;

/// The codes (0, 1, 2) of a block, 32 elements a register, in element order.
pub(super) type Codes = [__m256i; 8];

/// The product for the strip's columns (weight rows) and rows (tokens), with blocks of `SIZE` bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn product<const SIZE: usize>(
    product: &Product<'_>,
    out: &mut Strip<'_>,
    codes: impl Fn(&[u8; SIZE]) -> Codes + Copy,
) {
    let n_tokens = out.n_rows();
    let mut token = 0;
    while token < n_tokens {
        let rows = out.columns();
        if n_tokens - token >= 4 {
            tiled::<ROWS>(
                rows,
                out,
                |out, r| tile::<SIZE, ROWS, 4>(product, out, r, token, codes),
                |out, r| tile::<SIZE, 1, 4>(product, out, r, token, codes),
            );
            token += 4;
        } else {
            tiled::<ROWS>(
                rows,
                out,
                |out, r| tile::<SIZE, ROWS, 1>(product, out, r, token, codes),
                |out, r| tile::<SIZE, 1, 1>(product, out, r, token, codes),
            );
            token += 1;
        }
    }
}

/// `R` rows (up to four) × `T` tokens.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn tile<const SIZE: usize, const R: usize, const T: usize>(
    product: &Product<'_>,
    out: &mut Strip<'_>,
    row: usize,
    token: usize,
    codes: impl Fn(&[u8; SIZE]) -> Codes,
) {
    let n_blocks = product.shape.cols / 256;
    let (blocks, _) = product.weights.as_chunks::<SIZE>();
    let mut weights: [&[[u8; SIZE]]; R] = [&[]; R];
    for r in 0..R {
        weights[r] = &blocks[(row + r) * n_blocks..][..n_blocks];
    }
    let mut xs: [&[[[u8; 32]; 8]]; T] = [&[]; T];
    for t in 0..T {
        xs[t] = &product.x.row(token + t).as_chunks::<32>().0.as_chunks::<8>().0[..n_blocks];
    }
    let zero = _mm256_setzero_si256();
    let mut acc = [_mm_setzero_ps(); T];
    for b in 0..n_blocks {
        let mut x_sums = [zero; T];
        for t in 0..T {
            for x in &xs[t][b] {
                let pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), load_u8(x));
                x_sums[t] = _mm256_add_epi16(x_sums[t], pairs);
            }
        }
        let mut sums = [[zero; 4]; T];
        for r in 0..R {
            let codes = codes(&weights[r][b]);
            for t in 0..T {
                let mut sum = zero;
                for (codes, x) in codes.iter().zip(&xs[t][b]) {
                    sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(*codes, load_u8(x)));
                }
                let exact = _mm256_sub_epi16(sum, x_sums[t]);
                sums[t][r] = _mm256_madd_epi16(exact, _mm256_set1_epi16(1));
            }
        }
        let scales = scales(&weights, b);
        for t in 0..T {
            acc[t] = _mm_fmadd_ps(scales, across(sums[t]), acc[t]);
        }
    }
    let first = out.columns().start;
    for t in 0..T {
        let scaled = _mm_div_ps(acc[t], _mm_set1_ps(product.x.scales[token + t].scale));
        let mut y = [0.0; 8];
        store_f32(&mut y, _mm256_castps128_ps256(_mm_mul_ps(scaled, _mm_set1_ps(product.scale))));
        out.row(token + t)[row - first..][..R].copy_from_slice(&y[..R]);
    }
}

/// The sums over the lanes of four rows, as floats: exact, since a block's sum is at most 256 · 127.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn across([a, b, c, d]: [__m256i; 4]) -> __m128 {
    let halves = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    let high = _mm256_extracti128_si256::<1>(halves);
    _mm_cvtepi32_ps(_mm_add_epi32(_mm256_castsi256_si128(halves), high))
}

/// The scales of block `b` of each row; 0 where there is no row.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn scales<const SIZE: usize, const R: usize>(weights: &[&[[u8; SIZE]]; R], b: usize) -> __m128 {
    let mut halves = [0; 8];
    for r in 0..R {
        halves[2 * r..][..2].copy_from_slice(&weights[r][b][SIZE - 2..]);
    }
    _mm_cvtph_ps(_mm_cvtsi64_si128(i64::from_le_bytes(halves)))
}
