//! Element-wise steps: residual addition, the squared-ReLU gate, scaled accumulation.

/// `x_i += y_i`.
#[inline(always)]
pub(crate) fn add(x: &mut [f32], y: &[f32]) {
    assert_eq!(x.len(), y.len(), "lengths of an addition");
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// `gate_i = max(gate_i, 0)² · up_i`. A NaN gate counts as 0, as `f32::max` has it.
#[inline(always)]
pub(crate) fn relu2_mul(gate: &mut [f32], up: &[f32]) {
    assert_eq!(gate.len(), up.len(), "lengths of a gate");
    for (gate, up) in gate.iter_mut().zip(up) {
        let g = if *gate > 0.0 { *gate } else { 0.0 };
        *gate = (g * g) * up;
    }
}

/// `out_i = fma(x_i, f, out_i)`.
#[inline(always)]
pub(crate) fn fma_into(x: &[f32], f: f32, out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "lengths of an accumulation");
    for (x, out) in x.iter().zip(out) {
        *out = x.mul_add(f, *out);
    }
}
