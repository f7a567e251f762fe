//! The screened head with `vpdpbusd`: codes of the first plane are put together, fields of the second masked in place, so that
//! their sums come out times a power of two, exactly.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_add_epi64, _mm512_and_si512, _mm512_broadcast_i64x4,
    _mm512_castsi512_si256, _mm512_cvtepi32_epi64, _mm512_dpbusd_epi32, _mm512_extracti64x4_epi64,
    _mm512_or_si512, _mm512_reduce_add_epi64, _mm512_set1_epi8, _mm512_setzero_si512,
    _mm512_slli_epi16, _mm512_slli_epi64, _mm512_srai_epi32, _mm512_srli_epi16, _mm512_srlv_epi16,
};

use super::{
    super::{ScreenedRow, scalar, scalar::screen::blocks, screen::FIRST},
    lanes::{load_256, load_i16, load_u8, prefetch},
};

/// Bytes between the codes that are multiplied and those asked of memory meanwhile: rows lie one behind the other.
const AHEAD: usize = 7000;

/// How far down the bits of each half go.
const UPPER_HALF: [i16; 32] = {
    let mut shifts = [0; 32];
    let mut i = 16;
    while i < 32 {
        shifts[i] = 4;
        i += 1;
    }
    shifts
};

/// The scalar body, compiled for AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn quantize(w: &[f32], first: &mut [u8], rest: &mut [u8]) -> ScreenedRow {
    scalar::screen::quantize(w, first, rest)
}

/// See `scalar::screen`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn first(first: &[u8], x: &[u8], sums: &mut [i64]) {
    let len = x.len() / sums.len();
    let (eights, rest) = sums.as_chunks_mut::<8>();
    let (x, x_rest) = x.split_at(eights.len() * 8 * len);
    for (sums, x) in eights.iter_mut().zip(x.chunks_exact(8 * len)) {
        *sums = several::<8, 1>(first, x);
    }
    let (fours, rest) = rest.as_chunks_mut::<4>();
    let (x, x_rest) = x_rest.split_at(fours.len() * 4 * len);
    for (sums, x) in fours.iter_mut().zip(x.chunks_exact(4 * len)) {
        *sums = several::<4, 2>(first, x);
    }
    for (sum, x) in rest.iter_mut().zip(x_rest.chunks_exact(len)) {
        [*sum] = several::<1, 4>(first, x);
    }
}

/// The codes are put together once and meet `T` rows of activations. `S` sums of each take turns, so that none waits for itself.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn several<const T: usize, const S: usize>(first: &[u8], x: &[u8]) -> [i64; T] {
    let len = x.len() / T;
    let mut xs: [&[[u8; 512]]; T] = [&[]; T];
    for t in 0..T {
        xs[t] = x[t * len..][..len].as_chunks().0;
    }
    let mut acc = [[[_mm512_setzero_si512(); 2]; S]; T];
    for (block, (nibbles, bits)) in blocks(first).enumerate() {
        (0..3).for_each(|line| prefetch(&first[0], AHEAD + FIRST * block + 64 * line));
        let [ab, cd] = nibbles.as_chunks::<64>().0 else { unreachable!("twice 64") };
        let (ab, cd) = (load_u8(ab), load_u8(cd));
        // Bits 3:0 of every byte are now those of its four fields.
        let bits = _mm512_srlv_epi16(_mm512_broadcast_i64x4(load_256(bits)), load_i16(&UPPER_HALF));
        let a = either(_mm512_slli_epi16::<4>(bits), ab);
        let b = either(_mm512_slli_epi16::<3>(bits), _mm512_srli_epi16::<4>(ab));
        let c = either(_mm512_slli_epi16::<2>(bits), cd);
        let d = either(_mm512_slli_epi16::<1>(bits), _mm512_srli_epi16::<4>(cd));
        // Written out: an inner loop would index the registers, and so put them all in memory.
        for t in 0..T {
            let [high, low] = parts_of_x(&xs[t][block]);
            let sums = &mut acc[t];
            sums[0][0] = _mm512_dpbusd_epi32(sums[0][0], a, load_u8(&high[0]));
            sums[0][1] = _mm512_dpbusd_epi32(sums[0][1], a, load_u8(&low[0]));
            sums[1 % S][0] = _mm512_dpbusd_epi32(sums[1 % S][0], b, load_u8(&high[1]));
            sums[1 % S][1] = _mm512_dpbusd_epi32(sums[1 % S][1], b, load_u8(&low[1]));
            sums[2 % S][0] = _mm512_dpbusd_epi32(sums[2 % S][0], c, load_u8(&high[2]));
            sums[2 % S][1] = _mm512_dpbusd_epi32(sums[2 % S][1], c, load_u8(&low[2]));
            sums[3 % S][0] = _mm512_dpbusd_epi32(sums[3 % S][0], d, load_u8(&high[3]));
            sums[3 % S][1] = _mm512_dpbusd_epi32(sums[3 % S][1], d, load_u8(&low[3]));
        }
    }
    let mut sums = [0; T];
    for t in 0..T {
        for s in 1..S {
            acc[t][0][0] = _mm512_add_epi32(acc[t][0][0], acc[t][s][0]);
            acc[t][0][1] = _mm512_add_epi32(acc[t][0][1], acc[t][s][1]);
        }
        sums[t] = total(acc[t][0]);
    }
    sums
}

