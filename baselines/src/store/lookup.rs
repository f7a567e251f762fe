//! From what a person types to a record: the name of a baseline, a digest, or the first digits of one.

use super::{DirStore, journal::Journal};
use crate::{Digest, Error, ErrorKind, Result};

/// Fewest digits of a digest that name a record.
const PREFIX_LEN_LEAST: usize = 4;

impl DirStore {
    /// The record that `text` names: what the baseline of that name points at, else the one record whose digest begins
    /// so.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none, or more than one; else as [`Self::journal`].
    pub fn resolve(&self, text: &str) -> Result<Digest> {
        if self.names()?.iter().any(|name| name == text)
            && let Some(current) = self.journal(text)?.as_ref().and_then(Journal::current)
        {
            return Ok(current.record);
        }
        let hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let found: Vec<Digest> = if hex && text.len() >= PREFIX_LEN_LEAST {
            let records = self.records()?;
            records.into_iter().filter(|digest| digest.to_string().starts_with(text)).collect()
        } else {
            Vec::new()
        };
        let at = self.root().display();
        let (expected, found) = match found[..] {
            [one] => return Ok(one),
            [] => (
                format!("the name of a baseline or {PREFIX_LEN_LEAST} to 64 digits of a record"),
                "none; `bench baseline list` names those it has".to_owned(),
            ),
            [..] => {
                let list: Vec<_> = found.iter().take(5).map(Digest::short).collect();
                (
                    "digits that one record begins with".to_owned(),
                    format!("{} ({}); give more digits", found.len(), list.join(", ")),
                )
            }
        };
        Err(Error::new(
            ErrorKind::NotFound,
            format!("find {text:?} in store `{at}`: expected {expected}, found {found}"),
        ))
    }
}
