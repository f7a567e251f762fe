//! The head of a journal: how many entries it has, and the SHA-256 of the last one.
//!
//! A chain of hashes shows an edit and a gap, but not that its end is missing; the head beside it does. It is written
//! after the journal, so it may lag behind, and never be ahead.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{entry::Entry, name::check_name, old_pointer};
use crate::{
    Digest, Error, ErrorKind, Result,
    record::{
        SCHEMA_VERSION,
        wire::{self, Document, Hex, Mirror, Version},
    },
};

const DOCUMENT: Document = Document { what: "baseline head", schema: "tritgate.baseline-head" };

/// What `baselines/NAME.json` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) n_entries: u64,
    pub(super) last: Digest,
}

/// The file behind it. Fields: docs/store.md.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wire {
    schema: SchemaName,
    version: Version,
    name: String,
    n_entries: u64,
    last: Hex,
}

/// Says that this is a head.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
enum SchemaName {
    #[serde(rename = "tritgate.baseline-head")]
    Head,
}

impl Head {
    pub(super) fn to_json(&self) -> Vec<u8> {
        wire::write(&Wire {
            schema: SchemaName::Head,
            version: Mirror::of(&SCHEMA_VERSION),
            name: self.name.clone(),
            n_entries: self.n_entries,
            last: Mirror::of(&self.last),
        })
    }

    fn from_json(bytes: &[u8]) -> Result<Self> {
        let wire: Wire = DOCUMENT.read(bytes)?;
        check_name(&wire.name)?;
        Ok(Self { name: wire.name, n_entries: wire.n_entries, last: wire.last.into_domain() })
    }
}

/// What stands beside a journal, or in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    Head(Head),
    /// A pointer of a bench that kept no journal.
    Pointer(Box<Entry>),
}

impl Beside {
    /// Reads `NAME.json` by what it says it is.
    pub(super) fn from_json(name: &str, bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Schema {
            schema: Option<serde_json::Value>,
        }
        let schema = serde_json::from_slice::<Schema>(bytes).ok().and_then(|found| found.schema);
        let found = match schema.as_ref().and_then(serde_json::Value::as_str) {
            Some(old_pointer::SCHEMA) => Self::Pointer(Box::new(old_pointer::entry(bytes)?)),
            _ => Self::Head(Head::from_json(bytes)?),
        };
        let own = match &found {
            Self::Head(head) => &head.name,
            Self::Pointer(entry) => &entry.name,
        };
        if own != name {
            let text = format!("`name`: expected {name:?}, that of the file, found {own:?}");
            return Err(Error::new(ErrorKind::Malformed, text));
        }
        Ok(found)
    }
}

/// The JSON schema of a head (draft 2020-12).
#[must_use]
pub(crate) fn schema() -> serde_json::Value {
    wire::schema_of::<Wire>("baseline-head.v1.json")
}
