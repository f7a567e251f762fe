//! Storage formats of tensors: one file each, with layout, size law, decoder and encoder.
//!
//! In: a tensor's bytes. Out: f32. Kernels that work on the stored bytes directly live in `kernels`; the decoder here says
//! what those bytes mean. Layouts with worked examples: `docs/formats.md`.

pub mod bf16;
mod blocks;
pub mod f16;
pub mod f32;
pub mod i2_s;
mod nibbles;
mod parallel;
pub mod q4_0;
pub mod q4_1;
pub mod q4_k;
pub mod q5_0;
pub mod q5_1;
pub mod q5_k;
pub mod q6_k;
pub mod q8_0;
mod shape;
mod steps;
mod sub_blocks;
mod tiles;
pub mod tl1;
pub mod tl2;
pub mod tq1_0;
pub mod tq2_0;
pub(crate) mod trit_blocks;
mod trits;

use std::fmt::Debug;

pub(crate) use blocks::{Block32, scale_at};
pub use parallel::{dequantize, quantize};
pub use shape::{Shape, Tiles};
pub(crate) use sub_blocks::{SubScales, sub_scales};

use crate::{Error, ErrorKind, Result};

/// One way to store the elements of a tensor.
pub trait BlockFormat: Debug + Sync {
    /// Its name in records and errors: the field's own, in lower case.
    fn name(&self) -> &'static str;

    /// One sentence: what an element is.
    fn about(&self) -> &'static str;

    /// Its type number in GGUF files.
    fn id(&self) -> u32;

    /// Elements of one block: rows are whole blocks.
    fn block_len(&self) -> usize;

    /// Whether a matrix of this shape can be stored.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if rows are no whole blocks, or there is something else this format can't cut.
    fn fits(&self, shape: Shape) -> Result<()> {
        if shape.cols.is_multiple_of(self.block_len()) {
            return Ok(());
        }
        let text = format!(
            "expected a row length that is a multiple of {} for {}, found {}",
            self.block_len(),
            self.name(),
            shape.cols
        );
        Err(Error::new(ErrorKind::Shape, text))
    }

    /// The tiles a matrix of this shape is cut in: its own, or this format's default; `None` if the format has no tiles.
    fn tiles(&self, shape: Shape) -> Option<Tiles> {
        let _ = shape;
        None
    }

    /// Bytes of a tensor of this shape, which [`fits`](Self::fits); `None` if 64 bits cannot hold it.
    fn n_bytes(&self, shape: Shape) -> Option<usize>;

    /// Checks what a decoder does not look at again: the tensor's length, its scales, its codes.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for a shape that doesn't fit or another length, [`ErrorKind::NonFinite`] or [`ErrorKind::Gguf`]
    /// for bytes no encoder of this format writes; the text names the element.
    fn check(&self, tensor: &[u8], shape: Shape) -> Result<()>;

    /// The factor of the whole tensor, which [`row`](Self::row) leaves out: 1 where the format has none.
    /// `tensor`: bytes that passed [`check`](Self::check).
    fn scale(&self, tensor: &[u8], shape: Shape) -> f32 {
        let _ = (tensor, shape);
        1.0
    }

    /// Decodes one row in units of [`scale`](Self::scale): trits, for ternary formats. `out`: `[cols]`.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if the tensor, the row or `out` don't have the sizes of `shape`.
    fn row(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()>;

    /// Decodes rows from `row` on, as many as `out` holds: `out[i] = element · scale`. `out`: `[n, cols]`.
    ///
    /// # Errors
    /// As [`row`](Self::row), and [`ErrorKind::Shape`] if `out` is no whole number of rows.
    fn decode(&self, tensor: &[u8], shape: Shape, row: usize, out: &mut [f32]) -> Result<()> {
        whole_rows(self.name(), shape, out.len())?;
        if out.is_empty() {
            return Ok(());
        }
        for (i, out) in out.chunks_exact_mut(shape.cols).enumerate() {
            self.row(tensor, shape, row + i, out)?;
        }
        let scale = self.scale(tensor, shape);
        out.iter_mut().for_each(|value| *value *= scale);
        Ok(())
    }

    /// Stores `values`, row-major, as a tensor of this format.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if the shape doesn't fit or `values` has another length, [`ErrorKind::NonFinite`] if the format
    /// cannot hold one of them.
    fn encode(&self, values: &[f32], shape: Shape) -> Result<Vec<u8>>;

    /// This format as one of ternary weights, if it is one.
    fn ternary(&self) -> Option<&dyn Ternary> {
        None
    }
}

/// A format of ternary weights: trits survive it exactly.
pub trait Ternary: BlockFormat {
    /// Whether the tensor has one f32 scale of its own, so that [`pack`](Self::pack) takes any.
    fn has_tensor_scale(&self) -> bool {
        true
    }

