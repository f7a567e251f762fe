//! A parsed model file: the bytes, the table, the directory.

use std::ops::Range;

use super::bytes::Bytes;
use super::cursor::{Cursor, shown};
use super::directory::{self, Directory, Rules, Tensor};
use super::header;
use super::metadata::{self, Metadata};
use super::tensor_type::Evidence;
use super::tiles::{TILES_KEY, TileTable};
use super::value::Value;
use crate::{Error, Result, quant};

/// The alignment of tensor data in files that name none.
const ALIGNMENT_DEFAULT: u32 = 32;

/// A model file whose structure has been checked.
#[derive(Debug)]
pub struct File {
    bytes: Bytes,
    version: u32,
    alignment: usize,
    metadata: Metadata,
    directory: Directory,
    notes: Vec<String>,
}

impl File {
    /// Reads header, metadata and directory, and checks every offset, count and size in them.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gguf`] for a file that is truncated or breaks a rule of the format,
    /// [`crate::ErrorKind::UnsupportedTensorType`] for a tensor in a format this build does not decode.
    pub fn parse(bytes: Bytes) -> Result<Self> {
        let mut cursor = Cursor::new(&bytes);
        let header = header::read(&mut cursor)?;
        let metadata = metadata::read(&bytes, &mut cursor, header.n_entries)?;
        let get = |key: &str| metadata.get(&bytes, key);
        let alignment = alignment(get("general.alignment"))?;
        let tiles = TileTable::read(get(TILES_KEY))?;
        let rules = Rules { alignment, evidence: Evidence::read(get, &tiles), tiles };
        let directory = directory::read(&bytes, &mut cursor, header.n_tensors, &rules)?;
        let notes = notes(directory.tensors(), &rules.evidence);
        Ok(Self { version: header.version, alignment, metadata, directory, notes, bytes })
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives back the pages of a range that are mapped from a file.
    pub(crate) fn release(&self, range: Range<usize>) {
        self.bytes.release(range);
    }

    /// Bytes of the file behind a mapping: all or none.
    #[must_use]
    pub fn mapped_size(&self) -> usize {
        self.bytes.mapped_size()
    }

    /// Bytes of the file that are held on the heap.
    #[must_use]
    pub fn heap_size(&self) -> usize {
        self.bytes.heap_size()
    }

    /// The format's version: 2 or 3.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Every tensor starts at a multiple of this, in bytes.
    #[must_use]
    pub const fn alignment(&self) -> usize {
        self.alignment
    }

    /// The value of `key`, of whatever type; the typed getters ([`u32`](Self::u32), …) are the usual way.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<Value<'_>> {
        self.metadata.get(&self.bytes, key)
    }

    /// All keys and values, in file order. A key is bytes as stored.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&[u8], Value<'_>)> {
        self.metadata.iter(&self.bytes)
    }

    /// What was decided about type numbers that forks use differently, and by what evidence: a sentence for each number that
    /// a tensor has.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// All tensors, in file order.
    #[must_use]
    pub fn tensors(&self) -> &[Tensor] {
        self.directory.tensors()
    }

    /// The tensor called `name`, if there is one.
    #[must_use]
    pub fn find_tensor(&self, name: &str) -> Option<&Tensor> {
        self.directory.get(name)
    }

    /// The tensor called `name`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Gguf`] if the file has none.
    pub fn tensor(&self, name: &str) -> Result<&Tensor> {
        self.find_tensor(name).ok_or_else(|| {
            Error::gguf(format!(
                "tensor `{}`: expected in the model file, found none of that name among its {} tensors",
                shown(name.as_bytes()),
                self.tensors().len()
            ))
        })
    }

    /// The bytes of a tensor of this file, exactly as many as its format's size law says.
    ///
    /// # Panics
    /// If `tensor` belongs to another, longer file.
    #[must_use]
    pub fn tensor_bytes(&self, tensor: &Tensor) -> &[u8] {
        &self.bytes[tensor.range()]
    }
}

/// One for each format that needs it, in the order of their first tensors.
fn notes(tensors: &[Tensor], evidence: &Evidence) -> Vec<String> {
    let mut seen = Vec::new();
    for tensor in tensors {
        if !seen.contains(&tensor.format().id()) {
            seen.push(tensor.format().id());
        }
    }
    seen.into_iter().filter_map(quant::by_id).filter_map(|format| evidence.note(format)).collect()
}

/// The alignment the file asks for, or the default.
fn alignment(value: Option<Value<'_>>) -> Result<usize> {
    let refuse = |found: String| {
        Error::gguf(format!(
            "key `general.alignment`: expected a power of two as u32, found {found}"
        ))
    };
    match value {
        None => Ok(ALIGNMENT_DEFAULT as usize),
        Some(Value::U32(found)) if found.is_power_of_two() => {
            usize::try_from(found).map_err(|_| refuse(found.to_string()))
        }
        Some(Value::U32(found)) => Err(refuse(found.to_string())),
        Some(other) => Err(refuse(format!("a value of type {}", other.described()))),
    }
}
