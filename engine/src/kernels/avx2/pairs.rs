//! Lookup tables of pairs, as in `scalar`, low bytes in front of high ones: each half is what `vpshufb` takes.

use std::arch::x86_64::{
    _mm256_add_epi16, _mm256_set1_epi16, _mm256_setr_epi16, _mm256_sign_epi16,
};

use super::{
    super::{
        RowScale,
        scalar::{
            int8::{activation_scale, code},
            pairs::{TABLE_SIZE, row_len},
        },
    },
    lookup::store_table,
};

/// Quantizes one row and writes its tables.
#[target_feature(enable = "avx2")]
#[inline]
pub(in crate::kernels) fn pack(x: &[f32], packed: &mut [u8]) -> RowScale {
    assert!(x.len().is_multiple_of(2), "whole pairs");
    assert_eq!(packed.len(), row_len(x.len()), "length of a packed row");
    let scale = activation_scale(x);
    RowScale { scale, sum: tables(x, scale, packed) }
}

/// The tables of `x`; returns the sum of its codes.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn tables(x: &[f32], scale: f32, packed: &mut [u8]) -> i32 {
    // Entry n is the product with the pair of code n.
    let s = _mm256_setr_epi16(-1, -1, -1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0);
    let t = _mm256_setr_epi16(-1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 0, 0, 0, 0, 0, 0);
    let (pairs, _) = x.as_chunks::<2>();
    let (tables, _) = packed.as_chunks_mut::<TABLE_SIZE>();
    let mut sum = 0;
    for ([a, b], table) in pairs.iter().zip(tables) {
        let (a, b) = (i16::from(code(*a, scale)), i16::from(code(*b, scale)));
        sum += i32::from(a + b);
        let a = _mm256_sign_epi16(_mm256_set1_epi16(a), s);
        let b = _mm256_sign_epi16(_mm256_set1_epi16(b), t);
        store_table(table, _mm256_add_epi16(a, b));
    }
    sum
}
