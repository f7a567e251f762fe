//! The first 24 bytes: magic, version, how many tensors and how many metadata entries follow.
//! Out: counts that cannot ask for more memory than the file has bytes.

use super::cursor::{Cursor, shown};
use crate::{Error, Result};

/// The four bytes every GGUF file starts with.
pub(super) const MAGIC: [u8; 4] = *b"GGUF";
/// Least bytes of a metadata entry: key length, one key byte, type, one value byte.
const ENTRY_SIZE_MIN: u64 = 8 + 1 + 4 + 1;
/// Least bytes of a tensor's description: name length, dimension count, type, offset.
const TENSOR_SIZE_MIN: u64 = 8 + 4 + 4 + 8;

/// What the file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) n_tensors: usize,
    pub(super) n_entries: usize,
}

/// Reads the header at the start of `cursor`.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Header> {
    let magic: [u8; 4] = cursor.array("the magic")?;
    if magic != MAGIC {
        return Err(Error::gguf(format!(
            "not a GGUF file: expected the bytes `GGUF` at byte 0, found `{}`",
            shown(&magic)
        )));
    }
    let version = cursor.u32("the version")?;
    check_version(version)?;
    let n_tensors = count(cursor, "tensor count", TENSOR_SIZE_MIN)?;
    let n_entries = count(cursor, "metadata count", ENTRY_SIZE_MIN)?;
    Ok(Header { version, n_tensors, n_entries })
}

fn check_version(version: u32) -> Result<()> {
    match version {
        2 | 3 => Ok(()),
        1 => Err(Error::gguf(
            "GGUF version: expected 2 or 3, found 1 (32-bit lengths, 2023); convert the model again with current tools",
        )),
        // Version 3 allowed files of the other byte order and gave them no other mark.
        _ if version != 0 && version & 0xffff == 0 => Err(Error::gguf(format!(
            "byte order: expected little endian, found a big-endian file of version {}; convert the model again with \
             `--endian little`",
            version.swap_bytes()
        ))),
        _ => Err(Error::gguf(format!("GGUF version: expected 2 or 3, found {version}"))),
    }
}

/// A count of things of at least `size_min` bytes each, which must fit in what is left of the file.
fn count(cursor: &mut Cursor<'_>, what: &str, size_min: u64) -> Result<usize> {
    let position = cursor.position();
    let found = cursor.u64(what)?;
    let most = cursor.remaining() as u64 / size_min;
    match usize::try_from(found) {
        Ok(count) if found <= most => Ok(count),
        _ => Err(Error::gguf(format!(
            "{what} at byte {position}: expected at most {most} in the bytes that follow, found {}; the file is \
             truncated or corrupt",
            found.cast_signed()
        ))),
    }
}
