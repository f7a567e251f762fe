//! int8 activations: one scale for the row, as in `scalar`, in the order that `i2_s` wants.

use std::arch::x86_64::{
    __m512i, _mm512_abs_ps, _mm512_add_epi32, _mm512_add_ps, _mm512_castps_si512,
    _mm512_cvtepi32_epi8, _mm512_max_ps, _mm512_mul_ps, _mm512_reduce_add_epi32,
    _mm512_reduce_max_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512,
    _mm512_slli_epi32, _mm512_srai_epi32,
};

use super::{
    super::{RowScale, scalar},
    lanes::{load_f32, store_128},
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
    let (pairs, odd) = groups.as_chunks::<2>();
    let (packed, _) = packed.as_chunks_mut::<256>();
    let mut sums = _mm512_setzero_si512();
    for ([first, second], packed) in pairs.iter().zip(&mut *packed) {
        sums = pack_group(first, scale, packed, 0, sums);
        sums = pack_group(second, scale, packed, 32, sums);
    }
    if let (Some(group), Some(packed)) = (odd.first(), packed.last_mut()) {
        sums = pack_group(group, scale, packed, 0, sums);
        let (registers, _) = packed.as_chunks_mut::<64>();
        registers.iter_mut().for_each(|register| register.copy_within(..32, 32));
    }
    RowScale { scale, sum: _mm512_reduce_add_epi32(sums) }
}

/// Writes the fields of one group, each to its register's 32 bytes from `start` on; adds its codes to `sums`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn pack_group(
    group: &[f32; 128],
    scale: f32,
    packed: &mut [u8; 256],
    start: usize,
    mut sums: __m512i,
) -> __m512i {
    let (scale, round) = (_mm512_set1_ps(scale), _mm512_set1_ps(scalar::int8::ROUND));
    let (fields, _) = group.as_chunks::<32>();
    let (registers, _) = packed.as_chunks_mut::<64>();
    for (field, register) in fields.iter().zip(registers) {
        let (blocks, _) = field.as_chunks::<16>();
        let (codes, _) = register[start..start + 32].as_chunks_mut::<16>();
        for (x, codes) in blocks.iter().zip(codes) {
            let shifted = _mm512_add_ps(_mm512_mul_ps(load_f32(x), scale), round);
            let bits = _mm512_castps_si512(shifted);
            store_128(codes, _mm512_cvtepi32_epi8(bits));
            let code = _mm512_srai_epi32::<24>(_mm512_slli_epi32::<24>(bits));
            sums = _mm512_add_epi32(sums, code);
        }
    }
    sums
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
