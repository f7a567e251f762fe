//! One entry of a baseline's journal: what was done to a name, with which record, when, why and by whom.
//! In: the entry. Out: one line of JSON, and back. The line names the line before it by SHA-256.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::{check_name, check_text};
use crate::{
    Digest, Result,
    record::{
        SchemaVersion,
        wire::{self, Document, Hex, Mirror, Timestamp, Version, present},
    },
};

const DOCUMENT: Document =
    Document { what: "baseline journal entry", schema: "tritgate.baseline-entry" };

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Measured, and the name was moved to the result.
    Record,
    /// The name was moved to a record that the store had.
    Promote,
    /// The record is no longer to be compared with; it stays in the store.
    Expire,
    /// The kept binary was deleted to free its space; the record stays.
    PruneBinary,
    /// Record and binary were deleted to free their space.
    Prune,
}

impl Action {
    /// Kebab-case name, as in the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Promote => "promote",
            Self::Expire => "expire",
            Self::PruneBinary => "prune-binary",
            Self::Prune => "prune",
        }
    }

    /// Whether the name points at the entry's record from here on.
    #[must_use]
    pub const fn moves(self) -> bool {
        matches!(self, Self::Record | Self::Promote)
    }
}

/// One entry. Once written, it is never edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The schema this entry was written in; it moves with that of records.
    pub version: SchemaVersion,
    /// Name of the baseline, e.g. `main`; also the name of the journal.
    pub name: String,
    /// What was done.
    pub action: Action,
    /// SHA-256 of the record's bytes.
    pub record: Digest,
    /// SHA-256 of the binary that made it.
    pub binary: Digest,
    /// SHA-256 of the model the record was made with.
    pub model: Digest,
    /// Fingerprint of the machine the record was made on.
    pub fingerprint: Digest,
    /// Commit of the record's tool, where the record has one.
    pub commit: Option<String>,
    /// When the record was made (UTC).
    pub recorded_at: String,
    /// When the entry was written (UTC).
    pub at: String,
    /// Why: `bootstrap`, or what the user said.
    pub reason: String,
    /// Who wrote the entry: the user name, or the job.
    pub recorded_by: String,
    /// Who stands for it, where somebody was named.
    pub approved_by: Option<String>,
    /// SHA-256 of the line before, without its newline; nothing in the first entry.
    pub previous: Option<Digest>,
}

/// The line behind [`Entry`]. Fields: docs/store.md.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wire {
    schema: SchemaName,
    version: Version,
    name: String,
    action: Action,
    record: Hex,
    binary: Hex,
    model: Hex,
    fingerprint: Hex,
    #[serde(deserialize_with = "present")]
    commit: Option<String>,
    recorded_at: Timestamp,
    at: Timestamp,
    reason: String,
    recorded_by: String,
    #[serde(deserialize_with = "present")]
    approved_by: Option<String>,
    #[serde(deserialize_with = "present")]
    previous: Option<Hex>,
}

/// Says that this is an entry.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
enum SchemaName {
    #[serde(rename = "tritgate.baseline-entry")]
    Entry,
}

impl Entry {
    /// The canonical line of this entry, with its newline.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        wire::write(&Wire {
            schema: SchemaName::Entry,
            version: Mirror::of(&self.version),
            name: self.name.clone(),
            action: self.action,
            record: Mirror::of(&self.record),
            binary: Mirror::of(&self.binary),
            model: Mirror::of(&self.model),
            fingerprint: Mirror::of(&self.fingerprint),
            commit: self.commit.clone(),
            recorded_at: Mirror::of(&self.recorded_at),
            at: Mirror::of(&self.at),
            reason: self.reason.clone(),
            recorded_by: self.recorded_by.clone(),
            approved_by: self.approved_by.clone(),
            previous: Mirror::of(&self.previous),
        })
    }

    /// Reads a line, with or without its newline.
    ///
    /// # Errors
    ///
    /// `Version` or `Malformed`, as for a record; also for a name that cannot be a file's, and for text that is empty
    /// or of more than one line.
    pub fn from_line(line: &[u8]) -> Result<Self> {
        let wire: Wire = DOCUMENT.read(line)?;
        check_name(&wire.name)?;
        check_text("reason", &wire.reason)?;
        check_text("recorded_by", &wire.recorded_by)?;
        for (field, text) in [("approved_by", &wire.approved_by), ("commit", &wire.commit)] {
            text.as_ref().map_or(Ok(()), |text| check_text(field, text))?;
        }
        Ok(Self {
            version: wire.version.into_domain(),
            name: wire.name,
            action: wire.action,
            record: wire.record.into_domain(),
            binary: wire.binary.into_domain(),
            model: wire.model.into_domain(),
            fingerprint: wire.fingerprint.into_domain(),
            commit: wire.commit,
            recorded_at: wire.recorded_at.into_domain(),
            at: wire.at.into_domain(),
            reason: wire.reason,
            recorded_by: wire.recorded_by,
            approved_by: wire.approved_by,
            previous: wire.previous.into_domain(),
        })
    }
}

/// The JSON schema of a line (draft 2020-12).
#[must_use]
pub(crate) fn schema() -> serde_json::Value {
    wire::schema_of::<Wire>("baseline-entry.v1.json")
}
