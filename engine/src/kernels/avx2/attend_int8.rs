//! Attention over int8 codes, widened to 16 bits and multiplied in pairs by codes of the queries or of the probabilities. Integers are
//! exact in any order; each load of keys or values serves up to four queries.

use std::{
    arch::x86_64::{
        __m256i, _CMP_ORD_Q, _CMP_UNORD_Q, _mm256_add_epi32, _mm256_and_ps, _mm256_andnot_ps,
        _mm256_cmp_ps, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps, _mm256_cvtps_epi32,
        _mm256_fmadd_ps, _mm256_hadd_epi32, _mm256_madd_epi16, _mm256_max_ps, _mm256_movemask_ps,
        _mm256_mul_ps, _mm256_or_ps, _mm256_packs_epi32, _mm256_permute4x64_epi64,
        _mm256_set1_epi64x, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
    },
    array,
};

use super::{
    super::{
        ATTENTION_CHUNK, ATTENTION_CODES, ATTENTION_HEAD, AttentionChunk, MOST_CODE,
        MOST_CODE_OF_P, Steps, scalar,
    },
    lanes::{load_codes, load_f32, prefetch, store_f32, store_i16},
};

/// Sums of a register.
const LANES: usize = 8;
/// Codes of a register once they are 16 bits wide; two of them have the sums of one register of floats.
const CODES: usize = 16;
/// Groups of `LANES` positions in a chunk.
const WHOLE: usize = ATTENTION_CHUNK / LANES;

/// Codes of a query or of probabilities, four to an entry.
type Fours<const N: usize> = [[i16; ATTENTION_CODES]; N];

/// See `scalar::attend_int8`.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn scores(
    chunk: &AttentionChunk<'_>,
    keys: &[i8],
    scales: &[f32],
    q: &[f32],
    scale: f32,
    out: &mut [f32],
) {
    match chunk.n_queries(q, out) {
        1 => scores_of::<1>(chunk, keys, scales, q, scale, out),
        2 => scores_of::<2>(chunk, keys, scales, q, scale, out),
        3 => scores_of::<3>(chunk, keys, scales, q, scale, out),
        _ => scores_of::<4>(chunk, keys, scales, q, scale, out),
    }
}

