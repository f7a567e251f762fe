//! F16 (type 1): IEEE half precision, little endian, one element a block.
//! Decoding is exact; encoding rounds to nearest, ties to even, and refuses what would become infinite (65520 and beyond).

use half::f16;
use half::slice::HalfFloatSliceExt as _;

use super::{BlockFormat, Shape, expect_len, expect_size, refuse_non_finite, row_of};
use crate::Result;

/// Bytes of one element.
const SIZE: usize = 2;
/// Elements converted at a time: the conversion of a slice uses the processor's own instruction.
const RUN: usize = 64;

/// Half precision.
#[derive(Clone, Copy, Debug)]
pub struct F16;

impl BlockFormat for F16 {
    fn name(&self) -> &'static str {
        "f16"
    }

    fn about(&self) -> &'static str {
        "IEEE half precision, 16 bits an element"
    }

    fn id(&self) -> u32 {
        1
    }

    fn block_len(&self) -> usize {
        1
    }

    fn n_bytes(&self, shape: Shape) -> Option<usize> {
        shape.n_elements()?.checked_mul(SIZE)
    }

    fn check(&self, tensor: &[u8], shape: Shape) -> Result<()> {
        expect_size(self, tensor, shape)?;
        let (elements, _) = tensor.as_chunks::<SIZE>();
        let bad = elements.iter().position(|bytes| !f16::from_le_bytes(*bytes).is_finite());
        refuse_non_finite(self, bad)
    }

    fn row(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        let (elements, _) = row_of(self, tensor, shape, row, SIZE, out.len())?.as_chunks::<SIZE>();
        let mut run = [f16::ZERO; RUN];
        for (values, bytes) in out.chunks_mut(RUN).zip(elements.chunks(RUN)) {
            let run = &mut run[..values.len()];
            for (half, bytes) in run.iter_mut().zip(bytes) {
                *half = f16::from_le_bytes(*bytes);
            }
            run.convert_to_f32_slice(values);
        }
        Ok(())
    }

    fn encode(&self, values: &[f32], shape: Shape) -> Result<Vec<u8>> {
        expect_len(self, shape, values.len())?;
        let halves: Vec<f16> = values.iter().map(|&value| f16::from_f32(value)).collect();
        refuse_non_finite(self, halves.iter().position(|half| !half.is_finite()))?;
        Ok(halves.iter().flat_map(|half| half.to_le_bytes()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn worked_bytes_decode_to_their_values() {
        // Scales of engine-format examples published with gguf-py: 0.75 is 00 3a, 0.125 is 00 30, -2 is 00 c0.
        let bytes = [0x00, 0x3a, 0x00, 0x30, 0x00, 0xc0];
        let mut out = [0.0; 3];
        F16.decode(&bytes, Shape::vector(out.len()), 0, &mut out).unwrap();
        assert_eq!(out.map(f32::to_bits), [0.75_f32, 0.125, -2.0].map(f32::to_bits));
        assert_eq!(F16.encode(&out, Shape::vector(out.len())).unwrap(), bytes);
    }

    #[test]
    fn every_finite_half_survives_decode_and_encode() {
        let bytes: Vec<u8> = (0..=u16::MAX)
            .filter(|&b| f16::from_bits(b).is_finite())
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut out = vec![0.0; bytes.len() / 2];
        F16.decode(&bytes, Shape::vector(out.len()), 0, &mut out).unwrap();
        assert_eq!(F16.encode(&out, Shape::vector(out.len())).unwrap(), bytes);
    }

    #[test]
    fn ties_round_to_even() {
        // Halfway between 1 and 1 + 2^-10, and between 1 + 2^-10 and 1 + 2^-9: both go to the even significand.
        let encoded =
            F16.encode(&[1.0 + 0.5 / 1024.0, 1.0 + 1.5 / 1024.0], Shape::vector(2)).unwrap();
        assert_eq!(encoded, [0x00, 0x3c, 0x02, 0x3c]);
    }

    #[test]
    fn what_half_precision_cannot_hold_is_refused() {
        assert!(F16.encode(&[65519.0], Shape::vector(1)).is_ok());
        for value in [65520.0, f32::INFINITY, f32::NAN] {
            assert_eq!(
                F16.encode(&[0.0, value], Shape::vector(2)).unwrap_err().kind(),
                ErrorKind::NonFinite
            );
        }
        assert_eq!(
            F16.check(&[0x00, 0x7c], Shape::vector(1)).unwrap_err().kind(),
            ErrorKind::NonFinite
        );
    }
}
