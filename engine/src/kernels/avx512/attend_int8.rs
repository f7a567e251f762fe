//! Attention over int8 codes, in products of bytes: keys made unsigned by queries, and both bytes of the probabilities by values.
//! Integers are exact in any order; each load of keys or values serves up to four queries.

use std::{
    arch::x86_64::{
        __m512, __m512i, _CMP_ORD_Q, _CMP_UNORD_Q, _mm512_abs_ps, _mm512_add_epi32,
        _mm512_cmp_ps_mask, _mm512_cvtepi32_epi8, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32,
        _mm512_fmadd_ps, _mm512_maskz_cvtps_epi32, _mm512_max_ps, _mm512_mul_ps,
        _mm512_reduce_add_epi32, _mm512_reduce_max_ps, _mm512_set1_epi8, _mm512_set1_epi32,
        _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_slli_epi32,
        _mm512_srli_epi32, _mm512_xor_si512,
    },
    array,
};

use super::{
    super::{
        ATTENTION_CHUNK, ATTENTION_CODES, ATTENTION_HEAD, AttentionChunk, MOST_CODE,
        MOST_CODE_OF_P, Steps, scalar,
    },
    lanes::{load_codes, load_f32, prefetch, store_128, store_f32},
};

/// Sums of a register.
const LANES: usize = 16;
/// Codes of a register.
const CODES: usize = ATTENTION_CODES * LANES;
/// Registers of a chunk's positions.
const WHOLE: usize = ATTENTION_CHUNK / LANES;
/// Registers of a head's values that are summed at once for each of four queries, both bytes: all that fit.
const TILE: usize = 2;

/// Codes of a query or of a byte of probabilities, four to an entry.
type Fours<const N: usize> = [[u8; ATTENTION_CODES]; N];

/// See `scalar::attend_int8`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
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

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
fn scores_of<const Q: usize>(
    chunk: &AttentionChunk<'_>,
    keys: &[i8],
    scales: &[f32],
    q: &[f32],
    scale: f32,
    out: &mut [f32],
) {
    let mut codes: [Fours<{ ATTENTION_HEAD / ATTENTION_CODES }>; Q] =
        [[[0; ATTENTION_CODES]; _]; Q];
    let queries: [Query<'_>; Q] = {
        let mut heads = q.chunks_exact(chunk.head_dim).zip(&mut codes);
        array::from_fn(|_| {
            let (q, codes) = heads.next().expect("a head for each query");
            let steps = steps_of(q, MOST_CODE);
            let sum = quantize(q, steps, codes.as_flattened_mut());
            Query { codes, sum, step: steps.step * scale }
        })
    };
    let (scales, _) = scales.as_chunks::<LANES>();
    // One query alone has too few sums to fill the pipeline with, whatever is left out.
    if Q == 1 || chunk.n > ATTENTION_CHUNK - LANES {
        return scores_columns::<Q, WHOLE>(chunk, keys, scales, &queries, 0, out);
    }
    for first in 0..chunk.n.div_ceil(LANES) {
        scores_columns::<Q, 1>(chunk, keys, scales, &queries, first, out);
    }
}

/// One query in codes.
#[derive(Clone, Copy)]
struct Query<'a> {
    codes: &'a [[u8; ATTENTION_CODES]],
    /// Of all its codes.
    sum: i32,
    /// What a product of codes of 1 counts, but for the key's scale.
    step: f32,
}

/// `C` registers of positions, from register `first` on.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn scores_columns<const Q: usize, const C: usize>(
    chunk: &AttentionChunk<'_>,
    keys: &[i8],
    scales: &[[f32; LANES]],
    queries: &[Query<'_>; Q],
    first: usize,
    out: &mut [f32],
) {
    let n_fours = chunk.head_dim.div_ceil(ATTENTION_CODES);
    let codes: [&[[u8; ATTENTION_CODES]]; Q] = array::from_fn(|h| &queries[h].codes[..n_fours]);
    let (keys, _) = keys.as_chunks::<CODES>();
    let unsigned = _mm512_set1_epi8(i8::MIN);
    // 128 more in each key is 128 times the query's sum more in the product.
    let mut sums: [[__m512i; C]; Q] =
        array::from_fn(|h| [_mm512_set1_epi32(-128 * queries[h].sum); C]);
    for (i, keys) in keys.chunks_exact(WHOLE).take(n_fours).enumerate() {
        let keys: &[[i8; CODES]; C] = keys[first..].first_chunk().expect("C registers");
        let mut wide = [unsigned; C];
        for c in 0..C {
            prefetch(&keys[c], chunk.ahead);
            wide[c] = _mm512_xor_si512(load_codes(&keys[c]), unsigned);
        }
        for h in 0..Q {
            let q = broadcast(codes[h][i]);
            for c in 0..C {
                sums[h][c] = _mm512_dpbusd_epi32(sums[h][c], wide[c], q);
            }
        }
    }
    for h in 0..Q {
        let step = _mm512_set1_ps(queries[h].step);
        let (out, _) = out[h * chunk.stride..].as_chunks_mut::<LANES>();
        for c in 0..C {
            let factor = _mm512_mul_ps(load_f32(&scales[first + c]), step);
            let sum = _mm512_cvtepi32_ps(sums[h][c]);
            store_f32(&mut out[first + c], _mm512_mul_ps(sum, factor));
        }
    }
}

