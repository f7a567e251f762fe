//! Ternary products: I2_S codes with int8 activations, exact in i32 (`docs/numerics.md`).
//! Source of the arithmetic: Ma et al. 2024 (BitNet b1.58); layout: `docs/formats.md`.

use super::super::{RowScale, TernaryProduct, row_bytes, scale_sum};
use crate::threads::Strip;

/// Adding it rounds to a whole number, half to even, and leaves that number in the low bits.
const ROUND: f32 = 12_582_912.0;

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
pub(crate) fn quantize(x: &[f32], codes: &mut [i8]) -> RowScale {
    assert_eq!(x.len(), codes.len(), "lengths of a quantization");
    let scale = activation_scale(x);
    let mut sum = 0;
    for (x, q) in x.iter().zip(codes) {
        *q = code(*x, scale);
        sum += i32::from(*q);
    }
    RowScale { scale, sum }
}

/// The product for the strip's columns (weight rows) and rows (tokens).
pub(crate) fn ternary_i8(product: &TernaryProduct<'_>, out: &mut Strip<'_>) {
    let bytes = row_bytes(product.cols);
    let rows = out.columns();
    for token in 0..out.n_rows() {
        let x = product.x.row(token);
        let scale = product.x.scales[token];
        let out = out.row(token);
        for (r, out) in rows.clone().zip(out) {
            let acc = dot_row(&product.codes[r * bytes..][..bytes], x);
            *out = scale_sum(acc, scale, product.weight_scale);
        }
    }
}

/// `Σ code_i · x_i` of one row, codes 0, 1, 2.
fn dot_row(codes: &[u8], x: &[i8]) -> i32 {
    let (groups, _) = codes.as_chunks::<32>();
    let (xs, _) = x.as_chunks::<128>();
    let mut acc = 0;
    for (group, x) in groups.iter().zip(xs) {
        for p in 0..32 {
            let byte = i32::from(group[p]);
            acc += (byte >> 6) * i32::from(x[p]);
            acc += (byte >> 4 & 3) * i32::from(x[p + 32]);
            acc += (byte >> 2 & 3) * i32::from(x[p + 64]);
            acc += (byte & 3) * i32::from(x[p + 96]);
        }
    }
    acc
}

/// Trits of one row as f32.
#[inline(always)]
pub(crate) fn widen_ternary(codes: &[u8], out: &mut [f32]) {
    let (groups, rest) = codes.as_chunks::<32>();
    let (outs, out_rest) = out.as_chunks_mut::<128>();
    assert!(rest.is_empty() && out_rest.is_empty() && groups.len() == outs.len(), "whole groups");
    for (group, out) in groups.iter().zip(outs) {
        for p in 0..32 {
            let byte = group[p];
            out[p] = f32::from(byte >> 6) - 1.0;
            out[p + 32] = f32::from(byte >> 4 & 3) - 1.0;
            out[p + 64] = f32::from(byte >> 2 & 3) - 1.0;
            out[p + 96] = f32::from(byte & 3) - 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantize_rounds_half_to_even_as_the_worked_example_says() {
        // By hand, half to even: s = 127; 12.7 -> 13, -31.75 -> -32, 63.5 -> 64.
        let mut codes = [0; 4];
        let row = quantize(&[0.1, -0.25, 0.5, 1.0], &mut codes);
        assert_eq!((codes, row.scale.to_bits()), ([13, -32, 64, 127], 127.0_f32.to_bits()));
        let row = quantize(&[0.3, -0.7, 0.05, 0.7], &mut codes);
        assert_eq!((codes, row.sum), ([54, -127, 9, 127], 63));
        // acc with t = (1, -1, 0, 1): codes 2, 0, 1, 2.
        let acc = 2 * 54 + 9 + 2 * 127;
        let y = scale_sum(acc, row, 1.5);
        assert!((y - 2.546_456_8).abs() < 1e-6, "{y}");
    }

    #[test]
    fn an_all_zero_row_keeps_the_floor() {
        let mut codes = [7; 3];
        let row = quantize(&[0.0; 3], &mut codes);
        assert_eq!((codes, row.sum), ([0; 3], 0));
        assert!(row.scale.is_finite());
    }
}
