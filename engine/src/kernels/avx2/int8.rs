//! int8 activations: one scale for the row, as in `scalar`, in element order.

use super::super::{RowScale, scalar};

/// Quantizes one row, in element order.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn pack(x: &[f32], codes: &mut [u8]) -> RowScale {
    assert_eq!(x.len(), codes.len(), "lengths of a quantization");
    let scale = scalar::int8::activation_scale(x);
    let mut sum = 0;
    for (x, q) in x.iter().zip(codes) {
        let code = scalar::int8::code(*x, scale);
        *q = code.cast_unsigned();
        sum += i32::from(code);
    }
    RowScale { scale, sum }
}
