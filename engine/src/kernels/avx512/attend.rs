//! Attention with the sums of up to four queries in registers, which share each load of keys or values. Positions, or a head's
//! values, lie side by side in a register: no sum runs across one.

use std::{
    arch::x86_64::{
        __m512, _mm512_cvtph_ps, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_setzero_ps,
    },
    array,
};

use super::{
    super::{ATTENTION_CHUNK, AttentionChunk, Stored, scalar},
    attend_int8,
    lanes::{load_256, load_f32, prefetch, store_f32},
};

/// Values of a register.
const LANES: usize = 16;
/// Registers of a chunk's positions.
const WHOLE: usize = ATTENTION_CHUNK / LANES;

/// Registers of a head's values that are summed at once for each of four queries: with the loads, all that fit.
const TILE: usize = 4;

/// See `scalar::attend`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn scores(chunk: &AttentionChunk<'_>, q: &[f32], scale: f32, out: &mut [f32]) {
    let n_queries = chunk.n_queries(q, out);
    match chunk.stored {
        Stored::F32(keys) => scores_of(chunk, keys, |k| load_f32(k), n_queries, q, scale, out),
        Stored::F16(keys) => scores_of(chunk, keys, |k| load_f16(k), n_queries, q, scale, out),
        Stored::Int8 { codes, scales } => attend_int8::scores(chunk, codes, scales, q, scale, out),
    }
}

