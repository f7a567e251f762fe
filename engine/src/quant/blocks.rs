//! Tensors in blocks with half-precision scales: what the files of such formats share.
//! In: a function for one block. Out: the same for rows and tensors, with errors that name the block.

use half::f16;

use super::{BlockFormat, Shape, expect_len, expect_size, refuse_non_finite, row_of};
use crate::{Error, ErrorKind, Result};

/// A block of 32 elements as kernels multiply it: `y = scale * code`, or `scale * code + min` where there is a `min`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block32 {
    /// The step.
    pub(crate) scale: f32,
    /// What code 0 stands for, in formats that say.
    pub(crate) min: Option<f32>,
    /// In element order.
    pub(crate) codes: [i8; 32],
}

impl Block32 {
    /// Its values.
    pub(super) fn decode(&self, out: &mut [f32; 32]) {
        for (value, code) in out.iter_mut().zip(self.codes) {
            // Two roundings, and no addition where there is no minimum: -0 stays -0, as in the reference decoder.
            let product = self.scale * f32::from(code);
            *value = self.min.map_or(product, |min| product + min);
        }
    }
}

/// The half-precision number at byte `at` of a block.
#[inline(always)]
pub(crate) fn scale_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// A number as a half-precision scale, rounded to nearest; `None` if that would be infinite.
pub(super) fn scale_bytes(scale: f32) -> Option<[u8; 2]> {
    let half = f16::from_f32(scale);
    half.is_finite().then(|| half.to_le_bytes())
}

/// A byte array from parts that fill it.
///
/// # Panics
/// If they don't.
pub(super) fn concat<const SIZE: usize>(parts: &[&[u8]]) -> [u8; SIZE] {
    let mut block = [0; SIZE];
    let mut rest = &mut block[..];
    for part in parts {
        let (start, end) = rest.split_at_mut(part.len());
        start.copy_from_slice(part);
        rest = end;
    }
    assert!(rest.is_empty(), "the parts of a block fill it");
    block
}

/// See [`BlockFormat::n_bytes`]; blocks of `size` bytes.
pub(super) fn n_bytes(format: &dyn BlockFormat, shape: Shape, size: usize) -> Option<usize> {
    (shape.n_elements()? / format.block_len()).checked_mul(size)
}

/// See [`BlockFormat::check`]: the size, and that the scales at bytes `at` of every block are finite.
pub(super) fn check<const SIZE: usize>(
    format: &dyn BlockFormat,
    tensor: &[u8],
    shape: Shape,
    at: &[usize],
) -> Result<()> {
    expect_size(format, tensor, shape)?;
    for (i, block) in tensor.as_chunks::<SIZE>().0.iter().enumerate() {
        if let Some(&at) = at.iter().find(|&&at| !scale_at(block, at).is_finite()) {
            let text = format!(
                "{} block {i} (from element {}): expected a finite scale at byte {at} of the block, found {}",
                format.name(),
                i * format.block_len(),
                scale_at(block, at)
            );
            return Err(Error::new(ErrorKind::NonFinite, text));
        }
    }
    Ok(())
}

/// See [`BlockFormat::row`]; `decode` does one block.
pub(super) fn row<const SIZE: usize, const LEN: usize>(
    format: &dyn BlockFormat,
    tensor: &[u8],
    shape: Shape,
    row: usize,
    out: &mut [f32],
    decode: impl Fn(&[u8; SIZE], &mut [f32; LEN]),
) -> Result<()> {
    format.fits(shape)?;
    let (blocks, _) = row_of(format, tensor, shape, row, SIZE, out.len())?.as_chunks::<SIZE>();
    for (block, out) in blocks.iter().zip(out.as_chunks_mut::<LEN>().0) {
        decode(block, out);
    }
    Ok(())
}

