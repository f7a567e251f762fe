//! The pointer file of a store that has no journal yet: what schema 1.0 kept in `baselines/NAME.json`.
//! In: its bytes. Out: the first entry of the journal that the next write begins.

use serde::Deserialize;

use super::{
    entry::{Action, Entry},
    name::check_name,
};
use crate::{
    Result,
    record::wire::{Document, Hex, Mirror, Timestamp, Version},
};

pub(super) const SCHEMA: &str = "tritgate.baseline";
const DOCUMENT: Document = Document { what: "baseline pointer", schema: SCHEMA };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(rename = "schema")]
    _schema: String,
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

/// Reads a pointer file as an entry; the commit is in its record, and not here.
pub(super) fn entry(bytes: &[u8]) -> Result<Entry> {
    let wire: Wire = DOCUMENT.read(bytes)?;
    check_name(&wire.name)?;
    let recorded_at = wire.recorded_at.into_domain();
    Ok(Entry {
        version: wire.version.into_domain(),
        name: wire.name,
        action: Action::Record,
        record: wire.record.into_domain(),
        binary: wire.binary.into_domain(),
        model: wire.model.into_domain(),
        fingerprint: wire.fingerprint.into_domain(),
        commit: None,
        // A pointer did not say when it was set; a baseline was pointed at as soon as it was recorded.
        at: recorded_at.clone(),
        recorded_at,
        reason: one_line(&wire.reason, "no reason was kept"),
        recorded_by: one_line(&wire.recorded_by, "unknown"),
        approved_by: None,
        previous: None,
    })
}

/// Pointers took any text; a journal takes a line.
fn one_line(text: &str, otherwise: &str) -> String {
    let shown: String = text
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(1_000)
        .collect();
    if shown.trim().is_empty() { otherwise.to_owned() } else { shown }
}
