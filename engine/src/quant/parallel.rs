//! Quantising and dequantising whole tensors on several threads: bands of rows, each written by one thread.
//!
//! In: values or a tensor, a shape, a pool. Out: the bytes and the bits of one thread. Ternary formats with one scale for the
//! tensor are cut when they are written, since a code does not depend on the scale; the others are written whole.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{BlockFormat, Shape, expect_len, i2_s, refuse_non_finite, tl1, tl2};
use crate::{Pool, Result};

/// Rows of a band where the format has no tiles, and of a piece that is decoded.
const BAND_ROWS: usize = 32;

/// A ternary format whose rows can be written in bands: regions of codes, one behind the other, then the scale.
pub(super) trait Bands: BlockFormat {
    /// Rows that are written together; it need not divide the rows of the shape.
    fn band_rows(&self, shape: Shape) -> usize;

    /// Bytes that a row takes in each region. A band of rows is contiguous in each.
    fn row_sizes(&self, shape: Shape) -> [usize; 3];

    /// Where the scale stands.
    fn scale_at(&self, shape: Shape) -> usize;

    /// Writes one band; returns the largest magnitude, which is not finite if some weight isn't.
    fn encode_band(&self, values: &[f32], shape: Shape, regions: [&mut [u8]; 3]) -> f32;
}

/// Stores `values` as [`BlockFormat::encode`] does, on all threads of the pool.
///
/// # Errors
/// As [`BlockFormat::encode`].
pub fn quantize(
    format: &dyn BlockFormat,
    values: &[f32],
    shape: Shape,
    pool: &Pool,
) -> Result<Vec<u8>> {
    match format.name() {
        "i2_s" => quantize_bands(&i2_s::I2S, values, shape, pool),
        "tl1" => quantize_bands(&tl1::Tl1, values, shape, pool),
        "tl2" => quantize_bands(&tl2::Tl2, values, shape, pool),
        _ => format.encode(values, shape),
    }
}

/// Checks the tensor and decodes all its rows, on all threads of the pool. `out`: `[rows, cols]`.
///
/// # Errors
/// As [`BlockFormat::check`] and [`BlockFormat::decode`].
pub fn dequantize(
    format: &dyn BlockFormat,
    tensor: &[u8],
    shape: Shape,
    pool: &Pool,
    out: &mut [f32],
) -> Result<()> {
    expect_len(format, shape, out.len())?;
    format.check(tensor, shape)?;
    if out.is_empty() {
        return Ok(());
    }
    let rows = if shape.rows.is_multiple_of(BAND_ROWS) { BAND_ROWS } else { 1 };
    let n_bands = shape.rows / rows;
    let mut results: Vec<Result<()>> = (0..n_bands).map(|_| Ok(())).collect();
    let mut units = vec![(); n_bands];
    let bands = (&mut *out, rows * shape.cols);
    pool.rows(bands, (&mut results, 1), (&mut units, 1), |band, out, result, _| {
        result[0] = format.decode(tensor, shape, band * rows, out);
    });
    results.into_iter().collect()
}

/// One band: its values and its part of each region.
struct Band<'a> {
    values: &'a [f32],
    regions: [&'a mut [u8]; 3],
}

/// The tensor: regions, padding, scale, filler.
pub(super) fn quantize_bands(
    format: &dyn Bands,
    values: &[f32],
    shape: Shape,
    pool: &Pool,
) -> Result<Vec<u8>> {
    expect_len(format, shape, values.len())?;
    // Its elements are in memory, so the size law holds in 64 bits.
    let mut bytes = vec![0; format.n_bytes(shape).unwrap_or(0)];
    let mut bands = bands(format, values, shape, &mut bytes);
    let (mut a, mut b) = (vec![(); bands.len()], vec![(); bands.len()]);
    // Magnitudes are ordered like their bits, and everything that is not finite is above every number.
    let most = AtomicU32::new(0);
    if !bands.is_empty() {
        pool.rows((&mut bands, 1), (&mut a, 1), (&mut b, 1), |_, band, _, _| {
            let Band { values, regions } = &mut band[0];
            let here = format.encode_band(values, shape, regions.each_mut().map(|r| &mut **r));
            most.fetch_max(here.abs().to_bits(), Ordering::Relaxed);
        });
    }
    drop(bands);
    let scale = f32::from_bits(most.into_inner());
    if !scale.is_finite() {
        refuse_non_finite(format, values.iter().position(|value| !value.is_finite()))?;
    }
    let at = format.scale_at(shape);
    bytes[at..at + 4].copy_from_slice(&scale.to_le_bytes());
    Ok(bytes)
}

