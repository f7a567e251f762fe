//! Products of TL1 weights: 32 rows × four columns are 32 bytes, and two tables serve them all.
//!
//! An entry is at most 254 in magnitude and a tile has at most 128 pairs a row: 32,512, which an i16 holds. So the 16-bit sums
//! are widened after every tile: exact.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_permute2x128_si256, _mm256_setzero_si256,
};

use super::{
    super::Product,
    lanes::load_u8,
    lookup::{halves, lookup, widen, write},
};
use crate::{
    quant::tl1::{Layout, RUN_SIZE},
    threads::Strip,
};

/// The product for the strip's columns (weight rows, whole multiples of 32) and rows (tokens).
#[target_feature(enable = "avx2")]
#[inline]
pub(in crate::kernels) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    let n_tokens = out.n_rows();
    let mut token = 0;
    while token < n_tokens {
        let width = match n_tokens - token {
            0..2 => 1,
            2..4 => 2,
            _ => 4,
        };
        for row in out.columns().step_by(32) {
            match width {
                1 => rows::<1>(product, out, row, token),
                2 => rows::<2>(product, out, row, token),
                _ => rows::<4>(product, out, row, token),
            }
        }
        token += width;
    }
}

/// 32 rows × `T` tokens.
#[target_feature(enable = "avx2")]
#[inline]
fn rows<const T: usize>(product: &Product<'_>, out: &mut Strip<'_>, row: usize, token: usize) {
    let layout = Layout::new(product.shape);
    let tile_quads = layout.tiles.cols / 4;
    let mut tables: [&[[u8; 64]]; T] = [&[]; T];
    for t in 0..T {
        tables[t] = product.x.row(token + t).as_chunks::<64>().0;
    }
    let mut total = [[_mm256_setzero_si256(); 4]; T];
    for tile_col in 0..layout.n_tile_cols() {
        let (runs, _) = product.weights[layout.block(row, tile_col)].as_chunks::<RUN_SIZE>();
        let mut here: [&[[u8; 64]]; T] = [&[]; T];
        for t in 0..T {
            here[t] = &tables[t][tile_col * tile_quads..][..tile_quads];
        }
        let mut acc = [[_mm256_setzero_si256(); 2]; T];
        if layout.tiles.lanes == 32 {
            // Two quads of rows 0 to 15, then of rows 16 to 31.
            for (i, run) in runs.iter().enumerate() {
                let (sides, _) = run.as_chunks::<32>();
                let (upper, lower) = (load_u8(&sides[0]), load_u8(&sides[1]));
                let first = _mm256_permute2x128_si256::<0x20>(upper, lower);
                add_quad(&mut acc, first, &here, 2 * i);
                let second = _mm256_permute2x128_si256::<0x31>(upper, lower);
                add_quad(&mut acc, second, &here, 2 * i + 1);
            }
        } else {
            // One quad of 64 rows.
            let half = row % 64 / 32;
            for (i, run) in runs.iter().enumerate() {
                let codes = load_u8(&run.as_chunks::<32>().0[half]);
                add_quad(&mut acc, codes, &here, i);
            }
        }
        for t in 0..T {
            widen(&mut total[t], acc[t]);
        }
    }
    for t in 0..T {
        // Unpacking kept halves apart: rows 0 to 7 and 16 to 23 came out first.
        let [a, c, b, d] = total[t];
        write(product, [a, b, c, d], out, row, token + t);
    }
}

/// Adds the products of four columns of 32 rows.
#[target_feature(enable = "avx2")]
#[inline]
fn add_quad<const T: usize>(
    acc: &mut [[__m256i; 2]; T],
    codes: __m256i,
    tables: &[&[[u8; 64]]; T],
    quad: usize,
) {
    let codes = halves(codes);
    for t in 0..T {
        let (pairs, _) = tables[t][quad].as_chunks::<32>();
        for j in 0..2 {
            let [low, high] = lookup(&pairs[j], codes[j]);
            acc[t][0] = _mm256_add_epi16(acc[t][0], low);
            acc[t][1] = _mm256_add_epi16(acc[t][1], high);
        }
    }
}