    /// Stores trits (-1, 0, +1), row-major, with one scale for all.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if the shape doesn't fit or `trits` has another length; [`ErrorKind::InvalidArgument`] for another
    /// number than a trit or a scale that the format can't hold exactly; [`ErrorKind::NonFinite`] for one that is not finite.
    fn pack(&self, trits: &[i8], scale: f32, shape: Shape) -> Result<Vec<u8>>;

    /// Reads all trits back, row-major, and the one scale of all that are not zero (the tensor's own scale where all are).
    /// `trits`: `[rows, cols]`.
    ///
    /// # Errors
    /// What [`BlockFormat::check`] refuses, [`ErrorKind::Shape`] for another length, and [`ErrorKind::Gguf`] if blocks have
    /// several scales.
    fn unpack(&self, tensor: &[u8], shape: Shape, trits: &mut [i8]) -> Result<f32>;
}

/// The formats this build reads, by name.
pub const FORMATS: &[&dyn BlockFormat] = &[
    &bf16::Bf16,
    &f16::F16,
    &f32::F32,
    &i2_s::I2S,
    &q4_0::Q4_0,
    &q4_1::Q4_1,
    &q4_k::Q4K,
    &q5_0::Q5_0,
    &q5_1::Q5_1,
    &q5_k::Q5K,
    &q6_k::Q6K,
    &q8_0::Q8_0,
    &tl1::Tl1,
    &tl2::Tl2,
    &tq1_0::Tq1_0,
    &tq2_0::Tq2_0,
];

/// The format with this GGUF type number.
#[must_use]
pub fn by_id(id: u32) -> Option<&'static dyn BlockFormat> {
    FORMATS.iter().copied().find(|format| format.id() == id)
}

/// The format of this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn BlockFormat> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// `len` elements must be whole rows.
fn whole_rows(format: &str, shape: Shape, len: usize) -> Result<()> {
    if len == 0 || shape.cols > 0 && len.is_multiple_of(shape.cols) {
        return Ok(());
    }
    let text = format!("{format}: expected whole rows of {}, found {len} elements", shape.cols);
    Err(Error::new(ErrorKind::Shape, text))
}

/// The shape must fit the format, and `len` be its number of elements.
fn expect_len(format: &dyn BlockFormat, shape: Shape, len: usize) -> Result<()> {
    format.fits(shape)?;
    if shape.n_elements() == Some(len) {
        return Ok(());
    }
    let text = format!(
        "{}: expected {} × {} elements, found {len}",
        format.name(),
        shape.rows,
        shape.cols
    );
    Err(Error::new(ErrorKind::Shape, text))
}

/// The shape must fit the format, and a tensor of it has exactly the bytes of the size law.
fn expect_size(format: &dyn BlockFormat, tensor: &[u8], shape: Shape) -> Result<()> {
    format.fits(shape)?;
    let expected = format.n_bytes(shape);
    if expected == Some(tensor.len()) {
        return Ok(());
    }
    let text = format!(
        "check {}: expected {} bytes for {} × {} elements, found {}",
        format.name(),
        expected.map_or_else(|| "fewer than 2^64".to_owned(), |size| size.to_string()),
        shape.rows,
        shape.cols,
        tensor.len()
    );
    Err(Error::new(ErrorKind::Shape, text))
}

