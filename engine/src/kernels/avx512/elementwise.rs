//! Steps without a sum of their own: the scalar bodies, compiled for AVX-512. No order of operations changes, so no bit does.

use super::{super::scalar, dot::dot};

/// See `scalar::norm`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn rms_norm(x: &[f32], w: &[f32], eps: f32, out: &mut [f32]) {
    scalar::norm::rms_norm(|a, b| dot(a, b), x, w, eps, out);
}

/// See `scalar::act`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn add(x: &mut [f32], y: &[f32]) {
    scalar::act::add(x, y);
}

/// See `scalar::act`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn relu2_mul(gate: &mut [f32], up: &[f32]) {
    scalar::act::relu2_mul(gate, up);
}

/// See `scalar::act`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn silu_mul(gate: &mut [f32], up: &[f32]) {
    scalar::act::silu_mul(gate, up);
}

/// See `scalar::rope`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn rope_interleaved(x: &mut [f32], cos: &[f32], sin: &[f32]) {
    scalar::rope::rope_interleaved(x, cos, sin);
}

/// See `scalar::rope`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn rope(x: &mut [f32], cos: &[f32], sin: &[f32]) {
    scalar::rope::rope(x, cos, sin);
}

/// See `scalar::softmax`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn softmax(x: &mut [f32], n: usize) {
    scalar::softmax::softmax(x, n);
}
