//! The file as bytes, without reading it: the crate's only unsafe input.
//! In: a path. Out: a mapping of the whole file, read-only.

use std::path::Path;

use crate::{Error, ErrorKind, Result};

/// A file mapped into memory, pages shared with the system's cache.
#[derive(Debug)]
pub struct Mapping(memmap2::Mmap);

impl Mapping {
    /// Maps the file at `path`. An empty file maps to no bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the file cannot be opened or mapped.
    pub fn open(path: &Path) -> Result<Self> {
        let io = |verb: &str, e: std::io::Error| {
            Error::new(ErrorKind::Io, format!("{verb} model file `{}`: {e}", path.display()))
        };
        let file = std::fs::File::open(path).map_err(|e| io("open", e))?;
        let is_file = file.metadata().map_err(|e| io("examine", e))?.is_file();
        if !is_file {
            let text = format!("open model file `{}`: expected a regular file", path.display());
            return Err(Error::new(ErrorKind::Io, text));
        }
        // SAFETY: the mapping is private to this process and read-only. A model file must not be truncated or rewritten
        // while a model is open; every mapping reader relies on that and no portable call can enforce it.
        #[expect(unsafe_code, reason = "a map of a file is only as constant as the file")]
        let map = unsafe { memmap2::Mmap::map(&file) };
        map.map(Self).map_err(|e| io("map", e))
    }

    /// The whole file.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}