/// See `scalar::attend`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn weigh(chunk: &AttentionChunk<'_>, p: &[f32], out: &mut [f32]) {
    if !chunk.head_dim.is_multiple_of(LANES) {
        return scalar::attend::weigh(chunk, p, out);
    }
    let n_queries = chunk.n_queries(out, p);
    match chunk.stored {
        Stored::F32(values) => weigh_of(chunk, values, |v| load_f32(v), n_queries, p, out),
        Stored::F16(values) => weigh_of(chunk, values, |v| load_f16(v), n_queries, p, out),
        Stored::Int8 { codes, scales } => attend_int8::weigh(chunk, codes, scales, p, out),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn scores_of<T>(
    chunk: &AttentionChunk<'_>,
    keys: &[T],
    load: impl Fn(&[T; LANES]) -> __m512 + Copy,
    n_queries: usize,
    q: &[f32],
    scale: f32,
    out: &mut [f32],
) {
    match n_queries {
        1 => scores_with::<T, 1>(chunk, keys, load, q, scale, out),
        2 => scores_with::<T, 2>(chunk, keys, load, q, scale, out),
        3 => scores_with::<T, 3>(chunk, keys, load, q, scale, out),
        _ => scores_with::<T, 4>(chunk, keys, load, q, scale, out),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn scores_with<T, const Q: usize>(
    chunk: &AttentionChunk<'_>,
    keys: &[T],
    load: impl Fn(&[T; LANES]) -> __m512 + Copy,
    q: &[f32],
    scale: f32,
    out: &mut [f32],
) {
    // One query alone has too few sums to fill the pipeline with, whatever is left out.
    if Q == 1 || chunk.n > ATTENTION_CHUNK - LANES {
        return scores_columns::<T, Q, WHOLE>(chunk, keys, load, q, scale, 0, out);
    }
    for first in 0..chunk.n.div_ceil(LANES) {
        scores_columns::<T, Q, 1>(chunk, keys, load, q, scale, first, out);
    }
}

/// `C` registers of positions, from register `first` on.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn scores_columns<T, const Q: usize, const C: usize>(
    chunk: &AttentionChunk<'_>,
    keys: &[T],
    load: impl Fn(&[T; LANES]) -> __m512,
    q: &[f32],
    scale: f32,
    first: usize,
    out: &mut [f32],
) {
    let AttentionChunk { ahead, head_dim: d, stride, .. } = *chunk;
    let q: [&[f32]; Q] = array::from_fn(|h| &q[h * d..][..d]);
    let (keys, _) = keys.as_chunks::<LANES>();
    let zero = _mm512_setzero_ps();
    let mut sums = [[zero; C]; Q];
    for (i, keys) in keys.chunks_exact(WHOLE).take(d).enumerate() {
        let keys: &[[T; LANES]; C] = keys[first..].first_chunk().expect("C registers");
        ask_ahead(keys, ahead);
        let mut wide = [zero; C];
        for c in 0..C {
            wide[c] = load(&keys[c]);
        }
        for h in 0..Q {
            let q = _mm512_set1_ps(q[h][i]);
            for c in 0..C {
                sums[h][c] = _mm512_fmadd_ps(q, wide[c], sums[h][c]);
            }
        }
    }
    let scale = _mm512_set1_ps(scale);
    for h in 0..Q {
        let (out, _) = out[h * stride..].as_chunks_mut::<LANES>();
        for c in 0..C {
            store_f32(&mut out[first + c], _mm512_mul_ps(sums[h][c], scale));
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn weigh_of<T>(
    chunk: &AttentionChunk<'_>,
    values: &[T],
    load: impl Fn(&[T; LANES]) -> __m512 + Copy,
    n_queries: usize,
    p: &[f32],
    out: &mut [f32],
) {
    match n_queries {
        1 => weigh_with::<T, 1>(chunk, values, load, p, out),
        2 => weigh_with::<T, 2>(chunk, values, load, p, out),
        3 => weigh_with::<T, 3>(chunk, values, load, p, out),
        _ => weigh_with::<T, 4>(chunk, values, load, p, out),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn weigh_with<T, const Q: usize>(
    chunk: &AttentionChunk<'_>,
    values: &[T],
    load: impl Fn(&[T; LANES]) -> __m512 + Copy,
    p: &[f32],
    out: &mut [f32],
) {
    let n_registers = chunk.head_dim / LANES;
    let n_tiles = n_registers / TILE;
    for tile in 0..n_tiles {
        weigh_columns::<T, Q, TILE>(chunk, values, load, p, TILE * tile, out);
    }
    for register in TILE * n_tiles..n_registers {
        weigh_columns::<T, Q, 1>(chunk, values, load, p, register, out);
    }
}

/// `C` registers of a head's values, from register `first` on.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn weigh_columns<T, const Q: usize, const C: usize>(
    chunk: &AttentionChunk<'_>,
    values: &[T],
    load: impl Fn(&[T; LANES]) -> __m512,
    p: &[f32],
    first: usize,
    out: &mut [f32],
) {
    let AttentionChunk { ahead, head_dim, n, stride, .. } = *chunk;
    let p: [&[f32]; Q] = array::from_fn(|h| &p[h * stride..][..n]);
    let n_registers = head_dim / LANES;
    let (values, _) = values.as_chunks::<LANES>();
    let (out, _) = out.as_chunks_mut::<LANES>();
    let mut sums = [[_mm512_setzero_ps(); C]; Q];
    for h in 0..Q {
        for c in 0..C {
            sums[h][c] = load_f32(&out[h * n_registers + first + c]);
        }
    }
    for (j, values) in values.chunks_exact(n_registers).take(n).enumerate() {
        let values: &[[T; LANES]; C] = values[first..].first_chunk().expect("C registers");
        ask_ahead(values, ahead);
        let mut wide = [_mm512_setzero_ps(); C];
        for c in 0..C {
            wide[c] = load(&values[c]);
        }
        for h in 0..Q {
            let p = _mm512_set1_ps(p[h][j]);
            for c in 0..C {
                sums[h][c] = _mm512_fmadd_ps(p, wide[c], sums[h][c]);
            }
        }
    }
    for h in 0..Q {
        for c in 0..C {
            store_f32(&mut out[h * n_registers + first + c], sums[h][c]);
        }
    }
}

/// Asks for what lies `ahead` of these, line by line.
#[target_feature(enable = "avx512f")]
#[inline]
fn ask_ahead<T, const N: usize>(registers: &[[T; LANES]; N], ahead: usize) {
    let n_lines = size_of::<[[T; LANES]; N]>().div_ceil(64);
    for line in 0..n_lines {
        prefetch(&registers[0], ahead.wrapping_add(64 * line));
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
#[inline]
fn load_f16(x: &[[u8; 2]; LANES]) -> __m512 {
    _mm512_cvtph_ps(load_256(x.as_flattened().first_chunk().expect("32 bytes")))
}
