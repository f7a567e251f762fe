//! Products of TL2 weights: 32 rows × six columns are 32 bytes, and two tables serve them all; signs are masks of 16 bits.
//!
//! An entry is at most 381 in magnitude and a tile has at most 64 triples a row: 24,384, which an i16 holds; the pairs behind
//! the tiles are at most 80 of at most 254: 20,320. So the 16-bit sums are widened after every tile: exact.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_setzero_si256, _mm256_srai_epi16, _mm256_xor_si256,
};

use super::{
    super::{Product, scalar::triples},
    lanes::load_u8,
    lookup::{halves, lookup, widen, write},
};
use crate::{
    quant::tl2::{GROUP_SIZE, LANES, Layout},
    threads::Strip,
};

/// Tables of a group: eight triples.
type GroupTables = [u8; 256];

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
        for row in out.columns().step_by(LANES) {
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
    let (mut tables, mut pairs): ([&[GroupTables]; T], [&[u8]; T]) = ([&[]; T], [&[]; T]);
    for t in 0..T {
        let x = product.x.row(token + t);
        let (triples, behind) = triples::split(x, product.shape.cols, layout.three_k);
        (tables[t], pairs[t]) = (triples.as_chunks().0, behind);
    }
    let tile_groups = layout.tiles.cols / 24;
    let mut total = [[_mm256_setzero_si256(); 4]; T];
    for tile_col in 0..layout.n_tile_cols() {
        let (groups, _) = product.weights[layout.indices(row, tile_col)].as_chunks::<GROUP_SIZE>();
        let (signs, _) = product.weights[layout.signs(row, tile_col)].as_chunks::<LANES>();
        let mut here: [&[GroupTables]; T] = [&[]; T];
        for t in 0..T {
            here[t] = &tables[t][tile_col * tile_groups..][..tile_groups];
        }
        let mut acc = [[_mm256_setzero_si256(); 2]; T];
        for (i, (group, signs)) in groups.iter().zip(signs).enumerate() {
            add_group(&mut acc, group, load_u8(signs), &here, i);
        }
        for t in 0..T {
            widen(&mut total[t], acc[t]);
        }
    }
    if layout.two_k > 0 {
        let mut acc = [[_mm256_setzero_si256(); 2]; T];
        for tile_col in 0..layout.n_pair_tile_cols() {
            let (quads, _) = product.weights[layout.pairs(row, tile_col)].as_chunks::<LANES>();
            for (i, quad) in quads.iter().enumerate() {
                add_quad(&mut acc, load_u8(quad), &pairs, tile_col * quads.len() + i);
            }
        }
        for t in 0..T {
            widen(&mut total[t], acc[t]);
        }
    }
    for t in 0..T {
        // The layout swaps rows 8 to 15 with 16 to 23, so unpacking brings them out in order.
        write(product, total[t], out, row, token + t);
    }
}

/// Adds the products of 24 columns of 32 rows.
#[target_feature(enable = "avx2")]
#[inline]
fn add_group<const T: usize>(
    acc: &mut [[__m256i; 2]; T],
    group: &[u8; GROUP_SIZE],
    mut signs: __m256i,
    tables: &[&[GroupTables]; T],
    at: usize,
) {
    let (sixes, _) = group.as_chunks::<LANES>();
    for (i, six) in sixes.iter().enumerate() {
        let codes = halves(load_u8(six));
        for j in 0..2 {
            // The top bit is the sign in rows 0 to 15, the next one in rows 16 to 31; adding shifts.
            let lower = _mm256_srai_epi16::<15>(signs);
            signs = _mm256_add_epi16(signs, signs);
            let upper = _mm256_srai_epi16::<15>(signs);
            signs = _mm256_add_epi16(signs, signs);
            for t in 0..T {
                let (triples, _) = tables[t][at].as_chunks::<32>();
                let [a, b] = lookup(&triples[2 * i + j], codes[j]);
                acc[t][0] = _mm256_add_epi16(acc[t][0], negate(a, lower));
                acc[t][1] = _mm256_add_epi16(acc[t][1], negate(b, upper));
            }
        }
    }
}

/// Minus `x` where the mask is -1.
#[target_feature(enable = "avx2")]
#[inline]
fn negate(x: __m256i, mask: __m256i) -> __m256i {
    _mm256_xor_si256(_mm256_add_epi16(x, mask), mask)
}

/// Adds the products of four columns of 32 rows, in pairs.
#[target_feature(enable = "avx2")]
#[inline]
fn add_quad<const T: usize>(
    acc: &mut [[__m256i; 2]; T],
    codes: __m256i,
    tables: &[&[u8]; T],
    quad: usize,
) {
    let codes = halves(codes);
    for t in 0..T {
        let (quads, _) = tables[t].as_chunks::<64>();
        let (pairs, _) = quads[quad].as_chunks::<32>();
        for j in 0..2 {
            let [a, b] = lookup(&pairs[j], codes[j]);
            acc[t][0] = _mm256_add_epi16(acc[t][0], a);
            acc[t][1] = _mm256_add_epi16(acc[t][1], b);
        }
    }
}
