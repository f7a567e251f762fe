//! Element-wise steps: residual addition, the gates, scaled accumulation.

use super::softmax::exp;

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

/// `gate_i = silu(gate_i) · up_i` with `silu(x) = x · σ(x)`; σ is computed from `e = exp(−|x|)`, which never overflows.
#[inline(always)]
pub(crate) fn silu_mul(gate: &mut [f32], up: &[f32]) {
    assert_eq!(gate.len(), up.len(), "lengths of a gate");
    for (gate, up) in gate.iter_mut().zip(up) {
        let e = exp(-gate.abs());
        let sigmoid = if *gate < 0.0 { e } else { 1.0 } / (1.0 + e);
        *gate = (*gate * sigmoid) * up;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silu_is_near_its_definition_in_f64_and_never_overflows() {
        for i in -4000..4000_i16 {
            let x = f32::from(i) * 0.05;
            let mut gate = [x];
            silu_mul(&mut gate, &[1.0]);
            let want = f64::from(x) / (1.0 + libm::exp(-f64::from(x)));
            // e and three operations, each rounded to f32; below −87 the true value is under 1e-35.
            assert!(
                (f64::from(gate[0]) - want).abs() <= want.abs() * 3e-7 + 1e-35,
                "{x}: {gate:?}"
            );
        }
        let mut extremes = [f32::MAX, -f32::MAX, 0.0, -0.0];
        silu_mul(&mut extremes, &[1.0; 4]);
        assert_eq!(extremes.map(f32::to_bits), [f32::MAX, -0.0, 0.0, -0.0].map(f32::to_bits));
    }
}
