//! Rotary position embedding: half-split pairs `(x_i, x_{i + d/2})` as in GPT-NeoX, and interleaved pairs
//! `(x_{2i}, x_{2i + 1})` as in the paper. Source: Su et al. 2021.

/// Rotates one head in half-split pairs; `cos` and `sin` are `[head_dim / 2]`, of one position.
#[inline(always)]
pub(crate) fn rope(x: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (low, high) = x.split_at_mut(x.len() / 2);
    assert!(low.len() == cos.len() && high.len() == sin.len(), "half a head of angles");
    for (((low, high), cos), sin) in low.iter_mut().zip(high).zip(cos).zip(sin) {
        let (a, b) = (*low, *high);
        *low = a.mul_add(*cos, -(b * sin));
        *high = a.mul_add(*sin, b * cos);
    }
}

/// Rotates one head in interleaved pairs; `cos` and `sin` are `[head_dim / 2]`, of one position.
#[inline(always)]
pub(crate) fn rope_interleaved(x: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (pairs, rest) = x.as_chunks_mut::<2>();
    assert!(rest.is_empty() && pairs.len() == cos.len() && pairs.len() == sin.len(), "angles");
    for (([a, b], cos), sin) in pairs.iter_mut().zip(cos).zip(sin) {
        let (x, y) = (*a, *b);
        *a = x.mul_add(*cos, -(y * sin));
        *b = x.mul_add(*sin, y * cos);
    }
}