/// Trits must be -1, 0 or +1, their scale finite and not negative, and above 0 if any trit is not 0.
fn check_trits(format: &dyn BlockFormat, trits: &[i8], scale: f32) -> Result<()> {
    let name = format.name();
    if let Some(i) = trits.iter().position(|trit| trit.unsigned_abs() > 1) {
        let text = format!("{name} element {i}: expected -1, 0 or +1, found {}", trits[i]);
        return Err(Error::new(ErrorKind::InvalidArgument, text));
    }
    if !scale.is_finite() {
        let text = format!("{name} scale: expected a finite number, found {scale}");
        return Err(Error::new(ErrorKind::NonFinite, text));
    }
    if scale.is_sign_negative() || scale == 0.0 && trits.iter().any(|trit| *trit != 0) {
        let text = format!("{name} scale: expected a number above 0, found {scale}");
        return Err(Error::new(ErrorKind::InvalidArgument, text));
    }
    Ok(())
}

/// Refuses the element at `bad`, if there is one.
fn refuse_non_finite(format: &dyn BlockFormat, bad: Option<usize>) -> Result<()> {
    bad.map_or(Ok(()), |i| {
        let text = format!("{}: expected finite elements, found element {i} is not", format.name());
        Err(Error::new(ErrorKind::NonFinite, text))
    })
}

/// The bytes of one row, where rows lie one after the other in blocks of `block_size` bytes from the tensor's start on.
/// `out_len`: what the caller has room for.
fn row_of<'a>(
    format: &dyn BlockFormat,
    tensor: &'a [u8],
    shape: Shape,
    row: usize,
    block_size: usize,
    out_len: usize,
) -> Result<&'a [u8]> {
    let size = shape.cols / format.block_len() * block_size;
    let bytes = row.checked_mul(size).and_then(|start| tensor.get(start..start.checked_add(size)?));
    match bytes {
        Some(bytes) if row < shape.rows && out_len == shape.cols => Ok(bytes),
        _ => Err(outside(format, shape, row, out_len)),
    }
}

