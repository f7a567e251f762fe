//! int8 activations: one scale for the row (`docs/numerics.md`, "The graph").
//! Source: Ma et al. 2024 (BitNet b1.58).

use super::super::{Input, Packing, RowScale};

/// Codes in element order.
pub(in crate::kernels) const PACKING: Packing =
    Packing { input: Input::Int8, row_len: |cols| cols, pack };

/// Adding it rounds to a whole number, half to even, and leaves that number in the low bits.
pub(in crate::kernels) const ROUND: f32 = 12_582_912.0;

/// `127 / max(1e-5, max|x|)`.
#[inline(always)]
pub(crate) fn activation_scale(x: &[f32]) -> f32 {
    let max = x.iter().fold(0.0_f32, |max, x| if x.abs() > max { x.abs() } else { max });
    127.0 / if max > 1e-5 { max } else { 1e-5 }
}

/// `round_half_even(x · s)` for `|x · s| ≤ 127.5`: the low byte of the shifted sum.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the low byte is the code"
)]
#[inline(always)]
pub(crate) fn code(x: f32, scale: f32) -> i8 {
    ((x * scale) + ROUND).to_bits() as u8 as i8
}

/// Quantizes one row into codes in element order.
pub(crate) fn pack(x: &[f32], codes: &mut [u8]) -> RowScale {
    assert_eq!(x.len(), codes.len(), "lengths of a quantization");
    let scale = activation_scale(x);
    let mut sum = 0;
    for (x, q) in x.iter().zip(codes) {
        let code = code(*x, scale);
        *q = code.cast_unsigned();
        sum += i32::from(code);
    }
    RowScale { scale, sum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::scale_sum;

    #[test]
    fn packing_rounds_half_to_even_as_the_worked_example_says() {
        // By hand, half to even: s = 127; 12.7 -> 13, -31.75 -> -32, 63.5 -> 64.
        let mut codes = [0; 4];
        let row = pack(&[0.1, -0.25, 0.5, 1.0], &mut codes);
        assert_eq!(
            (codes.map(u8::cast_signed), row.scale.to_bits()),
            ([13, -32, 64, 127], 127.0_f32.to_bits())
        );
        let row = pack(&[0.3, -0.7, 0.05, 0.7], &mut codes);
        assert_eq!((codes.map(u8::cast_signed), row.sum), ([54, -127, 9, 127], 63));
        // acc with t = (1, -1, 0, 1): codes 2, 0, 1, 2.
        let acc = 2 * 54 + 9 + 2 * 127;
        let y = scale_sum(acc, row, 1.5);
        assert!((y - 2.546_456_8).abs() < 1e-6, "{y}");
    }

    #[test]
    fn an_all_zero_row_keeps_the_floor() {
        let mut codes = [7; 3];
        let row = pack(&[0.0; 3], &mut codes);
        assert_eq!((codes, row.sum), ([0; 3], 0));
        assert!(row.scale.is_finite());
    }
}
