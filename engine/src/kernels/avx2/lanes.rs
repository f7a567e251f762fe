//! Loads and stores of 256-bit registers over array references: the type proves that the bytes exist. And a register whose value the
//! compiler does not know.

#![expect(
    unsafe_code,
    reason = "vendor loads and stores take pointers; no intrinsic hides a value"
)]

use std::arch::{
    asm,
    x86_64::{
        __m128, __m128i, __m256, __m256i, _MM_HINT_T1, _mm_loadu_si128, _mm_prefetch,
        _mm_storeu_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_storeu_ps, _mm256_storeu_si256,
    },
};

/// 8 floats.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn load_f32(x: &[f32; 8]) -> __m256 {
    // SAFETY: the array has 32 bytes; the load needs no alignment.
    unsafe { _mm256_loadu_ps(x.as_ptr()) }
}

/// Writes 8 floats.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn store_f32(out: &mut [f32; 8], x: __m256) {
    // SAFETY: the array has 32 bytes; the store needs no alignment.
    unsafe { _mm256_storeu_ps(out.as_mut_ptr(), x) }
}

/// Writes 16 codes.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn store_i16(out: &mut [i16; 16], x: __m256i) {
    // SAFETY: the array has 32 bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), x) }
}

/// 32 bytes.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn load_u8(x: &[u8; 32]) -> __m256i {
    // SAFETY: the array has 32 bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
}

/// 16 bytes.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn load_128(x: &[u8; 16]) -> __m128i {
    // SAFETY: the array has 16 bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(x.as_ptr().cast()) }
}

/// 16 codes.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn load_codes(x: &[i8; 16]) -> __m128i {
    // SAFETY: the array has 16 bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(x.as_ptr().cast()) }
}

/// Writes 4 floats.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn store_4(out: &mut [f32; 4], x: __m128) {
    // SAFETY: the array has 16 bytes; the store needs no alignment.
    unsafe { _mm_storeu_ps(out.as_mut_ptr(), x) }
}

/// 8 integers, for a sum over lanes.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn to_array(x: __m256i) -> [i32; 8] {
    let mut out = [0; 8];
    // SAFETY: the array has 32 bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), x) };
    out
}

/// 4 floats.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn to_floats(x: __m128) -> [f32; 4] {
    let mut out = [0.0; 4];
    store_4(&mut out, x);
    out
}

/// The same value, of which the compiler knows nothing any more: `black_box` without its way through memory.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn opaque(mut x: __m256i) -> __m256i {
    // SAFETY: no instruction; the register is its one operand, and comes out as it went in.
    unsafe { asm!("/* {0} */", inout(ymm_reg) x, options(nomem, nostack, preserves_flags)) };
    x
}

/// Asks for the cache line `ahead` bytes behind `x`'s start; there need be none.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn prefetch<T>(x: &T, ahead: usize) {
    _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(x).cast::<i8>().wrapping_add(ahead));
}