/// Probabilities of a chunk in codes, their upper and their lower bytes.
struct Probabilities {
    upper: Fours<{ ATTENTION_CHUNK / ATTENTION_CODES }>,
    lower: Fours<{ ATTENTION_CHUNK / ATTENTION_CODES }>,
    step: f32,
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
fn weigh_of<const Q: usize>(
    chunk: &AttentionChunk<'_>,
    values: &[i8],
    scales: &[f32],
    p: &[f32],
    out: &mut [f32],
) {
    let p = array::from_fn(|h| quantize_p(&p[h * chunk.stride..][..chunk.n], scales));
    let n_registers = chunk.head_dim / LANES;
    let n_tiles = n_registers / TILE;
    for tile in 0..n_tiles {
        weigh_columns::<Q, TILE>(chunk, values, &p, TILE * tile, out);
    }
    for register in TILE * n_tiles..n_registers {
        weigh_columns::<Q, 1>(chunk, values, &p, register, out);
    }
}

/// `C` registers of a head's values, from register `first` on.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn weigh_columns<const Q: usize, const C: usize>(
    chunk: &AttentionChunk<'_>,
    values: &[i8],
    p: &[Probabilities; Q],
    first: usize,
    out: &mut [f32],
) {
    let n_registers = chunk.head_dim / LANES;
    let n_fours = chunk.n.div_ceil(ATTENTION_CODES);
    let (values, _) = values.as_chunks::<CODES>();
    let (out, _) = out.as_chunks_mut::<LANES>();
    let zero = _mm512_setzero_si512();
    let (mut upper, mut lower) = ([[zero; C]; Q], [[zero; C]; Q]);
    for (j, values) in values.chunks_exact(n_registers).take(n_fours).enumerate() {
        let values: &[[i8; CODES]; C] = values[first..].first_chunk().expect("C registers");
        let mut codes = [zero; C];
        for c in 0..C {
            prefetch(&values[c], chunk.ahead);
            codes[c] = load_codes(&values[c]);
        }
        for h in 0..Q {
            let (p_upper, p_lower) = (broadcast(p[h].upper[j]), broadcast(p[h].lower[j]));
            for c in 0..C {
                upper[h][c] = _mm512_dpbusd_epi32(upper[h][c], p_upper, codes[c]);
                lower[h][c] = _mm512_dpbusd_epi32(lower[h][c], p_lower, codes[c]);
            }
        }
    }
    for h in 0..Q {
        let step = _mm512_set1_ps(p[h].step);
        for c in 0..C {
            let sum = _mm512_add_epi32(_mm512_slli_epi32::<8>(upper[h][c]), lower[h][c]);
            let out = &mut out[h * n_registers + first + c];
            store_f32(out, _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), step, load_f32(out)));
        }
    }
}

/// See `Steps::of`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn steps_of(x: &[f32], most_code: f32) -> Steps {
    let (blocks, rest) = x.as_chunks::<LANES>();
    let (mut most, mut nans) = (_mm512_setzero_ps(), 0);
    for block in blocks {
        let x = load_f32(block);
        // The second operand wins where the first is NaN.
        most = _mm512_max_ps(_mm512_abs_ps(x), most);
        nans |= _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x, x);
    }
    let most = _mm512_reduce_max_ps(most);
    let most = rest.iter().fold(most, |most, x| if x.abs() > most { x.abs() } else { most });
    Steps::new(most, nans != 0 || rest.iter().any(|x| x.is_nan()), most_code)
}

/// Codes of a query; their sum.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn quantize(x: &[f32], steps: Steps, codes: &mut [u8]) -> i32 {
    let (blocks, rest) = x.as_chunks::<LANES>();
    let (whole, behind) = codes.split_at_mut(x.len() - rest.len());
    let mut sums = _mm512_setzero_si512();
    for (x, codes) in blocks.iter().zip(whole.as_chunks_mut::<LANES>().0) {
        let code = rounded(load_f32(x), steps);
        store_128(codes, _mm512_cvtepi32_epi8(code));
        sums = _mm512_add_epi32(sums, code);
    }
    let mut sum = _mm512_reduce_add_epi32(sums);
    for (x, code) in rest.iter().zip(behind) {
        let of = steps.code(*x);
        *code = of.cast_unsigned();
        sum += i32::from(of);
    }
    sum
}

/// Codes of the probabilities of a chunk's first positions times the scales of their values; zeros behind them.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn quantize_p(p: &[f32], scales: &[f32]) -> Probabilities {
    let mut scaled = [0.0; ATTENTION_CHUNK];
    let positions = p.iter().zip(scales);
    scaled.iter_mut().zip(positions).for_each(|(scaled, (p, scale))| *scaled = p * scale);
    let steps = steps_of(&scaled, MOST_CODE_OF_P);
    let mut codes = Probabilities { upper: [[0; _]; _], lower: [[0; _]; _], step: steps.step };
    let (scaled, _) = scaled.as_chunks::<LANES>();
    let (upper, _) = codes.upper.as_flattened_mut().as_chunks_mut::<LANES>();
    let (lower, _) = codes.lower.as_flattened_mut().as_chunks_mut::<LANES>();
    for t in 0..WHOLE {
        let code = rounded(load_f32(&scaled[t]), steps);
        store_128(&mut upper[t], _mm512_cvtepi32_epi8(_mm512_srli_epi32::<8>(code)));
        store_128(&mut lower[t], _mm512_cvtepi32_epi8(code));
    }
    codes
}

/// See `Steps::code`: whole numbers, half to even, 0 for NaN.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn rounded(x: __m512, steps: Steps) -> __m512i {
    let x = _mm512_mul_ps(x, _mm512_set1_ps(steps.factor));
    _mm512_maskz_cvtps_epi32(_mm512_cmp_ps_mask::<_CMP_ORD_Q>(x, x), x)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn broadcast(codes: [u8; ATTENTION_CODES]) -> __m512i {
    _mm512_set1_epi32(i32::from_le_bytes(codes))
}