/// Codes of the uppermost bit, which stands at bit 4, and the lower four.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn either(upper: __m512i, lower: __m512i) -> __m512i {
    let upper = _mm512_and_si512(upper, _mm512_set1_epi8(0x10));
    _mm512_or_si512(upper, _mm512_and_si512(lower, _mm512_set1_epi8(0x0f)))
}

/// See `scalar::screen`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn rest(rest: &[u8], x: &[u8]) -> i64 {
    let mut acc = [[_mm512_setzero_si512(); 4]; 2];
    for (bits, x) in rest.as_chunks::<64>().0.iter().zip(x.as_chunks::<512>().0) {
        let x: [&[[u8; 64]; 4]; 2] = parts_of_x(x);
        let bits = load_u8(bits);
        for s in 0..4 {
            let field = _mm512_and_si512(bits, mask(s));
            for t in 0..2 {
                acc[t][s] = _mm512_dpbusd_epi32(acc[t][s], field, load_u8(&x[t][s]));
            }
        }
    }
    total([fields(&acc[0]), fields(&acc[1])])
}

/// The two bits of field `s`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn mask(s: usize) -> __m512i {
    _mm512_set1_epi8((3_u8 << (2 * s)).cast_signed())
}

/// Sums of fields masked in place, each times 1 again.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn fields([a, b, c, d]: &[__m512i; 4]) -> __m512i {
    let ab = _mm512_add_epi32(*a, _mm512_srai_epi32::<2>(*b));
    let cd = _mm512_add_epi32(_mm512_srai_epi32::<4>(*c), _mm512_srai_epi32::<6>(*d));
    _mm512_add_epi32(ab, cd)
}

/// 128 · the lanes of the high parts + those of the low ones.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn total([high, low]: [__m512i; 2]) -> i64 {
    let [high, low] = [wide(high), wide(low)];
    _mm512_reduce_add_epi64(_mm512_add_epi64(_mm512_slli_epi64::<7>(high), low))
}

/// 16 lanes added up to 8 wider ones.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn wide(x: __m512i) -> __m512i {
    let low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(x));
    _mm512_add_epi64(low, _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64::<1>(x)))
}

/// The high and the low parts of a block of activations, in four registers each.
#[inline(always)]
fn parts_of_x(x: &[u8; 512]) -> [&[[u8; 64]; 4]; 2] {
    let [high, low] = x.as_chunks::<256>().0 else { unreachable!("twice 256") };
    [high, low].map(|x| x.as_chunks().0.first_chunk().expect("256 is four times 64"))
}
