//! A baseline pointer: a name for a stored record and the binary that made it, with who moved it and why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Digest, Error, ErrorKind, Result,
    record::{
        SchemaVersion,
        wire::{self, Document, Hex, Mirror, Timestamp, Version},
    },
};

const DOCUMENT: Document = Document { what: "baseline pointer", schema: "tritgate.baseline" };

/// Longest name of a baseline.
const MAX_NAME_LEN: usize = 64;

/// A named baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// The schema this pointer was written in; it moves with that of records.
    pub version: SchemaVersion,
    /// Name of the baseline, e.g. `main`; also the name of its file.
    pub name: String,
    /// SHA-256 of the record's bytes.
    pub record: Digest,
    /// SHA-256 of the kept binary.
    pub binary: Digest,
    /// SHA-256 of the model the record was made with.
    pub model: Digest,
    /// Fingerprint of the machine the record was made on.
    pub fingerprint: Digest,
    /// When the record was made (UTC).
    pub recorded_at: String,
    /// Why the baseline was set: `bootstrap`, or what the user said.
    pub reason: String,
    /// Who set it: the user name, or the job.
    pub recorded_by: String,
}

/// The file behind [`Pointer`].
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wire {
    schema: SchemaName,
    version: Version,
    name: String,
    record: Hex,
    binary: Hex,
    model: Hex,
    fingerprint: Hex,
    recorded_at: Timestamp,
    reason: String,
    recorded_by: String,
}

/// Says that this is a baseline pointer.
#[derive(Serialize, Deserialize, JsonSchema)]
enum SchemaName {
    #[serde(rename = "tritgate.baseline")]
    Baseline,
}

impl Pointer {
    /// The canonical bytes of this pointer.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        wire::write(&Wire {
            schema: SchemaName::Baseline,
            version: Mirror::of(&self.version),
            name: self.name.clone(),
            record: Mirror::of(&self.record),
            binary: Mirror::of(&self.binary),
            model: Mirror::of(&self.model),
            fingerprint: Mirror::of(&self.fingerprint),
            recorded_at: Mirror::of(&self.recorded_at),
            reason: self.reason.clone(),
            recorded_by: self.recorded_by.clone(),
        })
    }

    /// Reads a pointer file.
    ///
    /// # Errors
    ///
    /// `Version` or `Malformed`, as for a record; also for a name that cannot be a file's.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let wire: Wire = DOCUMENT.read(bytes)?;
        check_name(&wire.name)?;
        Ok(Self {
            version: wire.version.into_domain(),
            name: wire.name,
            record: wire.record.into_domain(),
            binary: wire.binary.into_domain(),
            model: wire.model.into_domain(),
            fingerprint: wire.fingerprint.into_domain(),
            recorded_at: wire.recorded_at.into_domain(),
            reason: wire.reason,
            recorded_by: wire.recorded_by,
        })
    }
}

/// Refuses a name that would leave the folder, hide the file, or differ between file systems by case.
pub(super) fn check_name(name: &str) -> Result<()> {
    let good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    let first =
        name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if first && name.len() <= MAX_NAME_LEN && name.bytes().all(good) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Malformed,
        format!(
            "baseline name: expected 1 to {MAX_NAME_LEN} of a-z, 0-9, `-`, `_` and `.`, a letter or digit first, found \
             {name:?}; choose another name, e.g. `main`"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["main", "release-1.2", "a", "0", &"x".repeat(64)] {
            check_name(name).unwrap();
        }
        for name in [
            "",
            ".",
            "..",
            "../main",
            "a/b",
            "a\\b",
            ".hidden",
            "Main",
            "a b",
            "a\0",
            "é",
            &"x".repeat(65),
        ] {
            assert_eq!(check_name(name).unwrap_err().kind(), ErrorKind::Malformed, "{name:?}");
        }
    }
}
