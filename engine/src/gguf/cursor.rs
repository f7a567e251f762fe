//! A reading position that cannot leave the file.
//! In: bytes. Out: little-endian numbers and ranges; a short file is an error that says what was being read.

use std::ops::Range;

use crate::{Error, Result};

/// Longest string a file may hold (llama.cpp's limit).
const STRING_SIZE_MAX: u64 = 1 << 30;

/// A position in `bytes`, moved only by successful reads.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Byte offset of the next read, from the start of the file.
    pub(super) const fn position(&self) -> usize {
        self.position
    }

    /// Bytes not read yet.
    pub(super) const fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The next `size` bytes as a range of the file.
    pub(super) fn range(&mut self, size: usize, what: &str) -> Result<Range<usize>> {
        let start = self.position;
        match start.checked_add(size) {
            Some(end) if end <= self.bytes.len() => {
                self.position = end;
                Ok(start..end)
            }
            _ => Err(Error::gguf(format!(
                "file ends inside {what}: expected {size} bytes at byte {start}, found {}; the file is truncated \
                 or corrupt",
                self.remaining()
            ))),
        }
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let range = self.range(N, what)?;
        let mut array = [0; N];
        array.copy_from_slice(&self.bytes[range]);
        Ok(array)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A string: 64-bit length, then that many bytes; its bytes as a range of the file.
    pub(super) fn string(&mut self, what: &str) -> Result<Range<usize>> {
        let start = self.position;
        let size = self.u64(what)?;
        let fits = usize::try_from(size).ok().filter(|&size| size <= self.remaining());
        match fits {
            Some(size) if size as u64 <= STRING_SIZE_MAX => self.range(size, what),
            _ => Err(Error::gguf(format!(
                "{what} at byte {start}: expected a string of at most {} bytes, found length {size}; the file is \
                 truncated or corrupt",
                STRING_SIZE_MAX.min(self.remaining() as u64)
            ))),
        }
    }
}

/// Bytes of a name as a person can read them in an error: escaped, cut after 80 characters.
pub(super) fn shown(bytes: &[u8]) -> String {
    const LONGEST: usize = 80;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * LONGEST)]);
    let mut out: String = text.escape_debug().take(LONGEST).collect();
    if bytes.len() > LONGEST {
        out.push('…');
    }
    out
}
