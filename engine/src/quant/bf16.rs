//! BF16 (type 30): the upper half of an IEEE single precision number, little endian, one element a block.
//!
//! Decoding is exact; encoding rounds to nearest, ties to even, and refuses what would become infinite.
//! Source: ggml, `ggml/src/ggml-impl.h`, `ggml_compute_fp32_to_bf16`.

use half::bf16;

use super::{BlockFormat, Shape, expect_len, expect_size, refuse_non_finite, row_of};
use crate::Result;

/// Bytes of one element.
const SIZE: usize = 2;

/// Single precision cut to 16 bits.
#[derive(Clone, Copy, Debug)]
pub struct Bf16;

impl BlockFormat for Bf16 {
    fn name(&self) -> &'static str {
        "bf16"
    }

    fn about(&self) -> &'static str {
        "the upper 16 bits of single precision"
    }

    fn id(&self) -> u32 {
        30
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
        let bad = elements.iter().position(|bytes| !bf16::from_le_bytes(*bytes).is_finite());
        refuse_non_finite(self, bad)
    }

    fn row(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        let (elements, _) = row_of(self, tensor, shape, row, SIZE, out.len())?.as_chunks::<SIZE>();
        for (value, bytes) in out.iter_mut().zip(elements) {
            *value = f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
        }
        Ok(())
    }

    fn encode(&self, values: &[f32], shape: Shape) -> Result<Vec<u8>> {
        expect_len(self, shape, values.len())?;
        let halves: Vec<bf16> = values.iter().map(|&value| bf16::from_f32(value)).collect();
        refuse_non_finite(self, halves.iter().position(|half| !half.is_finite()))?;
        Ok(halves.iter().flat_map(|half| half.to_le_bytes()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn every_finite_number_survives_decode_and_encode() {
        let finite = |bits: &u16| bf16::from_bits(*bits).is_finite();
        let bytes: Vec<u8> = (0..=u16::MAX).filter(finite).flat_map(u16::to_le_bytes).collect();
        let shape = Shape::vector(bytes.len() / 2);
        let mut out = vec![0.0; shape.cols];
        Bf16.row(&bytes, shape, 0, &mut out).unwrap();
        assert_eq!(Bf16.encode(&out, shape).unwrap(), bytes);
        Bf16.check(&bytes, shape).unwrap();
    }

    #[test]
    fn pi_and_ties_round_to_even() {
        let values = [std::f32::consts::PI, 1.0 + 0.5 / 128.0, 1.0 + 1.5 / 128.0, -0.0];
        let bytes = Bf16.encode(&values, Shape::vector(4)).unwrap();
        assert_eq!(bytes, [0x49, 0x40, 0x80, 0x3f, 0x82, 0x3f, 0x00, 0x80]);
    }

    #[test]
    fn what_it_cannot_hold_is_refused() {
        let greatest = f32::from_bits(0x7f7f_7fff);
        assert!(Bf16.encode(&[greatest], Shape::vector(1)).is_ok());
        for value in [f32::MAX, f32::NEG_INFINITY, f32::NAN] {
            let e = Bf16.encode(&[0.0, value], Shape::vector(2)).unwrap_err();
            assert_eq!(
                (e.kind(), e.to_string().contains("element 1 ")),
                (ErrorKind::NonFinite, true)
            );
        }
        let e = Bf16.check(&[0, 0, 0x80, 0x7f], Shape::vector(2)).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NonFinite);
    }
}
