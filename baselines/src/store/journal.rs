//! The journal of one baseline: every record, promotion, expiry and pruning of a name, as a chain of hashes.
//! In: the bytes of `baselines/NAME.jsonl` and of the head beside it. Out: entries that follow one from the other, or the
//! first line that does not. What the name points at is a function of the entries.

use super::{
    entry::{Action, Entry},
    head::{Beside, Head},
};
use crate::{Digest, Error, ErrorKind, Result};

/// Largest journal that is read: some ten thousand entries.
pub const MAX_JOURNAL_BYTES: usize = 16 << 20;

/// All entries of one name, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    name: String,
    entries: Vec<Entry>,
    /// SHA-256 of each line, without its newline.
    lines: Vec<Digest>,
    /// The lines as they were read or written.
    bytes: Vec<u8>,
    torn_bytes: usize,
}

impl Journal {
    pub(super) const fn new(name: String) -> Self {
        Self { name, entries: Vec::new(), lines: Vec::new(), bytes: Vec::new(), torn_bytes: 0 }
    }

    /// The journal that a pointer of an older bench stands for.
    pub(super) fn of_pointer(entry: Entry) -> Self {
        let mut journal = Self::new(entry.name.clone());
        journal.push(entry).expect("an entry that was read writes a line that reads back");
        journal
    }

