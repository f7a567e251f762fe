//! Causal grouped-query attention over the cache (`docs/numerics.md`, "Attention"): scores with all keys, chunk by chunk, their
//! softmax, and the values' sum by it.

use super::{
    kv_cache::{KvCache, Place},
    sequences::Sequences,
};
use crate::{
    device::Row,
    kernels::{ATTENTION_CHUNK, ATTENTION_QUERIES, AttentionChunk, Kernels, Stored},
    model::Config,
    threads::Strip,
};

/// Scores that one head has room for when a pass ends at `len` positions.
pub(super) const fn scores_width(len: usize) -> usize {
    len.next_multiple_of(ATTENTION_CHUNK)
}

/// Attention of the heads in `out`'s columns. `q`: `[rows, q_width]`, already rotated. `out`: `[rows, q_width]`, columns
/// in whole heads; `scores`: room for those of the same heads, `[n_heads, scores_width]`. Each row looks at its own sequence,
/// up to its own position.
pub(super) fn attend(
    kernels: &Kernels,
    config: &Config,
    sequences: &Sequences,
    layer: usize,
    rows: &[Row],
    q: &[f32],
    [mut out, mut scores]: [Strip<'_>; 2],
) {
    let d = config.head_dim;
    let columns = out.columns();
    let heads = columns.start / d..columns.end / d;
    if heads.is_empty() {
        return;
    }
    let scores = scores.row(0);
    let stride = scores.len() / heads.len();
    let per_group = config.n_heads / config.n_kv_heads;
    #[expect(clippy::cast_precision_loss, reason = "head sizes are at most 1024")]
    let scale = 1.0 / (d as f32).sqrt();
    for (i, row) in rows.iter().enumerate() {
        let cache = sequences.cache(row.place);
        let q = &q[i * config.q_width()..][..config.q_width()];
        let out = out.row(i);
        let mut head = heads.start;
        while head < heads.end {
            let kv_head = head / per_group;
            let end = heads.end.min((kv_head + 1) * per_group);
            let n_positions = row.position + 1;
            let group = Group { kernels, cache, layer, kv_head, n_positions, stride, d };
            let out = &mut out[head * d - columns.start..end * d - columns.start];
            let scores = &mut scores[..(end - head) * stride];
            group.attend(&q[head * d..end * d], scale, scores, out);
            head = end;
        }
    }
}

/// Heads of one query that read the same keys and values.
struct Group<'a> {
    kernels: &'a Kernels,
    cache: &'a KvCache,
    layer: usize,
    kv_head: usize,
    n_positions: usize,
    stride: usize,
    d: usize,
}

impl Group<'_> {
    fn attend(&self, q: &[f32], scale: f32, scores: &mut [f32], out: &mut [f32]) {
        let Self { kernels, stride, d, .. } = *self;
        let n_chunks = self.n_positions.div_ceil(ATTENTION_CHUNK);
        let (keys, values) =
            (|i| self.cache.keys(self.place(i)), |i| self.cache.values(self.place(i)));
        let (some_heads, some_scores) = (ATTENTION_QUERIES * d, ATTENTION_QUERIES * stride);
        for i in 0..n_chunks {
            let next = if i + 1 < n_chunks { keys(i + 1) } else { values(0) };
            let chunk = self.chunk(i, keys(i), next);
            for (q, scores) in q.chunks(some_heads).zip(scores.chunks_mut(some_scores)) {
                (kernels.scores)(&chunk, q, scale, &mut scores[i * ATTENTION_CHUNK..]);
            }
        }
        let n = self.n_positions;
        for scores in scores.chunks_mut(stride) {
            (kernels.softmax)(&mut scores[..n.next_multiple_of(16)], n);
        }
        out.fill(0.0);
        for i in 0..n_chunks {
            let chunk = self.chunk(i, values(i), values((i + 1).min(n_chunks - 1)));
            for (out, p) in out.chunks_mut(some_heads).zip(scores.chunks(some_scores)) {
                (kernels.weigh)(&chunk, &p[i * ATTENTION_CHUNK..], out);
            }
        }
    }

    fn place(&self, chunk: usize) -> Place {
        Place { layer: self.layer, chunk, kv_head: self.kv_head }
    }

    fn chunk<'a>(&self, i: usize, stored: Stored<'a>, next: Stored<'_>) -> AttentionChunk<'a> {
        AttentionChunk {
            stored,
            ahead: next.address().wrapping_sub(stored.address()),
            head_dim: self.d,
            n: ATTENTION_CHUNK.min(self.n_positions - i * ATTENTION_CHUNK),
            stride: self.stride,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Drawing, Isa, KvFormat, session::kv_cache::KvLayout};

    /// More heads in a group than a kernel takes, positions in three chunks, the last of them begun.
    #[test]
    fn a_large_group_over_several_chunks_is_near_the_definition() {
        const D: usize = 16;
        const HEADS: usize = 6;
        const POSITIONS: usize = 150;
        let mut drawing = Drawing::new(7, "attend");
        let mut drawn = |n| (0..n).map(|_| 4.0 * drawing.unit_f32() - 2.0).collect::<Vec<f32>>();
        let (q, k, v) = (drawn(HEADS * D), drawn(POSITIONS * D), drawn(POSITIONS * D));
        for (format, tolerance) in
            [(KvFormat::F32, 1e-5), (KvFormat::F16, 5e-3), (KvFormat::Int8, 5e-2)]
        {
            let mut cache = KvCache::new(KvLayout::of_heads(format, 2, 1, D));
            cache.reserve(POSITIONS, &mut Vec::new()).unwrap();
            for (j, (k, v)) in k.chunks_exact(D).zip(v.chunks_exact(D)).enumerate() {
                cache.write(1, j, k, v);
            }
            let stride = scores_width(POSITIONS);
            let (mut scores, mut out) = (vec![9.0; HEADS * stride], vec![9.0; HEADS * D]);
            let kernels = &Kernels::of(Isa::best()).unwrap();
            let (layer, kv_head, n_positions, cache) = (1, 0, POSITIONS, &cache);
            Group { kernels, cache, layer, kv_head, n_positions, stride, d: D }.attend(
                &q,
                0.25,
                &mut scores,
                &mut out,
            );
            for head in 0..HEADS {
                let product = |j: usize| (0..D).map(move |i| (head * D + i, j * D + i));
                let score = |j| {
                    0.25 * product(j).map(|(a, b)| f64::from(q[a]) * f64::from(k[b])).sum::<f64>()
                };
                let weights: Vec<f64> = (0..POSITIONS).map(|j| libm::exp(score(j))).collect();
                let all: f64 = weights.iter().sum();
                for i in 0..D {
                    let values = (0..POSITIONS).map(|j| f64::from(v[j * D + i]));
                    let want = weights.iter().zip(values).map(|(w, v)| w * v).sum::<f64>() / all;
                    let found = f64::from(out[head * D + i]);
                    assert!((found - want).abs() < tolerance, "{head}, {i}: {found}, {want}");
                }
            }
        }
    }
}
