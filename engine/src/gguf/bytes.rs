//! Where a model's bytes live: in the program, on the heap, or mapped from a file.
//! Out: one slice, the same for all three.

use std::{
    ops::{Deref, Range},
    path::Path,
};

use super::mmap::Mapping;
use crate::Result;

/// The bytes of a model file, whoever owns them.
///
/// Only a mapping is sure to start at an aligned address; readers of tensors must not assume it.
#[derive(Debug)]
pub enum Bytes {
    /// Part of the program, as `include_bytes!` gives it.
    Static(&'static [u8]),
    /// On the heap.
    Owned(Vec<u8>),
    /// Mapped from a file.
    Mapped(Mapping),
}

impl Bytes {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] if the file cannot be opened or mapped.
    pub fn open(path: &Path) -> Result<Self> {
        Mapping::open(path).map(Self::Mapped)
    }

    /// Gives back the pages of a range that are mapped from a file.
    pub(crate) fn release(&self, range: Range<usize>) {
        if let Self::Mapped(map) = self {
            map.release(range);
        }
    }

    /// How many of these bytes stand behind a file mapping (all or none).
    #[must_use]
    pub fn mapped_size(&self) -> usize {
        match self {
            Self::Static(_) | Self::Owned(_) => 0,
            Self::Mapped(map) => map.as_slice().len(),
        }
    }

    /// Bytes held on the heap.
    #[must_use]
    pub fn heap_size(&self) -> usize {
        match self {
            Self::Static(_) | Self::Mapped(_) => 0,
            Self::Owned(bytes) => bytes.capacity(),
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Static(bytes) => bytes,
            Self::Owned(bytes) => bytes,
            Self::Mapped(map) => map.as_slice(),
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Owned(bytes)
    }
}

impl From<&'static [u8]> for Bytes {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Static(bytes)
    }
}
