//! Products with `TQ1_0`: base-3 digits by multiplication and comparison; the rest is in `trit_blocks`.
//!
//! Digit `n` of a byte is 0, 1 or 2 where `q = byte · 3^n mod 256` is below 86, below 171 or above. Comparisons are signed, so
//! bytes are kept with their top bit flipped: that adds 128, and 128 times an odd power is 128 again, mod 256.

use std::arch::x86_64::{
    __m256i, _mm256_abs_epi8, _mm256_add_epi8, _mm256_and_si256, _mm256_blend_epi32,
    _mm256_broadcastsi128_si256, _mm256_cmpgt_epi8, _mm256_mullo_epi16, _mm256_or_si256,
    _mm256_set_epi64x, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_xor_si256,
};

use super::{
    super::Product,
    lanes::{load_128, load_256},
    trit_blocks::{self, Codes},
};
use crate::{quant::tq1_0::BLOCK_SIZE, threads::Strip};

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn product(product: &Product<'_>, out: &mut Strip<'_>) {
    trit_blocks::product(product, out, |block| codes(block));
}

/// The codes of a block.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn codes(block: &[u8; BLOCK_SIZE]) -> Codes {
    let flip = _mm256_set1_epi8(i8::MIN);
    let (wide, rest) = block.split_first_chunk::<32>().expect("54 bytes");
    let (narrow, rest) = rest.split_first_chunk::<16>().expect("54 - 32 bytes");
    let last = i32::from_le_bytes(*rest.first_chunk().expect("54 - 48 bytes"));

    // Elements 0 to 159: one digit a register.
    let mut q = [_mm256_xor_si256(load_256(wide), flip); 8];
    for n in 1..5 {
        q[n] = triple(q[n - 1]);
    }
    // Elements 160 to 223: two digits of 16 bytes a register, the second one in the upper half.
    let narrow = _mm256_xor_si256(_mm256_broadcastsi128_si256(load_128(narrow)), flip);
    q[5] = _mm256_blend_epi32::<0xf0>(narrow, triple(narrow));
    q[6] = triple(triple(q[5]));
    // Elements 224 to 255: the fifth digit of those bytes, then the four digits of the last four bytes.
    let last = _mm256_xor_si256(_mm256_set1_epi32(last), flip);
    let powers =
        _mm256_set_epi64x(0x001b_001b_0009_0009, 0x0003_0003_0001_0001, 81 * ONES, 81 * ONES);
    q[7] = times(_mm256_blend_epi32::<0xf0>(narrow, last), powers);
    for q in &mut q {
        *q = digits(*q);
    }
    q
}

/// 1 in each 16 bits.
const ONES: i64 = 0x0001_0001_0001_0001;

/// Three times each byte, mod 256.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn triple(x: __m256i) -> __m256i {
    _mm256_add_epi8(x, _mm256_add_epi8(x, x))
}

/// Each byte times the factor of its 16 bits, mod 256.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn times(x: __m256i, factors: __m256i) -> __m256i {
    let low = _mm256_set1_epi16(0xff);
    let even = _mm256_and_si256(_mm256_mullo_epi16(x, factors), low);
    let odd = _mm256_mullo_epi16(_mm256_and_si256(x, _mm256_set1_epi16(-256)), factors);
    _mm256_or_si256(even, odd)
}

/// The digits that flipped bytes have at their top.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn digits(q: __m256i) -> __m256i {
    // 86 - 128 and 171 - 128, less 1: a comparison says -1 where it holds.
    let at_least_1 = _mm256_cmpgt_epi8(q, _mm256_set1_epi8(-43));
    let at_least_2 = _mm256_cmpgt_epi8(q, _mm256_set1_epi8(42));
    _mm256_abs_epi8(_mm256_add_epi8(at_least_1, at_least_2))
}
