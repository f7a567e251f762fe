//! The one shape of an importer's error: line, expected, found, way out.
//! In: a line counted from 1 within the (unpacked) file and three phrases. Out: an error of kind `Malformed`.

use crate::{Error, ErrorKind};

/// Most characters of foreign text that an error repeats.
const MAX_SHOWN: usize = 60;

pub(super) fn malformed(line: u64, expected: &str, found: &str, way_out: &str) -> Error {
    let context = format!("line {line}: expected {expected}, found {found}; {way_out}");
    Error::new(ErrorKind::Malformed, context)
}

/// Foreign text fit for an error: quoted, escaped, cut.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(MAX_SHOWN).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}
