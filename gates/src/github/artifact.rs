//! The zip file that an artifact is downloaded as: one plain file, `evidence.json`, read in memory and nowhere else.
//!
//! Narrower than the format, so that no two readers can see different files in it: nothing before the entry, nothing behind the
//! end record, one name in both headers. What `actions/upload-artifact` writes fits.
//! Source: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.4.

use std::io::{Cursor, Read as _};

use zip::{CompressionMethod, ZipArchive};

use super::{Refused, require};

/// Name of the rule.
pub const RULE: &str = "artifact-zip";
/// The one entry.
pub const ENTRY: &str = "evidence.json";
/// Bytes of an artifact at most.
pub const MAX_ARTIFACT: usize = 16 << 20;
/// Bytes of a bundle at most.
pub const MAX_EVIDENCE: u64 = 64 << 20;
/// How many times its packed size an entry may have.
const MAX_RATIO: u64 = 100;
/// Bytes of the end record, which has no comment here.
const END: usize = 22;
/// Bytes of a data descriptor at most: its mark, a checksum, two sizes of 64 bits.
const MAX_DESCRIPTOR: u64 = 24;
/// Type bits of a Unix mode, and those of a plain file.
const TYPE_BITS: u32 = 0o170_000;
const PLAIN_FILE: u32 = 0o100_000;

/// The bytes of `evidence.json` in the artifact.
///
/// # Errors
/// [`Refused`] by [`RULE`] for anything else than a zip file of that one plain file within the limits.
pub fn evidence(artifact: &[u8]) -> Result<Vec<u8>, Refused> {
    check(artifact.len() <= MAX_ARTIFACT, || {
        format!("expected at most {MAX_ARTIFACT} bytes, found {}", artifact.len())
    })?;
    let directory = directory(artifact)?;
    let unreadable = |_| refused("expected a zip file that can be read, found a damaged one");
    let mut archive = ZipArchive::new(Cursor::new(artifact)).map_err(unreadable)?;
    check(archive.len() == 1, || format!("expected one entry, found {}", archive.len()))?;
    let entry = archive.by_index_raw(0).map_err(unreadable)?;

    check(!entry.encrypted(), || "expected an entry in clear, found an encrypted one".to_owned())?;
    let method = entry.compression();
    check(matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated), || {
        format!("expected an entry that is stored or deflated, found {method:?}")
    })?;
    let kind = entry.unix_mode().unwrap_or(0) & TYPE_BITS;
    check(!entry.is_dir() && matches!(kind, 0 | PLAIN_FILE), || {
        format!("expected a plain file, found one of type {kind:o}")
    })?;
    let local = [entry.header_start(), entry.central_header_start()] == [0, directory]
        && artifact
            .get(26..28)
            .is_some_and(|len| usize::from(len[0]) == ENTRY.len() && len[1] == 0)
        && artifact.get(30..30 + ENTRY.len()) == Some(ENTRY.as_bytes());
    check(entry.name_raw() == ENTRY.as_bytes() && local, || {
        format!("expected the entry `{ENTRY}` at the start, found another")
    })?;
    let (size, packed) = (entry.size(), entry.compressed_size());
    let end = entry.data_start().and_then(|start| start.checked_add(packed));
    let gap = end.and_then(|end| directory.checked_sub(end));
    check(gap.is_some_and(|gap| gap <= MAX_DESCRIPTOR), || {
        "expected the entry and its descriptor up to the directory, found other bytes".to_owned()
    })?;
    check(size <= MAX_EVIDENCE, || {
        format!("expected at most {MAX_EVIDENCE} bytes unpacked, found {size}")
    })?;
    check(size <= packed.saturating_mul(MAX_RATIO), || {
        format!(
            "expected at most {MAX_RATIO} times the packed size, found {size} bytes of {packed}"
        )
    })?;
    drop(entry);

    let entry = archive.by_index(0).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte more than declared is enough to see that the declaration is wrong.
    let read = entry.take(size + 1).read_to_end(&mut bytes);
    check(read.is_ok() && bytes.len() as u64 == size, || {
        format!("expected {size} bytes with the checksum declared, found others")
    })?;
    Ok(bytes)
}

/// Where the directory starts, by an end record that says: one disk, one entry, no comment.
fn directory(artifact: &[u8]) -> Result<u64, Refused> {
    let found = "expected a zip file that ends in the record of one entry and no comment, found another end";
    let Some((before, end)) = artifact.split_last_chunk::<END>() else {
        return Err(refused(found));
    };
    let short = |at: usize| u16::from_le_bytes([end[at], end[at + 1]]);
    let long = |at: usize| u32::from_le_bytes([end[at], end[at + 1], end[at + 2], end[at + 3]]);
    let fits = end.starts_with(b"PK\x05\x06")
        && [4, 6, 8, 10, 20].map(short) == [0, 0, 1, 1, 0]
        && u64::from(long(12)) + u64::from(long(16)) == before.len() as u64;
    check(fits, || found.to_owned())?;
    Ok(long(16).into())
}

fn check(holds: bool, text: impl FnOnce() -> String) -> Result<(), Refused> {
    require(RULE, holds, text)
}

fn refused(text: &str) -> Refused {
    Refused { rule: RULE, text: text.to_owned() }
}
