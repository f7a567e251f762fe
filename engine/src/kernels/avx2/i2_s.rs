//! Ternary products with `vpmaddubsw`: unsigned codes (0, 1, 2) times signed activations, summed in pairs to i16.
//!
//! A pair sum is at most 2 · 2 · 127 = 508 in magnitude; four fields of one group make 2,032; 16 groups 32,512, which
//! an i16 still holds. So the 16-bit sums are widened every 16 groups: exact.

use std::{
    arch::x86_64::{
        __m256i, _mm_add_epi32, _mm_cvtepi32_ps, _mm_div_ps, _mm_mul_ps, _mm_set1_epi32,
        _mm_set1_ps, _mm_sub_epi32, _mm256_add_epi16, _mm256_add_epi32, _mm256_and_si256,
        _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_madd_epi16, _mm256_maddubs_epi16,
        _mm256_set1_epi8, _mm256_set1_epi16, _mm256_setzero_si256, _mm256_srli_epi16,
        _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
    },
    ops::Range,
};

use super::{
    super::{Product, row_bytes, scale_sum, tiled},
    lanes::{load_u8, prefetch, store_4, to_array},
};
use crate::threads::Strip;

/// Groups after which the 16-bit sums are widened.
const GROUPS_PER_WIDENING: usize = 16;
/// Bytes between the weights that a single token is multiplied by and those asked of memory meanwhile, at least: as on AVX-512.
const AHEAD: usize = 7000;
/// Bytes of activations that stay in the first-level cache while all rows pass: half of 32 KiB.
const ACTIVATIONS: usize = 16 << 10;

/// One row of weights, a group after the other.
type Row<'a> = &'a [[u8; 32]];
/// One row of activations: in each group one array for each field of its bytes.
type Token<'a> = &'a [[[u8; 32]; 4]];

/// The product for the strip's columns (weight rows) and rows (tokens).
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    let n_tokens = out.n_rows();
    let block = (ACTIVATIONS / product.x.row_len.max(1) / 4).max(1) * 4;
    for first in (0..n_tokens).step_by(block) {
        let tokens = first..n_tokens.min(first + block);
        tiled::<4>(
            out.columns(),
            out,
            |out, r| rows::<4>(product, out, r, tokens.clone()),
            |out, r| rows::<1>(product, out, r, tokens.clone()),
        );
    }
}

