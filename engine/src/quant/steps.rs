//! How the reference quantisers choose the steps of a block of 32: around zero (`Q4_0`, `Q5_0`), or from the least to the
//! greatest value (`Q4_1`, `Q5_1`). Bits as gguf-py's. Source: ggml, `ggml/src/ggml-quants.c`, `quantize_row_q*_ref`.

use super::blocks::scale_bytes;

/// `d = x / -half` for the value of largest magnitude (the first of several), `code = trunc(x / d + half + 0.5)`.
///
/// The codes reach from 0 to `2 · half - 1`, so the extreme itself is exact, and an equal one of the other sign is off by a
/// whole step. Out: the scale's bytes and the codes; `None` if half precision can't hold the scale.
pub(super) fn around_zero(values: &[f32; 32], half: u8) -> Option<([u8; 2], [u8; 32])> {
    let mut extreme = values[0];
    for value in values {
        if value.abs() > extreme.abs() {
            extreme = *value;
        }
    }
    let half = f32::from(half);
    let scale = extreme / -half;
    let inverse = inverse(scale);
    let codes = values.map(|value| code(value * inverse + (half + 0.5), 2.0 * half - 1.0));
    Some((scale_bytes(scale)?, codes))
}

/// `d = (max - min) / top`, `code = trunc((x - min) / d + 0.5)`.
///
/// Out: the bytes of scale and minimum and the codes; `None` if half precision can't hold one.
pub(super) fn from_least(values: &[f32; 32], top: u8) -> Option<([u8; 2], [u8; 2], [u8; 32])> {
    // The first of equal ones, so that the zero at the bottom has the sign it has in the reference.
    let least = values.iter().fold(values[0], |least, &x| if x < least { x } else { least });
    let most = values.iter().fold(values[0], |most, &x| if x > most { x } else { most });
    let top = f32::from(top);
    let scale = (most - least) / top;
    let inverse = inverse(scale);
    let codes = values.map(|value| code((value - least) * inverse + 0.5, top));
    Some((scale_bytes(scale)?, scale_bytes(least)?, codes))
}

/// `1 / scale`; 0 where there is none, since every value is then below what half precision can hold.
pub(super) fn inverse(scale: f32) -> f32 {
    let inverse = 1.0 / scale;
    if inverse.is_finite() { inverse } else { 0.0 }
}

/// The whole part, at most `top`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 31: cut on purpose"
)]
fn code(x: f32, top: f32) -> u8 {
    x.min(top) as u8
}
