//! One query against one chunk of positions (`docs/numerics.md`, "Attention").

use super::super::{ATTENTION_CHUNK, AttentionChunk};

/// Writes `o_c = Σ p_j v_j` and returns `(m_c, l_c)`. `dot`, `exp_sub` and `sum` are those of the instruction set.
#[inline(always)]
pub(crate) fn attend(
    dot: impl Fn(&[f32], &[f32]) -> f32,
    exp_sub: impl Fn(&mut [f32], f32),
    sum: impl Fn(&[f32]) -> f32,
    chunk: &AttentionChunk<'_>,
    out: &mut [f32],
) -> (f32, f32) {
    let head_dim = chunk.q.len();
    // Whole blocks of 16, so that no exponential is left over: what is not there becomes 0.
    let mut p = [f32::NEG_INFINITY; ATTENTION_CHUNK];
    let mut max = f32::NEG_INFINITY;
    for (j, p) in p[..chunk.n].iter_mut().enumerate() {
        *p = dot(chunk.q, &chunk.k[j * head_dim..][..head_dim]) * chunk.scale;
        max = if *p > max { *p } else { max };
    }
    let max = max + 0.0; // which of two zeros was met first is no matter
    p[..chunk.n.next_multiple_of(16)]
        .as_chunks_mut::<16>()
        .0
        .iter_mut()
        .for_each(|p| exp_sub(p, max));
    let p = &p[..chunk.n];
    out.fill(0.0);
    for (j, p) in p.iter().enumerate() {
        let v = &chunk.v[j * head_dim..][..head_dim];
        for (out, v) in out.iter_mut().zip(v) {
            *out = p.mul_add(*v, *out);
        }
    }
    (max, sum(p))
}
