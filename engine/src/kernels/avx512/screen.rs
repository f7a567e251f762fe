//! The screened head with `vpdpbusd`: fields are masked in place, so their sums come out times a power of two, exactly.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_add_epi64, _mm512_and_si512, _mm512_castsi512_si256,
    _mm512_cvtepi32_epi64, _mm512_dpbusd_epi32, _mm512_extracti64x4_epi64, _mm512_or_si512,
    _mm512_reduce_add_epi64, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_slli_epi16,
    _mm512_slli_epi32, _mm512_slli_epi64, _mm512_srai_epi32, _mm512_srli_epi16,
};

use super::{
    super::{ScreenedRow, scalar},
    lanes::{load_u8, prefetch},
};

/// Bytes between the codes that are multiplied and those asked of memory meanwhile: rows lie one behind the other.
const AHEAD: usize = 7000;

/// The scalar body, compiled for AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn quantize(w: &[f32], six: &mut [u8], rest: &mut [u8]) -> ScreenedRow {
    scalar::screen::quantize(w, six, rest)
}

/// See `scalar::screen`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn six(six: &[u8], x: &[u8], sums: &mut [i64]) {
    let len = x.len() / sums.len();
    let (eights, rest) = sums.as_chunks_mut::<8>();
    let (x, x_rest) = x.split_at(eights.len() * 8 * len);
    for (sums, x) in eights.iter_mut().zip(x.chunks_exact(8 * len)) {
        *sums = six_of_several(six, x);
    }
    let (fours, rest) = rest.as_chunks_mut::<4>();
    let (x, x_rest) = x_rest.split_at(fours.len() * 4 * len);
    for (sums, x) in fours.iter_mut().zip(x.chunks_exact(4 * len)) {
        *sums = six_of_several(six, x);
    }
    for (sum, x) in rest.iter_mut().zip(x_rest.chunks_exact(len)) {
        *sum = six_of_one(six, x);
    }
}

/// The codes are put together once and meet `T` rows of activations.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn six_of_several<const T: usize>(six: &[u8], x: &[u8]) -> [i64; T] {
    let len = x.len() / T;
    let mut xs: [&[[u8; 512]]; T] = [&[]; T];
    for t in 0..T {
        xs[t] = x[t * len..][..len].as_chunks().0;
    }
    let mut acc = [[_mm512_setzero_si512(); 2]; T];
    for (block, six) in six.as_chunks::<192>().0.iter().enumerate() {
        (0..3).for_each(|line| prefetch(six, AHEAD + 64 * line));
        let [bits, first, second] = parts(six);
        let (bits, first, second) = (load_u8(bits), load_u8(first), load_u8(second));
        let [mut a, mut b, mut c, mut d] = [first, first, second, second];
        a = either(_mm512_slli_epi16::<4>(bits), a);
        b = either(_mm512_slli_epi16::<2>(bits), _mm512_srli_epi16::<4>(b));
        c = either(bits, c);
        d = either(_mm512_srli_epi16::<2>(bits), _mm512_srli_epi16::<4>(d));
        // Written out: an inner loop would index the registers, and so put them all in memory.
        for t in 0..T {
            let [high, low] = parts_of_x(&xs[t][block]);
            let [mut of_high, mut of_low] = acc[t];
            of_high = _mm512_dpbusd_epi32(of_high, a, load_u8(&high[0]));
            of_low = _mm512_dpbusd_epi32(of_low, a, load_u8(&low[0]));
            of_high = _mm512_dpbusd_epi32(of_high, b, load_u8(&high[1]));
            of_low = _mm512_dpbusd_epi32(of_low, b, load_u8(&low[1]));
            of_high = _mm512_dpbusd_epi32(of_high, c, load_u8(&high[2]));
            of_low = _mm512_dpbusd_epi32(of_low, c, load_u8(&low[2]));
            of_high = _mm512_dpbusd_epi32(of_high, d, load_u8(&high[3]));
            of_low = _mm512_dpbusd_epi32(of_low, d, load_u8(&low[3]));
            acc[t] = [of_high, of_low];
        }
    }
    let mut sums = [0; T];
    for t in 0..T {
        sums[t] = total(acc[t]);
    }
    sums
}

/// Codes of the upper two bits, which stand at 5:4, and the lower four.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn either(upper: __m512i, lower: __m512i) -> __m512i {
    let upper = _mm512_and_si512(upper, _mm512_set1_epi8(0x30));
    _mm512_or_si512(upper, _mm512_and_si512(lower, _mm512_set1_epi8(0x0f)))
}

/// Masked in place: with a single row of activations that is less work than putting codes together.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn six_of_one(six: &[u8], x: &[u8]) -> i64 {
    let zero = _mm512_setzero_si512();
    // Of the upper two bits and of the middle four, each field times what it is masked in place with.
    let (mut upper, mut middle) = ([[zero; 4]; 2], [[zero; 2]; 2]);
    let (low, high) = (_mm512_set1_epi8(0x0f), _mm512_set1_epi8(0xf0_u8.cast_signed()));
    for (six, x) in six.as_chunks::<192>().0.iter().zip(x.as_chunks::<512>().0) {
        (0..3).for_each(|line| prefetch(six, AHEAD + 64 * line));
        let [bits, first, second] = parts(six);
        let x: [&[[u8; 64]; 4]; 2] = parts_of_x(x);
        let bits = load_u8(bits);
        let nibbles = [load_u8(first), load_u8(second)];
        for s in 0..4 {
            let field = _mm512_and_si512(bits, mask(s));
            let nibble = _mm512_and_si512(nibbles[s / 2], if s % 2 == 0 { low } else { high });
            for t in 0..2 {
                let x = load_u8(&x[t][s]);
                upper[t][s] = _mm512_dpbusd_epi32(upper[t][s], field, x);
                middle[t][s % 2] = _mm512_dpbusd_epi32(middle[t][s % 2], nibble, x);
            }
        }
    }
    let mut sums = [zero; 2];
    for t in 0..2 {
        let upper = _mm512_slli_epi32::<4>(fields(&upper[t]));
        let [low, high] = middle[t];
        let middle = _mm512_add_epi32(low, _mm512_srai_epi32::<4>(high));
        sums[t] = _mm512_add_epi32(upper, middle);
    }
    total(sums)
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

/// The three registers of a block of the first plane.
#[inline(always)]
fn parts(six: &[u8; 192]) -> [&[u8; 64]; 3] {
    let [bits, first, second] = six.as_chunks::<64>().0 else { unreachable!("three times 64") };
    [bits, first, second]
}

/// The high and the low parts of a block of activations, in four registers each.
#[inline(always)]
fn parts_of_x(x: &[u8; 512]) -> [&[[u8; 64]; 4]; 2] {
    let [high, low] = x.as_chunks::<256>().0 else { unreachable!("twice 256") };
    [high, low].map(|x| x.as_chunks().0.first_chunk().expect("256 is four times 64"))
}
