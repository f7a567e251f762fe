//! Lookup tables of triples, laid out as in `avx2`, by the same code: AVX-512 has all of AVX2.

use super::super::{RowScale, avx2};

/// Quantizes one row and writes its tables.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn pack(x: &[f32], packed: &mut [u8]) -> RowScale {
    avx2::triples::pack(x, packed)
}