    /// Reads a journal. A last line without its newline was not written to its end: it is counted in
    /// [`Self::torn_bytes`], and is no entry.
    ///
    /// # Errors
    ///
    /// `Version` or `Malformed`, naming the first line that is no entry, or does not follow from those before.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_JOURNAL_BYTES {
            return Err(too_large(name, bytes.len() as u64));
        }
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut journal = Self::new(name.to_owned());
        journal.torn_bytes = bytes.len() - end;
        for line in bytes[..end].split_inclusive(|byte| *byte == b'\n') {
            let n = journal.entries.len() + 1;
            let added = Entry::from_line(line).and_then(|entry| journal.follow(entry, line));
            added.map_err(|error| {
                let text = format!(
                    "journal of baseline `{name}`, line {n}: {error}; {}",
                    way_out(error.kind())
                );
                Error::new(error.kind(), text)
            })?;
        }
        Ok(journal)
    }

    /// Adds an entry, chained to the last.
    pub(super) fn push(&mut self, mut entry: Entry) -> Result<()> {
        entry.previous = self.lines.last().copied();
        let line = entry.to_line();
        // What would not read back is not written.
        self.follow(Entry::from_line(&line)?, &line)
    }

    fn follow(&mut self, entry: Entry, line: &[u8]) -> Result<()> {
        let malformed = |text| Err(Error::new(ErrorKind::Malformed, text));
        let shown = |digest: Option<Digest>| {
            digest.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string())
        };
        if entry.name != self.name {
            return malformed(format!("`name`: expected {:?}, found {:?}", self.name, entry.name));
        }
        let expected = self.lines.last().copied();
        if entry.previous != expected {
            return malformed(format!(
                "`previous`: expected {}, the SHA-256 of the line before, found {}: an entry was edited, dropped, repeated or moved",
                shown(expected),
                shown(entry.previous)
            ));
        }
        if !entry.action.moves() && self.promotion_of(entry.record).is_none() {
            return malformed(format!(
                "`record`: expected one that an entry before records or promotes, found {}",
                entry.record
            ));
        }
        self.entries.push(entry);
        self.lines.push(Digest::of(line.strip_suffix(b"\n").unwrap_or(line)));
        self.bytes.extend_from_slice(line);
        Ok(())
    }

    /// Holds the journal against what stands beside it.
    pub(super) fn check(&self, beside: Option<&Beside>) -> Result<()> {
        let n = self.entries.len();
        let (expected, found) = match beside {
            // The first write ended between journal and head.
            None if n <= 1 => return Ok(()),
            None => (format!("a head beside {n} entries"), "none".to_owned()),
            Some(Beside::Head(head)) => {
                let last = usize::try_from(head.n_entries).ok().and_then(|n| n.checked_sub(1));
                if last.and_then(|last| self.lines.get(last)) == Some(&head.last) {
                    return Ok(());
                }
                let told = head.n_entries;
                if told > n as u64 {
                    (
                        format!("{told} entries, as its head says"),
                        format!("{n}: its end is missing"),
                    )
                } else {
                    (
                        format!("entry {told} to be {}, as its head says", head.last),
                        "another".to_owned(),
                    )
                }
            }
            Some(Beside::Pointer(pointer)) => {
                // Equal but for what a pointer does not say: the first write ended between journal and head.
                let same = |entry: &Entry| {
                    (&entry.record, &entry.recorded_at, &entry.reason)
                        == (&pointer.record, &pointer.recorded_at, &pointer.reason)
                };
                if self.entries.first().is_some_and(same) {
                    return Ok(());
                }
                let found = format!(
                    "a pointer to record {} of a bench that keeps no journal",
                    pointer.record
                );
                ("the journal's own head".to_owned(), found)
            }
        };
        let name = &self.name;
        Err(Error::new(
            ErrorKind::Malformed,
            format!(
                "journal of baseline `{name}`: expected {expected}, found {found}; {}",
                way_out(ErrorKind::Malformed)
            ),
        ))
    }

    pub(super) fn head(&self) -> Option<Head> {
        let last = *self.lines.last()?;
        Some(Head { name: self.name.clone(), n_entries: self.lines.len() as u64, last })
    }

    /// The bytes of the journal, without a torn line.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The baseline's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every entry, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Bytes after the last newline: what is left of an entry that was not written to its end.
    #[must_use]
    pub const fn torn_bytes(&self) -> usize {
        self.torn_bytes
    }

    /// What the name points at: the last entry that moved it.
    #[must_use]
    pub fn current(&self) -> Option<&Entry> {
        self.entries.iter().rfind(|entry| entry.action.moves())
    }

    /// The last entry that moved the name to `record`.
    #[must_use]
    pub fn promotion_of(&self, record: Digest) -> Option<&Entry> {
        self.entries.iter().rfind(|entry| entry.action.moves() && entry.record == record)
    }

    /// The entry by which `record` expired, unless it was promoted again after it.
    #[must_use]
    pub fn expiry_of(&self, record: Digest) -> Option<&Entry> {
        self.last_since_promotion(record, &[Action::Expire])
    }

    /// The entry by which the files of `record` were deleted, the binary's or both, unless it was promoted after it.
    #[must_use]
    pub fn pruning_of(&self, record: Digest) -> Option<&Entry> {
        self.last_since_promotion(record, &[Action::Prune, Action::PruneBinary])
    }

    fn last_since_promotion(&self, record: Digest, actions: &[Action]) -> Option<&Entry> {
        let of_record = self.entries.iter().rev().filter(|entry| entry.record == record);
        of_record
            .take_while(|entry| !entry.action.moves())
            .find(|entry| actions.contains(&entry.action))
    }
}

pub(super) fn too_large(name: &str, bytes: u64) -> Error {
    Error::new(
        ErrorKind::Malformed,
        format!(
            "journal of baseline `{name}`: expected at most {MAX_JOURNAL_BYTES} bytes, found {bytes}; {}",
            way_out(ErrorKind::Malformed)
        ),
    )
}

/// Two journals of one name, of which neither is the beginning of the other.
pub(super) fn parted(name: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "journal of baseline `{name}`: expected one that goes on from the other, found that each has entries the other \
             lacks; `bench baseline pull` into another store (`--store`), and promote there what is to count"
        ),
    )
}

/// An edited chain cannot be mended by adding to it.
const fn way_out(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Version => "or use the bench that wrote it",
        _ => {
            "put the journal back from a copy of the store, or record the baseline under another name"
        }
    }
}
