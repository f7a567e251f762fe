//! Scores of queries with the keys of a chunk, and the sum of its values by probabilities (`docs/numerics.md`, "Attention").

use half::f16;

use super::{
    super::{ATTENTION_CHUNK, AttentionChunk, Stored},
    attend_int8,
};

/// Scores of each query of `q`, `[queries, head_dim]`: the first `n` of every `stride`; those behind, up to a whole chunk, may be
/// written too.
#[inline(always)]
pub(crate) fn scores(chunk: &AttentionChunk<'_>, q: &[f32], scale: f32, out: &mut [f32]) {
    match chunk.stored {
        Stored::F32(keys) => scores_of(chunk, keys, |k| *k, q, scale, out),
        Stored::F16(keys) => scores_of(chunk, keys, widen, q, scale, out),
        Stored::Int8 { codes, scales } => {
            attend_int8::scores(chunk, codes, scales, q, scale, out);
        }
    }
}

#[inline(always)]
fn scores_of<T>(
    chunk: &AttentionChunk<'_>,
    keys: &[T],
    widen: impl Fn(&T) -> f32,
    q: &[f32],
    scale: f32,
    out: &mut [f32],
) {
    let _ = chunk.n_queries(q, out);
    for (q, out) in q.chunks_exact(chunk.head_dim).zip(out.chunks_mut(chunk.stride)) {
        for (j, out) in out[..chunk.n].iter_mut().enumerate() {
            let mut sum = 0.0_f32;
            for (q, keys) in q.iter().zip(keys.chunks_exact(ATTENTION_CHUNK)) {
                sum = q.mul_add(widen(&keys[j]), sum);
            }
            *out = sum * scale;
        }
    }
}

/// `out += Σ p_j v_j` for each query's probabilities, the first `n` of every `stride`; `out`: `[queries, head_dim]`.
#[inline(always)]
pub(crate) fn weigh(chunk: &AttentionChunk<'_>, p: &[f32], out: &mut [f32]) {
    match chunk.stored {
        Stored::F32(values) => weigh_of(chunk, values, |v| *v, p, out),
        Stored::F16(values) => weigh_of(chunk, values, widen, p, out),
        Stored::Int8 { codes, scales } => {
            attend_int8::weigh(chunk, codes, scales, p, out);
        }
    }
}

#[inline(always)]
fn weigh_of<T>(
    chunk: &AttentionChunk<'_>,
    values: &[T],
    widen: impl Fn(&T) -> f32,
    p: &[f32],
    out: &mut [f32],
) {
    let _ = chunk.n_queries(out, p);
    for (out, p) in out.chunks_exact_mut(chunk.head_dim).zip(p.chunks(chunk.stride)) {
        for (p, values) in p[..chunk.n].iter().zip(values.chunks_exact(chunk.head_dim)) {
            for (out, v) in out.iter_mut().zip(values) {
                *out = p.mul_add(widen(v), *out);
            }
        }
    }
}

#[inline(always)]
fn widen(bytes: &[u8; 2]) -> f32 {
    f16::from_le_bytes(*bytes).to_f32()
}
