//! Lookup tables of triples, as in `scalar`, low bytes in front of high ones: each half is what `vpshufb` takes.

use std::arch::x86_64::{
    _mm256_add_epi16, _mm256_set1_epi16, _mm256_setr_epi16, _mm256_sign_epi16,
};

use super::{
    super::{
        RowScale,
        scalar::{
            int8::{activation_scale, code},
            pairs::TABLE_SIZE,
            triples::{first_pair_col, row_len, triple_cols},
        },
    },
    lookup::store_table,
    pairs,
};

/// Quantizes one row and writes its tables.
#[target_feature(enable = "avx2")]
#[inline]
pub(in crate::kernels) fn pack(x: &[f32], packed: &mut [u8]) -> RowScale {
    let cols = x.len();
    assert!(cols.is_multiple_of(2), "whole pairs");
    assert_eq!(packed.len(), row_len(cols), "length of a packed row");
    let scale = activation_scale(x);
    let (triples, at_end) = packed.split_at_mut(triple_cols(cols) / 3 * TABLE_SIZE);
    let mut sum = tables(&x[..triple_cols(cols)], scale, triples);
    pairs::tables(&x[first_pair_col(cols)..], scale, at_end);
    sum += x[triple_cols(cols)..].iter().map(|x| i32::from(code(*x, scale))).sum::<i32>();
    RowScale { scale, sum }
}

/// The tables of `x`; returns the sum of its codes.
#[target_feature(enable = "avx2")]
#[inline]
fn tables(x: &[f32], scale: f32, packed: &mut [u8]) -> i32 {
    // Entry n is the product with the triple of index n.
    let s = _mm256_setr_epi16(0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0);
    let t = _mm256_setr_epi16(0, 0, 1, 1, 1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 0, 0);
    let u = _mm256_setr_epi16(0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 0);
    let (triples, _) = x.as_chunks::<3>();
    let (tables, _) = packed.as_chunks_mut::<TABLE_SIZE>();
    let mut sum = 0;
    for ([a, b, c], table) in triples.iter().zip(tables) {
        let (a, b) = (i16::from(code(*a, scale)), i16::from(code(*b, scale)));
        let c = i16::from(code(*c, scale));
        sum += i32::from(a + b + c);
        let a = _mm256_sign_epi16(_mm256_set1_epi16(a), s);
        let b = _mm256_sign_epi16(_mm256_set1_epi16(b), t);
        let c = _mm256_sign_epi16(_mm256_set1_epi16(c), u);
        store_table(table, _mm256_add_epi16(_mm256_add_epi16(a, b), c));
    }
    sum
}
