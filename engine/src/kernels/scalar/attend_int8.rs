//! Attention over int8 codes: exact integer products of them with codes of the queries, 8 bits, and of the probabilities, 15 bits for
//! those of a chunk (`docs/numerics.md`, "Attention").

use super::super::{
    ATTENTION_CHUNK, ATTENTION_CODES, ATTENTION_HEAD, AttentionChunk, MOST_CODE, MOST_CODE_OF_P,
    Steps,
};

/// See [`super::attend::scores`].
#[expect(clippy::cast_precision_loss, reason = "at most 1024 · 128 · 127 < 2^24: exact")]
#[inline(always)]
pub(super) fn scores(
    chunk: &AttentionChunk<'_>,
    keys: &[i8],
    scales: &[f32],
    q: &[f32],
    scale: f32,
    out: &mut [f32],
) {
    let _ = chunk.n_queries(q, out);
    let (keys, _) = keys.as_chunks::<ATTENTION_CODES>();
    for (q, out) in q.chunks_exact(chunk.head_dim).zip(out.chunks_mut(chunk.stride)) {
        let steps = Steps::of(q, MOST_CODE);
        let mut codes = [0; ATTENTION_HEAD];
        codes.iter_mut().zip(q).for_each(|(code, q)| *code = steps.code(*q));
        let (codes, _) = codes.as_chunks::<ATTENTION_CODES>();
        let step = steps.step * scale;
        for (j, out) in out[..chunk.n].iter_mut().enumerate() {
            let of_position = keys[j..].iter().step_by(ATTENTION_CHUNK).zip(codes);
            let sum: i32 = of_position.map(|(keys, q)| product(keys, q)).sum();
            *out = sum as f32 * (scales[j] * step);
        }
    }
}

/// See [`super::attend::weigh`]. No probability is negative.
#[expect(clippy::cast_precision_loss, reason = "rounded: the definition")]
#[inline(always)]
pub(in crate::kernels) fn weigh(
    chunk: &AttentionChunk<'_>,
    values: &[i8],
    scales: &[f32],
    p: &[f32],
    out: &mut [f32],
) {
    let _ = chunk.n_queries(out, p);
    let (values, _) = values.as_chunks::<ATTENTION_CODES>();
    for (out, p) in out.chunks_exact_mut(chunk.head_dim).zip(p.chunks(chunk.stride)) {
        let mut scaled = [0.0; ATTENTION_CHUNK];
        let positions = p[..chunk.n].iter().zip(scales);
        scaled.iter_mut().zip(positions).for_each(|(scaled, (p, scale))| *scaled = p * scale);
        let steps = Steps::of(&scaled, MOST_CODE_OF_P);
        let codes = scaled.map(|scaled| steps.code_p(scaled));
        let (codes, _) = codes.as_chunks::<ATTENTION_CODES>();
        for (i, out) in out.iter_mut().enumerate() {
            let of_value = values[i..].iter().step_by(chunk.head_dim).zip(codes);
            let sum: i32 = of_value.map(|(values, p)| product(values, p)).sum();
            *out = (sum as f32).mul_add(steps.step, *out);
        }
    }
}

fn product<T: Copy + Into<i32>>(codes: &[i8; ATTENTION_CODES], by: &[T; ATTENTION_CODES]) -> i32 {
    codes.iter().zip(by).map(|(code, by)| i32::from(*code) * (*by).into()).sum()
}
