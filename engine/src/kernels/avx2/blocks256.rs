//! Products of weights in blocks of 256 with int8 activations: exact sums of a block in 32 bits, then one rounding each.

use std::arch::x86_64::{
    __m256i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_shuffle_epi32, _mm256_castsi256_si128,
    _mm256_extracti128_si256,
};

use super::super::{
    Product, RowScale,
    scalar::{self, blocks256::Row},
};
use crate::threads::Strip;

/// The scalar body, compiled for AVX2.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn pack(x: &[f32], packed: &mut [u8]) -> RowScale {
    scalar::blocks256::pack(x, packed)
}

/// The sums of one block of weights and one of activations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sums {
    /// Of codes times activations, still in eight lanes.
    pub(super) sum: __m256i,
    /// Of minima times activations, still in eight lanes; zeros in formats without.
    pub(super) mins: __m256i,
}

/// The product for the strip's columns (weight rows) and rows (tokens).
///
/// `unpack` reads a block: its two scales (`dmin` is only asked where `MIN`) and whatever `sums` wants to see of it.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn product<const SIZE: usize, const MIN: bool, W>(
    product: &Product<'_>,
    out: &mut Strip<'_>,
    unpack: impl Fn(&[u8; SIZE]) -> (f32, f32, W),
    sums: impl Fn(&W, &[[u8; 32]; 8], &[u8; 32]) -> Sums,
) {
    let n_tokens = out.n_rows();
    let mut token = 0;
    while token < n_tokens {
        let n = if n_tokens - token >= 4 { 4 } else { 1 };
        for row in out.columns() {
            if n == 4 {
                tile::<SIZE, MIN, 4, W>(product, out, (row, token), &unpack, &sums);
            } else {
                tile::<SIZE, MIN, 1, W>(product, out, (row, token), &unpack, &sums);
            }
        }
        token += n;
    }
}

/// One row × `T` tokens.
#[expect(clippy::cast_precision_loss, reason = "the rounding of the definition")]
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn tile<const SIZE: usize, const MIN: bool, const T: usize, W>(
    product: &Product<'_>,
    out: &mut Strip<'_>,
    (row, token): (usize, usize),
    unpack: &impl Fn(&[u8; SIZE]) -> (f32, f32, W),
    sums: &impl Fn(&W, &[[u8; 32]; 8], &[u8; 32]) -> Sums,
) {
    let size = product.shape.cols / 256 * SIZE;
    let (blocks, _) = product.weights[row * size..][..size].as_chunks::<SIZE>();
    let mut xs = [Row { codes: &[], scales: &[], sums: &[] }; T];
    for t in 0..T {
        let Row { codes, scales, sums } = Row::of(product.x.row(token + t));
        let n = blocks.len();
        xs[t] = Row { codes: &codes[..n], scales: &scales[..n], sums: &sums[..n] };
    }
    let mut acc = [0.0_f32; T];
    for (b, block) in blocks.iter().enumerate() {
        let (d, dmin, w) = unpack(block);
        for t in 0..T {
            let x: &[[u8; 32]; 8] =
                xs[t].codes[b].as_chunks().0.first_chunk().expect("256 are 8 times 32");
            let Sums { sum, mins } = sums(&w, x, &xs[t].sums[b]);
            let scale = f32::from_le_bytes(xs[t].scales[b]);
            acc[t] = (d * scale).mul_add(total(sum) as f32, acc[t]);
            if MIN {
                acc[t] = (-(dmin * scale)).mul_add(total(mins) as f32, acc[t]);
            }
        }
    }
    let first = out.columns().start;
    for t in 0..T {
        out.row(token + t)[row - first] = acc[t] * product.scale;
    }
}

/// The sum of eight lanes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn total(x: __m256i) -> i32 {
    let x = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
    let x = _mm_add_epi32(x, _mm_shuffle_epi32::<0b01_00_11_10>(x));
    _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32::<0b10_11_00_01>(x)))
}
