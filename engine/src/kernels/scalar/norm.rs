//! Root-mean-square normalisation. Source: Zhang & Sennrich 2019.

/// `out_i = (x_i · r) · w_i`, `r = 1 / sqrt(dot(x, x) / n + eps)`; all slices of the same length.
#[inline(always)]
pub(crate) fn rms_norm(
    dot: impl Fn(&[f32], &[f32]) -> f32,
    x: &[f32],
    w: &[f32],
    eps: f32,
    out: &mut [f32],
) {
    assert!(x.len() == w.len() && x.len() == out.len(), "lengths of a norm");
    #[expect(clippy::cast_precision_loss, reason = "widths are far below 2^24")]
    let n = x.len() as f32;
    let r = 1.0 / (dot(x, x) / n + eps).sqrt();
    for ((out, x), w) in out.iter_mut().zip(x).zip(w) {
        *out = (x * r) * w;
    }
}
