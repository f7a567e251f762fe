//! Causal grouped-query attention over the cache, chunk by chunk (`docs/numerics.md`, "Attention").

use super::sequences::{Row, Sequences};
use crate::{
    Lines,
    kernels::{ATTENTION_CHUNK, AttentionChunk, Kernels},
    model::Config,
    threads::Strip,
};

/// Attention of the heads in `out`'s columns. `q`: `[rows, q_width]`, already rotated. `out`: `[rows, q_width]`, columns
/// in whole heads. Each row looks at its own sequence, up to its own position.
pub(super) fn attend(
    kernels: &Kernels,
    config: &Config,
    sequences: &Sequences,
    layer: usize,
    rows: &[Row],
    q: &[f32],
    out: &mut Strip<'_>,
) {
    let d = config.head_dim;
    let columns = out.columns();
    let heads = columns.start / d..columns.end / d;
    let group = config.n_heads / config.n_kv_heads;
    #[expect(clippy::cast_precision_loss, reason = "head sizes are at most 1024")]
    let scale = 1.0 / (d as f32).sqrt();
    let mut partial = vec![0.0; d];
    let mut wide = [Lines::default(), Lines::default()];
    let mut joined: Vec<Joined> = (0..group.min(heads.len())).map(|_| Joined::default()).collect();
    for (i, row) in rows.iter().enumerate() {
        let cache = sequences.cache(row.place);
        let n_positions = row.position + 1;
        let q = &q[i * config.q_width()..][..config.q_width()];
        let out = out.row(i);
        let mut head = heads.start;
        // The heads of one group read the same keys and values.
        while head < heads.end {
            let kv_head = head / group;
            let end = heads.end.min((kv_head + 1) * group);
            joined.iter_mut().for_each(Joined::clear);
            for chunk in 0..n_positions.div_ceil(ATTENTION_CHUNK) {
                let n = ATTENTION_CHUNK.min(n_positions - chunk * ATTENTION_CHUNK);
                let [k, v] = cache.head((layer, chunk, kv_head), n, kernels, &mut wide);
                for (head, joined) in (head..end).zip(&mut joined) {
                    let q = &q[head * d..][..d];
                    let input = AttentionChunk { q, k, v, n, scale };
                    let (max, sum) = (kernels.attend)(&input, &mut partial);
                    joined.chunks.push((max, sum));
                    joined.values.extend_from_slice(&partial);
                }
            }
            for (head, joined) in (head..end).zip(&joined) {
                joined.finish(kernels, &mut out[head * d - columns.start..][..d]);
            }
            head = end;
        }
    }
}

/// The chunks of one query, kept until the overall maximum is known.
#[derive(Debug, Default)]
struct Joined {
    /// `(m_c, l_c)`.
    chunks: Vec<(f32, f32)>,
    /// `o_c`, one after the other.
    values: Vec<f32>,
}

impl Joined {
    fn clear(&mut self) {
        self.chunks.clear();
        self.values.clear();
    }

    fn finish(&self, kernels: &Kernels, out: &mut [f32]) {
        let max =
            self.chunks.iter().fold(f32::NEG_INFINITY, |m, (c, _)| if *c > m { *c } else { m });
        let mut sum = 0.0_f32;
        out.fill(0.0);
        for ((chunk_max, chunk_sum), o) in
            self.chunks.iter().zip(self.values.chunks_exact(out.len()))
        {
            let mut factor = [*chunk_max];
            (kernels.exp_sub)(&mut factor, max);
            sum = chunk_sum.mul_add(factor[0], sum);
            (kernels.fma_into)(o, factor[0], out);
        }
        for out in out {
            *out /= sum;
        }
    }
}