/// See `scalar::attend_int8`.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn weigh(
    chunk: &AttentionChunk<'_>,
    values: &[i8],
    scales: &[f32],
    p: &[f32],
    out: &mut [f32],
) {
    if !chunk.head_dim.is_multiple_of(LANES) {
        return scalar::attend_int8::weigh(chunk, values, scales, p, out);
    }
    match chunk.n_queries(out, p) {
        1 => weigh_of::<1>(chunk, values, scales, p, out),
        2 => weigh_of::<2>(chunk, values, scales, p, out),
        3 => weigh_of::<3>(chunk, values, scales, p, out),
        _ => weigh_of::<4>(chunk, values, scales, p, out),
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn scores_of<const Q: usize>(
    chunk: &AttentionChunk<'_>,
    keys: &[i8],
    scales: &[f32],
    q: &[f32],
    scale: f32,
    out: &mut [f32],
) {
    let AttentionChunk { ahead, head_dim, n, stride, .. } = *chunk;
    let n_fours = head_dim.div_ceil(ATTENTION_CODES);
    let mut codes: [Fours<{ ATTENTION_HEAD / ATTENTION_CODES }>; Q] =
        [[[0; ATTENTION_CODES]; _]; Q];
    let mut factors = [0.0; Q];
    for (h, q) in q.chunks_exact(head_dim).enumerate() {
        let steps = steps_of(q, MOST_CODE);
        quantize(q, steps, codes[h].as_flattened_mut());
        factors[h] = steps.step * scale;
    }
    let codes: [&[[i16; ATTENTION_CODES]]; Q] = array::from_fn(|h| &codes[h][..n_fours]);
    let (scales, _) = scales.as_chunks::<LANES>();
    let (keys, _) = keys.as_chunks::<CODES>();
    for first in 0..n.div_ceil(LANES) {
        let mut sums = [[_mm256_setzero_si256(); 2]; Q];
        for (i, keys) in keys.chunks_exact(2 * WHOLE).take(n_fours).enumerate() {
            let keys: &[[i8; CODES]; 2] = keys[2 * first..].first_chunk().expect("two registers");
            sums = add_products(sums, keys, ahead, |h| codes[h][i]);
        }
        for h in 0..Q {
            let factor = _mm256_mul_ps(load_f32(&scales[first]), _mm256_set1_ps(factors[h]));
            let sum = _mm256_cvtepi32_ps(halved(sums[h]));
            let (out, _) = out[h * stride..].as_chunks_mut::<LANES>();
            store_f32(&mut out[first], _mm256_mul_ps(sum, factor));
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn weigh_of<const Q: usize>(
    chunk: &AttentionChunk<'_>,
    values: &[i8],
    scales: &[f32],
    p: &[f32],
    out: &mut [f32],
) {
    let AttentionChunk { ahead, head_dim, n, stride, .. } = *chunk;
    let mut codes: [Fours<{ ATTENTION_CHUNK / ATTENTION_CODES }>; Q] =
        [[[0; ATTENTION_CODES]; _]; Q];
    let mut steps = [0.0; Q];
    for h in 0..Q {
        let mut scaled = [0.0; ATTENTION_CHUNK];
        let positions = p[h * stride..][..n].iter().zip(scales);
        scaled.iter_mut().zip(positions).for_each(|(scaled, (p, scale))| *scaled = p * scale);
        let of_chunk = steps_of(&scaled, MOST_CODE_OF_P);
        quantize(&scaled, of_chunk, codes[h].as_flattened_mut());
        steps[h] = of_chunk.step;
    }
    let n_registers = head_dim / LANES;
    let (values, _) = values.as_chunks::<CODES>();
    let (out, _) = out.as_chunks_mut::<LANES>();
    for first in 0..n_registers {
        let mut sums = [[_mm256_setzero_si256(); 2]; Q];
        let fours = values.chunks_exact(2 * n_registers).take(n.div_ceil(ATTENTION_CODES));
        for (j, values) in fours.enumerate() {
            let values: &[[i8; CODES]; 2] =
                values[2 * first..].first_chunk().expect("two registers");
            sums = add_products(sums, values, ahead, |h| codes[h][j]);
        }
        for h in 0..Q {
            let out = &mut out[h * n_registers + first];
            let sum = _mm256_cvtepi32_ps(halved(sums[h]));
            store_f32(out, _mm256_fmadd_ps(sum, _mm256_set1_ps(steps[h]), load_f32(out)));
        }
    }
}

/// Products of stored codes with the four of each query, added up in pairs.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn add_products<const Q: usize>(
    mut sums: [[__m256i; 2]; Q],
    stored: &[[i8; CODES]; 2],
    ahead: usize,
    by: impl Fn(usize) -> [i16; ATTENTION_CODES],
) -> [[__m256i; 2]; Q] {
    prefetch(&stored[0], ahead);
    let wide = [0, 1].map(|c| _mm256_cvtepi8_epi16(load_codes(&stored[c])));
    for h in 0..Q {
        let by = _mm256_set1_epi64x(i64_of(by(h)));
        for c in 0..2 {
            sums[h][c] = _mm256_add_epi32(sums[h][c], _mm256_madd_epi16(wide[c], by));
        }
    }
    sums
}

/// The four as the bits of one number.
#[inline]
fn i64_of(codes: [i16; ATTENTION_CODES]) -> i64 {
    codes.iter().rev().fold(0, |bits, code| bits << 16 | i64::from(code.cast_unsigned()))
}

/// Sums of four from sums of two, in order.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn halved(sums: [__m256i; 2]) -> __m256i {
    _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(sums[0], sums[1]))
}

/// See `Steps::of`.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn steps_of(x: &[f32], most_code: f32) -> Steps {
    let (blocks, rest) = x.as_chunks::<LANES>();
    let sign = _mm256_set1_ps(-0.0);
    let (mut most, mut nans) = (_mm256_setzero_ps(), _mm256_setzero_ps());
    for block in blocks {
        let x = load_f32(block);
        // The second operand wins where the first is NaN.
        most = _mm256_max_ps(_mm256_andnot_ps(sign, x), most);
        nans = _mm256_or_ps(nans, _mm256_cmp_ps::<_CMP_UNORD_Q>(x, x));
    }
    let mut lanes = [0.0; LANES];
    store_f32(&mut lanes, most);
    let all = lanes.iter().chain(rest);
    let most = all.fold(0.0_f32, |most, x| if x.abs() > most { x.abs() } else { most });
    let any_nan = _mm256_movemask_ps(nans) != 0 || rest.iter().any(|x| x.is_nan());
    Steps::new(most, any_nan, most_code)
}

/// See `Steps::code`: whole numbers, half to even, 0 for NaN.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn quantize(x: &[f32], steps: Steps, codes: &mut [i16]) {
    let factor = _mm256_set1_ps(steps.factor);
    let rounded = |x: &[f32; LANES]| {
        let x = _mm256_mul_ps(load_f32(x), factor);
        _mm256_cvtps_epi32(_mm256_and_ps(x, _mm256_cmp_ps::<_CMP_ORD_Q>(x, x)))
    };
    let (blocks, rest) = x.as_chunks::<{ 2 * LANES }>();
    let (whole, behind) = codes.split_at_mut(x.len() - rest.len());
    for (x, codes) in blocks.iter().zip(whole.as_chunks_mut::<{ 2 * LANES }>().0) {
        let (x, _) = x.as_chunks::<LANES>();
        let pairs = _mm256_packs_epi32(rounded(&x[0]), rounded(&x[1]));
        store_i16(codes, _mm256_permute4x64_epi64::<0b11_01_10_00>(pairs));
    }
    behind.iter_mut().zip(rest).for_each(|(code, x)| *code = steps.code_p(*x));
}
