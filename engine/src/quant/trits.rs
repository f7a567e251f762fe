//! Trits on their way into TL1 and TL2: codes t + 1 of one row, and the rules for the one scale of a tensor.

use super::i2_s::{ABSMAX_ZERO_BELOW, magnitude_bits};
use super::{BlockFormat, Shape};
use crate::{Error, ErrorKind, Result};

/// Weights whose codes are computed at a time.
const RUN: usize = 32;

/// `codes[i] = t + 1` by the rule of I2_S's quantiser (|w| below 1e-6 is 0, the rest its sign). Returns the largest magnitude;
/// where it is not finite, some weight isn't.
pub(super) fn from_f32(weights: &[f32], codes: &mut [u8]) -> f32 {
    let (runs, rest) = weights.as_chunks::<RUN>();
    let (outs, out_rest) = codes.as_chunks_mut::<RUN>();
    let mut lanes = [0_i32; RUN];
    for (run, out) in runs.iter().zip(outs) {
        for i in 0..RUN {
            out[i] = code(run[i]);
            lanes[i] = lanes[i].max(magnitude_bits(run[i]));
        }
    }
    let mut most = lanes.into_iter().fold(0, i32::max);
    for (weight, out) in rest.iter().zip(out_rest) {
        *out = code(*weight);
        most = most.max(magnitude_bits(*weight));
    }
    f32::from_bits(most.cast_unsigned())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "one of 0, 1, 2")]
#[inline(always)]
fn code(w: f32) -> u8 {
    (1 + i32::from(w >= ABSMAX_ZERO_BELOW) - i32::from(w <= -ABSMAX_ZERO_BELOW)) as u8
}

/// `codes[i] = t + 1`.
pub(super) fn from_i8(trits: &[i8], codes: &mut [u8]) {
    for (trit, code) in trits.iter().zip(codes) {
        *code = (trit + 1).cast_unsigned();
    }
}

/// The scale at byte `at`, which the caller knows to be inside.
pub(super) fn scale_at(tensor: &[u8], at: usize) -> f32 {
    let bytes = at.checked_add(4).and_then(|end| tensor.get(at..end)?.first_chunk());
    bytes.map_or(f32::NAN, |bytes| f32::from_le_bytes(*bytes))
}

/// A scale must be finite, and not negative; zero only if all weights are, which `any` says: the first that isn't.
pub(super) fn check_scale(
    format: &dyn BlockFormat,
    tensor: &[u8],
    at: usize,
    any: impl Fn() -> Option<(usize, usize)>,
) -> Result<()> {
    let (name, scale) = (format.name(), scale_at(tensor, at));
    if !scale.is_finite() {
        let text = format!("{name} scale at byte {at}: expected a finite number, found {scale}");
        return Err(Error::new(ErrorKind::NonFinite, text));
    }
    if scale.is_sign_negative() {
        let text = format!("{name} scale at byte {at}: expected no negative number, found {scale}");
        return Err(Error::gguf(text));
    }
    // A scale of zero is what an all-zero tensor has; with any other weight it has been lost.
    if scale == 0.0
        && let Some((row, col)) = any()
    {
        return Err(Error::gguf(format!(
            "{name} scale: expected above 0, since row {row}, column {col} is not zero, found 0"
        )));
    }
    Ok(())
}

/// The first element of `[rows, cols]` for which `is` holds.
pub(super) fn find(shape: Shape, is: impl Fn(usize, usize) -> bool) -> Option<(usize, usize)> {
    let mut all = (0..shape.rows).flat_map(|row| (0..shape.cols).map(move |col| (row, col)));
    all.find(|&(row, col)| is(row, col))
}