/// A row that is not there, or an output of another length.
fn outside(format: &dyn BlockFormat, shape: Shape, row: usize, out_len: usize) -> Error {
    let text = format!(
        "decode {}: expected a row of {} elements below row {} of the tensor, found {out_len} elements for row {row}",
        format.name(),
        shape.cols,
        shape.rows
    );
    Error::new(ErrorKind::Shape, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_register_is_sorted_unique_and_documented() {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        let snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let doc = include_str!("../../docs/formats.md");
        for format in FORMATS {
            let name = format.name();
            assert!(name.chars().all(snake), "{name}");
            assert!(!format.about().is_empty(), "{name}");
            assert_eq!(by_id(format.id()).map(BlockFormat::name), Some(name), "ids are unique");
            assert!(
                doc.contains(&format!("`{name}`, type {}", format.id())),
                "{name} is in docs/formats.md"
            );
        }
        assert!(by_id(37).is_none());
    }

    /// Formats that round, and by how much of the largest magnitude of a block a value may be off: half a step, but for
    /// `Q4_0` and `Q5_0`, where the code that the opposite of the extreme would need does not exist.
    const ROUNDING: [(&str, f32); 8] = [
        ("q4_0", 1.0 / 8.0),
        ("q4_1", 0.5 * 2.0 / 15.0),
        ("q4_k", 0.5 * 2.0 / 15.0),
        ("q5_0", 1.0 / 16.0),
        ("q5_1", 0.5 * 2.0 / 31.0),
        ("q5_k", 0.5 * 2.0 / 31.0),
        ("q6_k", 0.5 / 31.0),
        ("q8_0", 0.5 / 127.0),
    ];

    fn decoded(format: &dyn BlockFormat, bytes: &[u8], shape: Shape) -> Vec<f32> {
        let mut out = vec![f32::NAN; shape.n_elements().unwrap()];
        format.decode(bytes, shape, 0, &mut out).unwrap();
        out
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same_values_and_the_same_bytes() {
        // Values every format holds exactly, unless it rounds by its nature, in a shape that every format can cut.
        let shape = Shape::new(64, 256);
        let values: Vec<f32> =
            (0..64 * 256).map(|i| [-0.5, 0.0, 0.5, 0.5][(i * 7 + i / 256) % 4]).collect();
        for format in FORMATS {
            let name = format.name();
            let bytes = format.encode(&values, shape).unwrap();
            assert_eq!(Some(bytes.len()), format.n_bytes(shape), "{name}");
            format.check(&bytes, shape).unwrap();
            let whole = decoded(*format, &bytes, shape);
            if ROUNDING.iter().all(|(rounding, _)| *rounding != name) {
                assert!(whole == values, "{name}: other values come back");
                assert!(format.encode(&whole, shape).unwrap() == bytes, "{name}: other bytes");
            }
            let mut rows = vec![f32::NAN; 2 * 256];
            format.decode(&bytes, shape, 41, &mut rows).unwrap();
            assert!(rows == whole[41 * 256..43 * 256], "{name}: other rows");
        }
    }

    #[test]
    fn formats_that_round_keep_their_bound_and_hold_what_they_decode_to() {
        let shape = Shape::new(8, 512);
        let mut drawing = crate::Drawing::new(3, "rounding");
        let trits: Vec<f32> = (0..4096).map(|i| [-0.5, 0.0, 0.5, 0.5][i * 7 % 4]).collect();
        let any: Vec<f32> = (0..4096)
            .map(|i| (drawing.unit_f32() * 2.0 - 1.0) * [1.0, 0.1, 500.0, 0.05][i / 512 % 4])
            .collect();
        for (name, bound) in ROUNDING {
            let format = by_name(name).unwrap();
            for (values, what) in [(&trits, "trits"), (&any, "any")] {
                let once = decoded(format, &format.encode(values, shape).unwrap(), shape);
                // 5 % of a step for scales of 6 or 8 bits, 2^-11 of the value for their rounding to half precision.
                let near = |a: &[f32], b: &[f32]| {
                    for (a, b) in a.chunks(format.block_len()).zip(b.chunks(format.block_len())) {
                        let most = a.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
                        let off = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                        assert!(
                            off <= (1.05 * bound + 1.0 / 2048.0) * most,
                            "{name}, {what}: {off} of {most}"
                        );
                    }
                };
                near(values, &once);
                let twice = decoded(format, &format.encode(&once, shape).unwrap(), shape);
                // The K formats choose other steps where no value of a sub-block is at the end of its range.
                if what == "any" && name.ends_with("_k") {
                    near(&once, &twice);
                } else {
                    assert!(twice == once, "{name}, {what}: decoded values are not held");
                }
            }
        }
    }

    #[test]
    fn wrong_sizes_are_refused_by_every_format() {
        let shape = Shape::new(64, 256);
        for format in FORMATS {
            let name = format.name();
            let kind = |result: Result<()>| result.map_err(|e| e.kind());
            let bytes = format.encode(&[0.0; 64 * 256], shape).unwrap();
            let refused = Err(ErrorKind::Shape);
            assert_eq!(kind(format.check(&bytes[1..], shape)), refused, "{name}");
            assert_eq!(kind(format.check(&[], shape)), refused, "{name}");
            assert_eq!(kind(format.row(&bytes, shape, 64, &mut [0.0; 256])), refused, "{name}");
            assert_eq!(kind(format.row(&bytes, shape, 0, &mut [0.0; 255])), refused, "{name}");
            assert_eq!(kind(format.row(&[], shape, 0, &mut [0.0; 256])), refused, "{name}");
            let far = format.row(&bytes, shape, usize::MAX, &mut [0.0; 256]);
            assert_eq!(kind(far), refused, "{name}");
            assert_eq!(kind(format.decode(&bytes, shape, 0, &mut [0.0; 300])), refused, "{name}");
            assert_eq!(kind(format.decode(&bytes, shape, 63, &mut [0.0; 512])), refused, "{name}");
            assert_eq!(kind(format.encode(&[0.0; 255], shape).map(|_| ())), refused, "{name}");
            if format.block_len() > 1 {
                let odd = Shape::new(64, format.block_len() + 1);
                assert_eq!(kind(format.fits(odd)), refused, "{name}");
                let values = vec![0.0; 64 * odd.cols];
                assert_eq!(kind(format.encode(&values, odd).map(|_| ())), refused, "{name}");
            }
        }
    }

    #[test]
    fn sizes_that_64_bits_cannot_hold_are_none_and_nothing_overflows() {
        let shape = Shape::new(1 << 40, 1 << 40);
        for format in FORMATS {
            assert_eq!(format.n_bytes(shape), None, "{}", format.name());
        }
    }
}
