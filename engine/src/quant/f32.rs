//! F32 (type 0): IEEE single precision, little endian, one element a block. Decoding and encoding copy bits.

use super::{BlockFormat, Shape, expect_len, expect_size, refuse_non_finite, row_of};
use crate::Result;

/// Bytes of one element.
const SIZE: usize = 4;

/// Plain single precision.
#[derive(Clone, Copy, Debug)]
pub struct F32;

impl BlockFormat for F32 {
    fn name(&self) -> &'static str {
        "f32"
    }

    fn about(&self) -> &'static str {
        "IEEE single precision, 32 bits an element"
    }

    fn id(&self) -> u32 {
        0
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
        let bad = elements.iter().position(|bytes| !f32::from_le_bytes(*bytes).is_finite());
        refuse_non_finite(self, bad)
    }

    fn row(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        let (elements, _) = row_of(self, tensor, shape, row, SIZE, out.len())?.as_chunks::<SIZE>();
        for (value, bytes) in out.iter_mut().zip(elements) {
            *value = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    fn encode(&self, values: &[f32], shape: Shape) -> Result<Vec<u8>> {
        expect_len(self, shape, values.len())?;
        refuse_non_finite(self, values.iter().position(|value| !value.is_finite()))?;
        Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn bytes_are_little_endian_ieee() {
        // The data of the smallest worked file: 1, -2, 0.5, 0.
        let bytes = F32.encode(&[1.0, -2.0, 0.5, 0.0], Shape::vector(4)).unwrap();
        assert_eq!(bytes, [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f, 0, 0, 0, 0]);
        let mut out = [0.0; 2];
        F32.row(&bytes[4..], Shape::new(2, 2), 0, &mut out).unwrap();
        assert_eq!(out.map(f32::to_bits), [-2.0_f32, 0.5].map(f32::to_bits));
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused_by_index() {
        let e = F32.encode(&[0.0, f32::NAN], Shape::vector(2)).unwrap_err();
        assert_eq!((e.kind(), e.to_string().contains("element 1 ")), (ErrorKind::NonFinite, true));
        let e = F32.check(&f32::INFINITY.to_le_bytes(), Shape::vector(1)).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NonFinite);
        assert_eq!(F32.check(&[0; 7], Shape::vector(2)).unwrap_err().kind(), ErrorKind::Shape);
    }
}