/// See [`BlockFormat::encode`]; `encode` does one block, or finds that half precision can't hold its scales.
pub(super) fn encode<const SIZE: usize, const LEN: usize>(
    format: &dyn BlockFormat,
    values: &[f32],
    shape: Shape,
    encode: impl Fn(&[f32; LEN]) -> Option<[u8; SIZE]>,
) -> Result<Vec<u8>> {
    expect_len(format, shape, values.len())?;
    refuse_non_finite(format, values.iter().position(|value| !value.is_finite()))?;
    let (blocks, _) = values.as_chunks::<LEN>();
    let mut bytes = Vec::with_capacity(blocks.len() * SIZE);
    for (i, block) in blocks.iter().enumerate() {
        let encoded = encode(block).ok_or_else(|| {
            let text = format!(
                "{} block {i} (from element {}): expected values whose scale half precision can hold (below 65520), \
                 found magnitudes up to {}",
                format.name(),
                i * LEN,
                block.iter().fold(0.0_f32, |most, value| most.max(value.abs()))
            );
            Error::new(ErrorKind::NonFinite, text)
        })?;
        bytes.extend(encoded);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::FORMATS;

    /// Formats of this kind, and where their scales are.
    const SCALES: [(&str, &[usize]); 8] = [
        ("q4_0", &[0]),
        ("q4_1", &[0, 2]),
        ("q4_k", &[0, 2]),
        ("q5_0", &[0]),
        ("q5_1", &[0, 2]),
        ("q5_k", &[0, 2]),
        ("q6_k", &[208]),
        ("q8_0", &[0]),
    ];

    #[test]
    fn scales_that_are_not_finite_are_refused_by_block() {
        for (name, scales) in SCALES {
            let format = super::super::by_name(name).unwrap();
            let shape = Shape::new(2, 2 * format.block_len());
            let good = format.encode(&vec![1.0; shape.n_elements().unwrap()], shape).unwrap();
            let size = good.len() / 4;
            for at in scales {
                for bad in [[0x00, 0x7c], [0x00, 0xfc], [0x01, 0x7c], [0xff, 0xff]] {
                    let mut bytes = good.clone();
                    bytes[2 * size + at..][..2].copy_from_slice(&bad);
                    let e = format.check(&bytes, shape).unwrap_err();
                    assert_eq!(e.kind(), ErrorKind::NonFinite, "{name}");
                    assert!(e.to_string().starts_with(&format!("{name} block 2 ")), "{e}");
                }
            }
        }
        let with_scales = FORMATS.iter().filter(|f| f.name().starts_with('q')).count();
        assert_eq!(with_scales, SCALES.len(), "all are here");
    }

    #[test]
    fn rows_that_are_no_whole_blocks_are_refused() {
        for (name, _) in SCALES {
            let format = super::super::by_name(name).unwrap();
            let cols = format.block_len() + 8;
            let row = format.row(&[0; 1000], Shape::new(2, cols), 0, &mut vec![0.0; cols]);
            assert_eq!(row.unwrap_err().kind(), ErrorKind::Shape, "{name}");
        }
    }

    #[test]
    fn values_beyond_every_scale_are_refused_by_block_and_element() {
        for (name, _) in SCALES {
            let format = super::super::by_name(name).unwrap();
            let len = format.block_len();
            for bad in [3e38, -3e38, f32::INFINITY, f32::NAN] {
                let mut values = vec![1.0; 2 * len];
                values[len + 3] = bad;
                values[len + 4] = -bad;
                let e = format.encode(&values, Shape::vector(2 * len)).unwrap_err();
                assert_eq!(e.kind(), ErrorKind::NonFinite, "{name}");
                let place = if bad.is_finite() { "block 1 " } else { "element " };
                assert!(e.to_string().contains(place), "{e}");
            }
        }
    }

    #[test]
    fn zeros_and_numbers_below_every_scale_become_zero() {
        for (name, _) in SCALES {
            let format = super::super::by_name(name).unwrap();
            let len = format.block_len();
            for tiny in [0.0, -0.0, 1e-45, -1e-45, 1e-39, 1e-30, -1e-12] {
                let mut values = vec![0.0; len];
                values[len - 1] = tiny;
                values[5] = tiny;
                let bytes = format.encode(&values, Shape::vector(len)).unwrap();
                format.check(&bytes, Shape::vector(len)).unwrap();
                let mut out = vec![f32::NAN; len];
                format.row(&bytes, Shape::vector(len), 0, &mut out).unwrap();
                assert!(out.iter().all(|value| *value == 0.0), "{name} {tiny}: {out:?}");
            }
        }
    }
}