fn bands<'a>(
    format: &dyn Bands,
    values: &'a [f32],
    shape: Shape,
    bytes: &'a mut [u8],
) -> Vec<Band<'a>> {
    let rows = format.band_rows(shape);
    if values.is_empty() {
        return Vec::new();
    }
    let mut rest = bytes;
    let mut pieces = format.row_sizes(shape).map(|size| {
        let (region, behind) = std::mem::take(&mut rest).split_at_mut(size * shape.rows);
        rest = behind;
        // A region without bytes has no pieces.
        region.chunks_mut((size * rows).max(1))
    });
    let bands = values.chunks(rows * shape.cols);
    bands
        .map(|values| Band {
            values,
            regions: pieces.each_mut().map(|piece| piece.next().unwrap_or_default()),
        })
        .collect()
}

impl Bands for i2_s::I2S {
    fn band_rows(&self, _: Shape) -> usize {
        BAND_ROWS
    }

    fn row_sizes(&self, shape: Shape) -> [usize; 3] {
        [shape.cols / 4, 0, 0]
    }

    fn scale_at(&self, shape: Shape) -> usize {
        shape.rows * shape.cols / 4
    }

    fn encode_band(&self, values: &[f32], _: Shape, [codes, _, _]: [&mut [u8]; 3]) -> f32 {
        // Lengths agree, so the only error is a weight that is not finite.
        i2_s::encode_codes(values, codes).unwrap_or(f32::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FORMATS, Tiles};
    use super::*;
    use crate::{Drawing, ErrorKind};

    fn values(seed: u64, n: usize) -> Vec<f32> {
        let mut drawing = Drawing::new(seed, "parallel");
        (0..n).map(|_| [-0.5, 0.0, 0.5, 5e-7][drawing.below(4) as usize]).collect()
    }

    /// Requirement: M3.
    #[test]
    fn any_number_of_threads_gives_the_bytes_and_bits_of_one() {
        let tiles = Some(Tiles { rows: 32, cols: 96, lanes: 32 });
        let shapes =
            [Shape::new(160, 384), Shape::new(96, 640), Shape::new(192, 384).with_tiles(tiles)];
        for format in FORMATS {
            for shape in shapes.into_iter().filter(|shape| format.fits(*shape).is_ok()) {
                let name = format.name();
                let values = values(3, shape.rows * shape.cols);
                let want = format.encode(&values, shape).unwrap();
                let mut decoded = vec![f32::NAN; values.len()];
                format.decode(&want, shape, 0, &mut decoded).unwrap();
                for threads in 1..=5 {
                    let pool = Pool::new(threads);
                    let bytes = quantize(*format, &values, shape, &pool).unwrap();
                    assert_eq!(bytes, want, "{name} {shape:?} {threads}");
                    let mut out = vec![f32::NAN; values.len()];
                    dequantize(*format, &bytes, shape, &pool, &mut out).unwrap();
                    assert_eq!(out, decoded, "{name} {shape:?} {threads}");
                }
            }
        }
    }

    #[test]
    fn i2_s_in_bands_is_i2_s_in_one_piece_for_rows_that_no_band_divides() {
        for rows in [1, 31, 33, 100] {
            let values = values(4, rows * 256);
            let bytes =
                quantize(&i2_s::I2S, &values, Shape::new(rows, 256), &Pool::new(3)).unwrap();
            assert_eq!(bytes, i2_s::quantize(&values).unwrap(), "{rows}");
        }
    }

    #[test]
    fn what_can_not_be_stored_is_refused_with_the_element_of_the_whole() {
        let pool = Pool::new(2);
        let shape = Shape::new(64, 128);
        for name in ["i2_s", "tl1", "tl2"] {
            let format = super::super::by_name(name).unwrap();
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut values = values(5, 64 * 128);
                values[6000] = bad;
                let error = quantize(format, &values, shape, &pool).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::NonFinite);
                assert!(error.to_string().contains("element 6000"), "{error}");
            }
            let short = quantize(format, &[0.0; 100], shape, &pool).unwrap_err();
            assert_eq!(short.kind(), ErrorKind::Shape);
            let bytes = quantize(format, &values(6, 64 * 128), shape, &pool).unwrap();
            let out = &mut [0.0; 64 * 128];
            assert!(dequantize(format, &bytes[1..], shape, &pool, out).is_err());
            assert!(dequantize(format, &bytes, shape, &pool, &mut out[1..]).is_err());
            assert!(dequantize(format, &vec![0xff; bytes.len()], shape, &pool, out).is_err());
        }
    }

    #[test]
    fn a_tensor_without_elements_has_a_scale_of_zero() {
        for name in ["i2_s", "tl1", "tl2"] {
            let format = super::super::by_name(name).unwrap();
            for shape in [Shape::new(0, 128), Shape::new(0, 0), Shape::new(64, 0)] {
                let bytes = quantize(format, &[], shape, &Pool::new(2)).unwrap();
                assert_eq!(Some(bytes.len()), format.n_bytes(shape), "{name} {shape:?}");
                dequantize(format, &bytes, shape, &Pool::new(2), &mut []).unwrap();
            }
        }
    }
}
