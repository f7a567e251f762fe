//! int8 activations: one scale for the row, as in `scalar`, in element order.

use super::super::{Input, Packing, RowScale, scalar};

/// See the file's door.
pub(super) const PACKING: Packing = Packing {
    input: Input::Int8,
    row_len: |cols| cols,
    // SAFETY: this constant is only in the table of avx2, which is handed out where the CPU has every feature.
    pack: |x, packed| unsafe { pack(x, packed) },
};

/// Quantizes one row, in element order.
#[target_feature(enable = "avx2,fma,f16c")]
fn pack(x: &[f32], codes: &mut [u8]) -> RowScale {
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
