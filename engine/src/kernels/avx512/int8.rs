//! int8 activations: one scale for the row, as in `scalar`, in the order that `i2_s` wants.

use std::arch::x86_64::{_mm512_abs_ps, _mm512_max_ps, _mm512_reduce_max_ps, _mm512_setzero_ps};

use super::{
    super::{RowScale, scalar},
    lanes::load_f32,
};

/// Whole pairs of groups.
pub(super) fn row_len(cols: usize) -> usize {
    cols.next_multiple_of(256)
}

/// Quantizes one row into its packed form.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn pack(x: &[f32], packed: &mut [u8]) -> RowScale {
    assert_eq!(packed.len(), row_len(x.len()), "length of a packed row");
    let max = max_abs(x);
    let scale = 127.0 / if max > 1e-5 { max } else { 1e-5 };
    let (groups, rest) = x.as_chunks::<128>();
    assert!(rest.is_empty(), "whole groups");
    if groups.len() % 2 == 1 {
        packed[(groups.len() - 1) * 128..].fill(0);
    }
    let mut sum = 0;
    for (g, group) in groups.iter().enumerate() {
        let (fields, _) = group.as_chunks::<32>();
        for (s, field) in fields.iter().enumerate() {
            let start = g / 2 * 256 + s * 64 + g % 2 * 32;
            for (x, q) in field.iter().zip(&mut packed[start..start + 32]) {
                let code = scalar::int8::code(*x, scale);
                *q = code.cast_unsigned();
                sum += i32::from(code);
            }
        }
    }
    RowScale { scale, sum }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
fn max_abs(x: &[f32]) -> f32 {
    let (blocks, tail) = x.as_chunks::<16>();
    let mut max = _mm512_setzero_ps();
    for block in blocks {
        // The second operand wins where the first is NaN: as in the scalar comparison, a NaN is passed over.
        max = _mm512_max_ps(_mm512_abs_ps(load_f32(block)), max);
    }
    tail.iter().fold(_mm512_reduce_max_ps(max), |max, x| if x.abs() > max { x.abs() } else { max })
}
