//! Storage formats of tensors: one file each, with layout, size law, decoder and encoder.
//!
//! In: a tensor's bytes. Out: f32. Kernels that work on the stored bytes directly live in `kernels`; the decoder here says
//! what those bytes mean. Layouts with worked examples: `docs/formats.md`.

pub mod f16;
pub mod f32;
pub mod i2_s;

use std::fmt::Debug;

use crate::Result;

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

    /// Bytes of a tensor of `n` elements, a multiple of [`block_len`](Self::block_len); `None` if 64 bits cannot hold it.
    fn n_bytes(&self, n: usize) -> Option<usize>;

    /// Checks what a decoder does not look at again: the tensor's length, its scales, its codes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Shape`] for another length, [`crate::ErrorKind::NonFinite`] or [`crate::ErrorKind::Gguf`] for
    /// bytes no encoder of this format writes; the text names the element.
    fn check(&self, tensor: &[u8], n: usize) -> Result<()>;

    /// Decodes elements `first..first + out.len()` of a tensor: with `first = row * cols`, a row.
    /// `tensor`: all its bytes. `first`, `out.len()`: multiples of [`block_len`](Self::block_len).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Shape`] if the elements are not whole blocks inside the tensor.
    fn decode(&self, tensor: &[u8], first: usize, out: &mut [f32]) -> Result<()>;

    /// Stores `values` as a tensor of this format.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Shape`] if they are not whole blocks, [`crate::ErrorKind::NonFinite`] if the format cannot hold
    /// one of them.
    fn encode(&self, values: &[f32]) -> Result<Vec<u8>>;
}

/// The formats this build reads, by name.
pub const FORMATS: &[&dyn BlockFormat] = &[&f16::F16, &f32::F32, &i2_s::I2S];

/// The format with this GGUF type number.
#[must_use]
pub fn by_id(id: u32) -> Option<&'static dyn BlockFormat> {
    FORMATS.iter().copied().find(|format| format.id() == id)
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

    #[test]
    fn what_is_encoded_decodes_to_the_same_values_and_the_same_bytes() {
        // Values every format holds exactly.
        let values: Vec<f32> = (0..3 * 128).map(|i| [-0.5, 0.0, 0.5, 0.5][i * 7 % 4]).collect();
        for format in FORMATS {
            let bytes = format.encode(&values).unwrap();
            assert_eq!(Some(bytes.len()), format.n_bytes(values.len()), "{}", format.name());
            format.check(&bytes, values.len()).unwrap();
            let mut whole = vec![f32::NAN; values.len()];
            format.decode(&bytes, 0, &mut whole).unwrap();
            assert_eq!(whole, values, "{}", format.name());
            assert_eq!(format.encode(&whole).unwrap(), bytes, "{}", format.name());
            let mut row = vec![f32::NAN; 128];
            format.decode(&bytes, 256, &mut row).unwrap();
            assert_eq!(row, values[256..], "{}", format.name());
        }
    }

    #[test]
    fn sizes_that_64_bits_cannot_hold_are_none() {
        for format in FORMATS.iter().filter(|format| format.id() < 36) {
            assert_eq!(format.n_bytes(usize::MAX), None, "{}", format.name());
        }
        assert_eq!(by_id(36).unwrap().n_bytes(usize::MAX), Some(usize::MAX / 4 + 32));
    }
}
