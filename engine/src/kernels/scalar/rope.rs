//! Rotary position embedding, half-split pairs `(x_i, x_{i + d/2})`. Source: Su et al. 2021; pairing as in GPT-NeoX.

/// Rotates one head; `cos` and `sin` are `[head_dim / 2]`, of one position.
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