/// `R` rows × all of `tokens`.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn rows<const R: usize>(
    product: &Product<'_>,
    out: &mut Strip<'_>,
    row: usize,
    tokens: Range<usize>,
) {
    let bytes = row_bytes(product.shape.cols);
    let mut weights: [Row<'_>; R] = [&[]; R];
    for r in 0..R {
        weights[r] = product.weights[(row + r) * bytes..][..bytes].as_chunks::<32>().0;
    }
    let mut token = tokens.start;
    while token + 4 <= tokens.end {
        four_tokens(product, &weights, out, row, token);
        token += 4;
    }
    for token in token..tokens.end {
        let sums = tile(&weights, &activations::<1>(product, token, weights[0].len()));
        write(&sums, 0, product, out, row, token);
    }
}

/// Two rows at a time: with four tokens they fill the registers.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn four_tokens<const R: usize>(
    product: &Product<'_>,
    weights: &[Row<'_>; R],
    out: &mut Strip<'_>,
    row: usize,
    token: usize,
) {
    let x = activations::<4>(product, token, weights[0].len());
    let mut sums = [[_mm256_setzero_si256(); 4]; R];
    let (pairs, last) = weights.as_chunks::<2>();
    let (pairs_sums, last_sums) = sums.as_chunks_mut::<2>();
    for (pair, sums) in pairs.iter().zip(pairs_sums) {
        *sums = tile(pair, &x);
    }
    for (row, sums) in last.iter().zip(last_sums) {
        [*sums] = tile(&[*row], &x);
    }
    for t in 0..4 {
        write(&sums, t, product, out, row, token + t);
    }
}

/// The activations of `T` tokens.
#[inline(always)]
fn activations<'a, const T: usize>(
    product: &Product<'a>,
    token: usize,
    n_groups: usize,
) -> [Token<'a>; T] {
    let mut x: [Token<'_>; T] = [&[]; T];
    for t in 0..T {
        let (registers, _) = product.x.row(token + t).as_chunks::<32>();
        x[t] = &registers.as_chunks::<4>().0[..n_groups];
    }
    x
}

/// Sums of `R` rows × `T` tokens, in lanes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn tile<const R: usize, const T: usize>(
    weights: &[Row<'_>; R],
    x: &[Token<'_>; T],
) -> [[__m256i; T]; R] {
    let n_groups = weights[0].len();
    let mut total = widened(weights, x, 0..n_groups.min(GROUPS_PER_WIDENING));
    for start in (GROUPS_PER_WIDENING..n_groups).step_by(GROUPS_PER_WIDENING) {
        let more = widened(weights, x, start..n_groups.min(start + GROUPS_PER_WIDENING));
        for r in 0..R {
            for t in 0..T {
                total[r][t] = _mm256_add_epi32(total[r][t], more[r][t]);
            }
        }
    }
    total
}

/// The same over as many groups as 16-bit sums hold.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn widened<const R: usize, const T: usize>(
    weights: &[Row<'_>; R],
    x: &[Token<'_>; T],
    groups: Range<usize>,
) -> [[__m256i; T]; R] {
    let (mask, ones) = (_mm256_set1_epi8(3), _mm256_set1_epi16(1));
    let ahead = AHEAD.next_multiple_of(R * 32 * weights[0].len());
    let mut sums = [[_mm256_setzero_si256(); T]; R];
    for g in groups {
        let mut codes = [mask; R];
        for r in 0..R {
            codes[r] = load_u8(&weights[r][g]);
        }
        if T == 1 {
            for line in (R * g..R * (g + 1)).step_by(2) {
                prefetch(&weights[0][0], ahead + 32 * line);
            }
        }
        // The last field is in the lowest bits: each is shifted down to there in its turn.
        for s in (0..4).rev() {
            for r in 0..R {
                let field = _mm256_and_si256(codes[r], mask);
                codes[r] = _mm256_srli_epi16::<2>(codes[r]);
                for t in 0..T {
                    let pairs = _mm256_maddubs_epi16(field, load_u8(&x[t][g][s]));
                    sums[r][t] = _mm256_add_epi16(sums[r][t], pairs);
                }
            }
        }
    }
    for r in 0..R {
        for t in 0..T {
            sums[r][t] = _mm256_madd_epi16(sums[r][t], ones);
        }
    }
    sums
}

/// Adds up the lanes of token `t`'s sums, scales and writes them: four rows at a time by a transposition.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn write<const R: usize, const T: usize>(
    sums: &[[__m256i; T]; R],
    t: usize,
    product: &Product<'_>,
    out: &mut Strip<'_>,
    row: usize,
    token: usize,
) {
    let x = product.x.scales[token];
    let first = out.columns().start;
    let out = &mut out.row(token)[row - first..][..R];
    let (quads, rest) = sums.as_chunks::<4>();
    let (outs, out_rest) = out.as_chunks_mut::<4>();
    for ([a, b, c, d], out) in quads.iter().zip(outs) {
        let (a, b, c, d) = (a[t], b[t], c[t], d[t]);
        let ab = _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let cd = _mm256_add_epi32(_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        let abcd = _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
        let sum = _mm_add_epi32(_mm256_castsi256_si128(abcd), _mm256_extracti128_si256::<1>(abcd));
        let exact = _mm_cvtepi32_ps(_mm_sub_epi32(sum, _mm_set1_epi32(x.sum)));
        let scale = _mm_set1_ps(product.scale);
        store_4(out, _mm_mul_ps(_mm_div_ps(exact, _mm_set1_ps(x.scale)), scale));
    }
    for (sums, out) in rest.iter().zip(out_rest) {
        *out = scale_sum(to_array(sums[t]).iter().sum(), x, product.scale);
    }
}
