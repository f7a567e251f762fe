//! A ternary linear out of a checkpoint: trits and one scale, from master weights or from packed bytes.

use super::{
    linears::{Linears, Scale},
    shards::Shards,
    wrong,
};
use crate::{Error, ErrorKind, Result};

/// The least mean magnitude: below it training divides by this.
const MEAN_MIN: f32 = 1e-5;

/// `[rows, cols]` trits, row-major, and what all are multiplied by. `name`: of the module, without `.weight`.
pub(super) fn take(
    shards: &mut Shards,
    name: &str,
    rows: usize,
    cols: usize,
    linears: Linears,
) -> Result<(Vec<i8>, f32)> {
    let weight = format!("{name}.weight");
    let Linears::Packed(scale) = linears else {
        return Ok(quantize(&shards.take_floats(&weight, &[rows, cols])?));
    };
    if !rows.is_multiple_of(4) {
        let text = format!(
            "tensor `{weight}`: expected a multiple of 4 rows, four in a byte, found {rows}"
        );
        return Err(Error::new(ErrorKind::Shape, text));
    }
    let trits = unpack(shards.take_bytes(&weight, &[rows / 4, cols])?).map_err(|i| {
        wrong(format!("tensor `{weight}`: expected codes from 0 to 2, found 3 in byte {i}"))
    })?;
    let scale_name = format!("{name}.weight_scale");
    let stored = shards.take_number(&scale_name)?;
    let factor = match scale {
        Scale::Multiplies => stored,
        Scale::Divides => 1.0 / stored,
    };
    if factor.is_finite() && factor > 0.0 {
        return Ok((trits, factor));
    }
    Err(wrong(format!("tensor `{scale_name}`: expected a number above 0, found {stored}")))
}

/// The rule of BitNet b1.58 training: `scale = mean|w|`, at least 1e-5; `trit = clamp(round(w / scale), -1, 1)`, half to even.
/// The mean is summed in f64 and rounded once.
fn quantize(weights: &[f32]) -> (Vec<i8>, f32) {
    let sum: f64 = weights.iter().map(|weight| f64::from(weight.abs())).sum();
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 weights")]
    let mean = sum / weights.len().max(1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a mean of f32 magnitudes is in f32's range"
    )]
    let scale = (mean as f32).max(MEAN_MIN);
    // A half rounds to the even number, which is 0.
    let trit = |weight: &f32| i8::from(weight / scale > 0.5) - i8::from(weight / scale < -0.5);
    (weights.iter().map(trit).collect(), scale)
}

/// Trits of `[rows / 4, cols]` bytes: byte row `r` holds the rows `r`, `r + R`, `r + 2R`, `r + 3R` (`R` = rows / 4) in bits 1:0,
/// 3:2, 5:4, 7:6; trit = code - 1. The error is the index of a byte with a code 3.
///
/// Source: transformers, `integrations/bitnet.py` (`pack_weights`).
fn unpack(bytes: &[u8]) -> Result<Vec<i8>, usize> {
    if let Some(i) = bytes.iter().position(|byte| byte & byte >> 1 & 0b01_01_01_01 != 0) {
        return Err(i);
    }
    let plane = |shift: u32| bytes.iter().map(move |byte| (byte >> shift & 3).cast_signed() - 1);
    Ok([0, 2, 4, 6].into_iter().flat_map(plane).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_rows_lie_a_quarter_of_the_matrix_apart() {
        // The worked example in transformers' `unpack_weights`: 2 × 2 bytes are 8 × 2 trits.
        let bytes = [0b1010_0001, 0b0001_1000, 0b1001_0000, 0b0000_1010];
        let trits = [0, -1, -1, 1, -1, 1, -1, 1, 1, 0, 0, -1, 1, -1, 1, -1];
        assert_eq!(unpack(&bytes).unwrap(), trits);
        assert_eq!(unpack(&[0, 0b0000_1100]), Err(1));
    }

    #[test]
    fn master_weights_are_rounded_by_their_mean_half_to_even() {
        // Mean magnitude 1: a half stays 0, more than a half is 1.
        let (trits, scale) = quantize(&[0.5, -0.5, 0.75, -2.25]);
        assert_eq!((trits, scale.to_bits()), (vec![0, 0, 1, -1], 1.0_f32.to_bits()));
        let (trits, scale) = quantize(&[0.0, 1e-9, -6e-6, 0.0]);
        assert_eq!((trits, scale.to_bits()), (vec![0, 0, -1, 0], 1e-5_f32.to_bits()));
    }
}
