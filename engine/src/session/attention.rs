//! Causal grouped-query attention over the cache, chunk by chunk (`docs/numerics.md`, "Attention").

use super::kv_cache::KvCache;
use crate::{
    kernels::{ATTENTION_CHUNK, AttentionChunk, Kernels},
    model::Config,
    threads::Strip,
};

/// Attention of the heads in `out`'s columns. `q`: `[tokens, q_width]`, already rotated; the tokens stand at positions
/// `first..first + tokens`. `out`: `[tokens, q_width]`, columns in whole heads.
pub(super) fn attend(
    kernels: &Kernels,
    config: &Config,
    cache: &KvCache,
    layer: usize,
    first: usize,
    q: &[f32],
    out: &mut Strip<'_>,
) {
    let d = config.head_dim;
    let columns = out.columns();
    let group = config.n_heads / config.n_kv_heads;
    let stride = config.kv_width();
    #[expect(clippy::cast_precision_loss, reason = "head sizes are at most 1024")]
    let scale = 1.0 / (d as f32).sqrt();
    let mut partial = vec![0.0; d];
    let mut joined = Joined::default();
    for token in 0..out.n_rows() {
        let n_positions = first + token + 1;
        for head in columns.start / d..columns.end / d {
            let q = &q[token * config.q_width() + head * d..][..d];
            let out = &mut out.row(token)[head * d - columns.start..][..d];
            joined.start(out);
            for chunk in 0..n_positions.div_ceil(ATTENTION_CHUNK) {
                let (k, v) = cache.layer(chunk, layer);
                let offset = head / group * d;
                let n = ATTENTION_CHUNK.min(n_positions - chunk * ATTENTION_CHUNK);
                let input =
                    AttentionChunk { q, k: &k[offset..], v: &v[offset..], stride, n, scale };
                let (max, sum) = (kernels.attend)(&input, &mut partial);
                joined.chunks.push((max, sum));
                joined.values.extend_from_slice(&partial);
            }
            joined.finish(kernels, out);
        }
    }
}

/// The chunks of one query, kept until the overall maximum is known.
#[derive(Default)]
struct Joined {
    /// `(m_c, l_c)`.
    chunks: Vec<(f32, f32)>,
    /// `o_c`, one after the other.
    values: Vec<f32>,
}

impl Joined {
    fn start(&mut self, out: &mut [f32]) {
        self.chunks.clear();
        self.values.clear();
        out.fill(0.0);
    }

    fn finish(&self, kernels: &Kernels, out: &mut [f32]) {
        let max =
            self.chunks.iter().fold(f32::NEG_INFINITY, |m, (c, _)| if *c > m { *c } else { m });
        let mut sum = 0.0_f32;
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
