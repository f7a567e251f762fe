//! Loads and stores of 512-bit registers over array references: the type proves that the bytes exist.

#![expect(unsafe_code, reason = "vendor loads and stores take pointers")]

use std::arch::x86_64::{
    __m128, __m128i, __m256i, __m512, __m512i, _MM_HINT_T1, _mm_loadu_si128, _mm_prefetch,
    _mm_storeu_ps, _mm_storeu_si128, _mm256_loadu_si256, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_storeu_ps, _mm512_zextsi256_si512,
};

/// 16 floats.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn load_f32(x: &[f32; 16]) -> __m512 {
    // SAFETY: the array has 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_ps(x.as_ptr()) }
}

/// 16 integers.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn load_i32(x: &[i32; 16]) -> __m512i {
    // SAFETY: the array has 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(x.as_ptr().cast()) }
}

/// 32 short integers.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn load_i16(x: &[i16; 32]) -> __m512i {
    // SAFETY: the array has 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(x.as_ptr().cast()) }
}

/// 64 bytes.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn load_u8(x: &[u8; 64]) -> __m512i {
    // SAFETY: the array has 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(x.as_ptr().cast()) }
}

/// 32 bytes in the lower half, zeros above.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn load_half(x: &[u8; 32]) -> __m512i {
    _mm512_zextsi256_si512(load_256(x))
}

/// 16 bytes.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn load_128(x: &[u8; 16]) -> __m128i {
    // SAFETY: the array has 16 bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(x.as_ptr().cast()) }
}

/// 64 codes.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn load_codes(x: &[i8; 64]) -> __m512i {
    // SAFETY: the array has 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(x.as_ptr().cast()) }
}

/// 32 bytes.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn load_256(x: &[u8; 32]) -> __m256i {
    // SAFETY: the array has 32 bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
}

/// Writes 16 floats.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn store_f32(out: &mut [f32; 16], x: __m512) {
    // SAFETY: the array has 64 bytes; the store needs no alignment.
    unsafe { _mm512_storeu_ps(out.as_mut_ptr(), x) }
}

/// Writes 16 bytes.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn store_128(out: &mut [u8; 16], x: __m128i) {
    // SAFETY: the array has 16 bytes; the store needs no alignment.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), x) }
}

/// Writes 4 floats.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn store_4(out: &mut [f32; 4], x: __m128) {
    // SAFETY: the array has 16 bytes; the store needs no alignment.
    unsafe { _mm_storeu_ps(out.as_mut_ptr(), x) }
}

/// Asks for the cache line `ahead` bytes behind `x`'s start; there need be none.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn prefetch<T>(x: &T, ahead: usize) {
    _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(x).cast::<i8>().wrapping_add(ahead));
}
