//! F32 (type 0): IEEE single precision, little endian, one element a block. Decoding and encoding copy bits.

use super::BlockFormat;
use crate::{Error, ErrorKind, Result};

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

    fn n_bytes(&self, n: usize) -> Option<usize> {
        n.checked_mul(SIZE)
    }

    fn check(&self, tensor: &[u8], n: usize) -> Result<()> {
        expect_size(self, tensor, n)?;
        let (elements, _) = tensor.as_chunks::<SIZE>();
        let bad = elements.iter().position(|bytes| !f32::from_le_bytes(*bytes).is_finite());
        refuse_non_finite(self, bad)
    }

    fn decode(&self, tensor: &[u8], first: usize, out: &mut [f32]) -> Result<()> {
        let (elements, _) = cut(self, tensor, first, out.len(), SIZE)?.as_chunks::<SIZE>();
        for (value, bytes) in out.iter_mut().zip(elements) {
            *value = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    fn encode(&self, values: &[f32]) -> Result<Vec<u8>> {
        refuse_non_finite(self, values.iter().position(|value| !value.is_finite()))?;
        Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }
}

/// The bytes of elements `first..first + len` of a format that stores each in `size` bytes.
pub(super) fn cut<'a>(
    format: &dyn BlockFormat,
    tensor: &'a [u8],
    first: usize,
    len: usize,
    size: usize,
) -> Result<&'a [u8]> {
    let range = first.checked_add(len).and_then(|end| {
        let (start, end) = (first.checked_mul(size)?, end.checked_mul(size)?);
        tensor.get(start..end)
    });
    range.ok_or_else(|| {
        let text = format!(
            "decode {}: expected elements inside a tensor of {}, found {len} from {first}",
            format.name(),
            tensor.len() / size
        );
        Error::new(ErrorKind::Shape, text)
    })
}

/// A tensor of `n` elements must have exactly the bytes of the size law.
pub(super) fn expect_size(format: &dyn BlockFormat, tensor: &[u8], n: usize) -> Result<()> {
    let expected = format.n_bytes(n);
    if expected == Some(tensor.len()) {
        return Ok(());
    }
    let text = format!(
        "check {}: expected {} bytes for {n} elements, found {}",
        format.name(),
        expected.map_or_else(|| "fewer than 2^64".to_owned(), |size| size.to_string()),
        tensor.len()
    );
    Err(Error::new(ErrorKind::Shape, text))
}

/// Refuses the element at `bad`, if there is one.
pub(super) fn refuse_non_finite(format: &dyn BlockFormat, bad: Option<usize>) -> Result<()> {
    bad.map_or(Ok(()), |i| {
        let text = format!("{}: expected finite elements, found element {i} is not", format.name());
        Err(Error::new(ErrorKind::NonFinite, text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_little_endian_ieee() {
        // The data of the smallest worked file: 1, -2, 0.5, 0.
        let bytes = F32.encode(&[1.0, -2.0, 0.5, 0.0]).unwrap();
        assert_eq!(bytes, [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f, 0, 0, 0, 0]);
        let mut out = [0.0; 2];
        F32.decode(&bytes, 1, &mut out).unwrap();
        assert_eq!(out.map(f32::to_bits), [-2.0_f32, 0.5].map(f32::to_bits));
    }

    #[test]
    fn elements_beyond_the_tensor_are_refused() {
        let mut out = [0.0; 2];
        for first in [1, 2, usize::MAX, usize::MAX / 4] {
            let e = F32.decode(&[0; 8], first, &mut out).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Shape, "first {first}");
        }
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused_by_index() {
        let e = F32.encode(&[0.0, f32::NAN]).unwrap_err();
        assert_eq!((e.kind(), e.to_string().contains("element 1 ")), (ErrorKind::NonFinite, true));
        let e = F32.check(&f32::INFINITY.to_le_bytes(), 1).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NonFinite);
        assert_eq!(F32.check(&[0; 7], 2).unwrap_err().kind(), ErrorKind::Shape);
    }
}
