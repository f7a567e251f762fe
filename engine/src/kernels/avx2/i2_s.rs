//! Ternary products with `vpmaddubsw`: unsigned codes (0, 1, 2) times signed activations, summed in pairs to i16.
//!
//! A pair sum is at most 2 · 2 · 127 = 508 in magnitude; four fields of one group make 2,032; 16 groups 32,512, which
//! an i16 still holds. So the 16-bit sums are widened every 16 groups: exact.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_and_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_setzero_si256,
    _mm256_srli_epi16,
};

use super::{
    super::{Product, row_bytes, scale_sum, tiled},
    lanes::{load_u8, to_array},
};
use crate::threads::Strip;

/// Groups after which the 16-bit sums are widened.
const GROUPS_PER_WIDENING: usize = 16;

/// The product for the strip's columns (weight rows) and rows (tokens).
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    let n_tokens = out.n_rows();
    let mut token = 0;
    while token < n_tokens {
        let rows = out.columns();
        if n_tokens - token >= 4 {
            tiled::<2>(
                rows,
                out,
                |out, r| tile::<2, 4>(product, out, r, token),
                |out, r| tile::<1, 4>(product, out, r, token),
            );
            token += 4;
        } else if n_tokens - token >= 2 {
            tiled::<2>(
                rows,
                out,
                |out, r| tile::<2, 2>(product, out, r, token),
                |out, r| tile::<1, 2>(product, out, r, token),
            );
            token += 2;
        } else {
            tiled::<4>(
                rows,
                out,
                |out, r| tile::<4, 1>(product, out, r, token),
                |out, r| tile::<1, 1>(product, out, r, token),
            );
            token += 1;
        }
    }
}

/// `R` rows × `T` tokens.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn tile<const R: usize, const T: usize>(
    product: &Product<'_>,
    out: &mut Strip<'_>,
    row: usize,
    token: usize,
) {
    let bytes = row_bytes(product.shape.cols);
    let mut weights: [&[[u8; 32]]; R] = [&[]; R];
    for r in 0..R {
        weights[r] = product.weights[(row + r) * bytes..][..bytes].as_chunks::<32>().0;
    }
    let mut xs: [&[[u8; 32]]; T] = [&[]; T];
    for t in 0..T {
        xs[t] = product.x.row(token + t).as_chunks::<32>().0;
    }
    let ones = _mm256_set1_epi16(1);
    let n_groups = weights[0].len();
    let mut total = [[_mm256_setzero_si256(); T]; R];
    let mut start = 0;
    while start < n_groups {
        let end = n_groups.min(start + GROUPS_PER_WIDENING);
        let mut acc = [[_mm256_setzero_si256(); T]; R];
        for g in start..end {
            for r in 0..R {
                let fields = fields(load_u8(&weights[r][g]));
                for t in 0..T {
                    for s in 0..4 {
                        let pairs = _mm256_maddubs_epi16(fields[s], load_u8(&xs[t][4 * g + s]));
                        acc[r][t] = _mm256_add_epi16(acc[r][t], pairs);
                    }
                }
            }
        }
        for r in 0..R {
            for t in 0..T {
                let wide = _mm256_madd_epi16(acc[r][t], ones);
                total[r][t] = _mm256_add_epi32(total[r][t], wide);
            }
        }
        start = end;
    }
    let first = out.columns().start;
    for t in 0..T {
        let scale = product.x.scales[token + t];
        let out = out.row(token + t);
        for r in 0..R {
            let sum = to_array(total[r][t]).iter().sum();
            out[row + r - first] = scale_sum(sum, scale, product.scale);
        }
    }
}

/// The four 2-bit fields of each byte, first elements first.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn fields(codes: __m256i) -> [__m256i; 4] {
    let mask = _mm256_set1_epi8(3);
    [
        _mm256_and_si256(_mm256_srli_epi16::<6>(codes), mask),
        _mm256_and_si256(_mm256_srli_epi16::<4>(codes), mask),
        _mm256_and_si256(_mm256_srli_epi16::<2>(codes), mask),
        _mm256_and_si256(codes, mask),
    ]
}
