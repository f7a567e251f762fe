//! The journals of a folder store: `baselines/NAME.jsonl`, with its head `NAME.json`.
//! In: a name and what is to be done with it. Out: the journal, checked; or the new entries, written under the lock.

use std::{collections::BTreeSet, fs, io, path::PathBuf};

use super::{
    DirStore,
    atomic::READABLE,
    bounded,
    dir::{file_names, unreadable},
    entry::{Action, Entry},
    head::Beside,
    journal::{self, Journal, MAX_JOURNAL_BYTES},
    lock::lock,
    name::check_name,
};
use crate::{
    Digest, Error, ErrorKind, Result,
    record::SCHEMA_VERSION,
    select::{self, Selection},
};

/// When, why and by whom. What a record says itself is read from the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When (UTC, as every timestamp).
    pub at: String,
    /// Why; one line, not empty.
    pub reason: String,
    /// Who does it.
    pub recorded_by: String,
    /// Who stands for it.
    pub approved_by: Option<String>,
}

impl DirStore {
    /// The journal of `name`, if it has one. Of a store without journals, what its pointer stands for.
    ///
    /// # Errors
    ///
    /// `Malformed` for a bad name, an entry that does not follow from those before, or an end that is missing; `Version`
    /// for a newer entry; `Io` if a file cannot be read.
    pub fn journal(&self, name: &str) -> Result<Option<Journal>> {
        check_name(name)?;
        let beside = self.beside(name)?;
        let path = self.journal_path(name);
        let size = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.without_journal(name, beside);
            }
            Err(error) => return Err(unreadable(&path, &error)),
        };
        if size > MAX_JOURNAL_BYTES as u64 {
            return Err(journal::too_large(name, size));
        }
        let bytes = bounded::read(&path, MAX_JOURNAL_BYTES)?;
        let journal = Journal::parse(name, &bytes)?;
        journal.check(beside.as_ref())?;
        Ok(Some(journal))
    }

    /// The names that have a journal, sorted.
    ///
    /// # Errors
    ///
    /// `Io` if the folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>> {
        let files = file_names(&self.root().join("baselines"))?;
        let stem = |file: &String| {
            let stem = file.strip_suffix(".jsonl").or_else(|| file.strip_suffix(".json"))?;
            check_name(stem).is_ok().then(|| stem.to_owned())
        };
        // A set: most names have both files.
        Ok(files.iter().filter_map(stem).collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// All journals, sorted by name.
    ///
    /// # Errors
    ///
    /// As [`Self::journal`].
    pub fn journals(&self) -> Result<Vec<Journal>> {
        // A journal removed since the folder was listed is no error.
        self.names()?.iter().filter_map(|name| self.journal(name).transpose()).collect()
    }

    /// Every entry that moved `name`, oldest first.
    ///
    /// # Errors
    ///
    /// As [`Self::journal`].
    pub fn promoted(&self, name: &str) -> Result<Vec<Entry>> {
        let journal = self.journal(name)?;
        let entries = journal.iter().flat_map(Journal::entries);
        Ok(entries.filter(|entry| entry.action.moves()).cloned().collect())
    }

    /// The last `k` records that `name` was moved to, as [`select::select`] chooses them.
    ///
    /// # Errors
    ///
    /// As [`Self::journal`].
    pub fn select(
        &self,
        name: &str,
        fingerprint: Digest,
        k: usize,
        commits: Option<&[String]>,
    ) -> Result<Selection> {
        let journal = self.journal(name)?;
        let entries = journal.as_ref().map_or(&[][..], Journal::entries);
        Ok(select::select(entries, fingerprint, k, commits))
    }

    /// Adds `changes` (what, with which record) to the journal of `name`, all or none, and returns their entries.
    ///
    /// # Errors
    ///
    /// `Malformed` for a bad name, a reason that says nothing, or a journal that does not hold; `NotFound` or `Digest` if
    /// the record or the binary of a move is not in the store as it was written; `Io` if the folder cannot be written or
    /// stays locked.
    pub fn append(
        &self,
        name: &str,
        changes: &[(Action, Digest)],
        note: &Note,
    ) -> Result<Vec<Entry>> {
        check_name(name)?;
        let _lock = lock(self.root())?;
        self.append_locked(name, changes, note)
    }

    pub(super) fn append_locked(
        &self,
        name: &str,
        changes: &[(Action, Digest)],
        note: &Note,
    ) -> Result<Vec<Entry>> {
        let mut journal = self.journal(name)?.unwrap_or_else(|| Journal::new(name.to_owned()));
        let n_before = journal.entries().len();
        for (action, record) in changes {
            let entry = self.entry(&journal, *action, *record, note)?;
            journal.push(entry)?;
        }
        self.put_journal(&journal)?;
        Ok(journal.entries()[n_before..].to_vec())
    }

    /// Takes a journal of another store whole, where it adds to the one that is here: `true` if it did, `false` if all of it
    /// is here. Its records and binaries need not be: history is read, and a gate may build its base from the revision.
    ///
    /// # Errors
    ///
    /// `Conflict` if an entry of each is missing in the other; else as [`Self::journal`] of the one that is here; `Io` if the
    /// folder cannot be written or stays locked.
    pub fn take_journal(&self, theirs: &Journal) -> Result<bool> {
        let name = theirs.name();
        check_name(name)?;
        let _lock = lock(self.root())?;
        let ours = self.journal(name)?;
        let ours = ours.as_ref().map_or(&[][..], Journal::as_bytes);
        if ours.starts_with(theirs.as_bytes()) {
            return Ok(false);
        }
        if !theirs.as_bytes().starts_with(ours) {
            return Err(journal::parted(name));
        }
        self.put_journal(theirs)?;
        Ok(true)
    }

    fn put_journal(&self, journal: &Journal) -> Result<()> {
        let Some(head) = journal.head() else { return Ok(()) };
        // The head last: it may lag behind its journal, and is never ahead of it.
        self.put(&self.journal_path(journal.name()), journal.as_bytes(), READABLE)?;
        self.put(&self.head_path(journal.name()), &head.to_json(), READABLE)
    }

    /// The entry of a change: of a move, from the record itself; of anything else, from the move before.
    fn entry(
        &self,
        journal: &Journal,
        action: Action,
        record: Digest,
        note: &Note,
    ) -> Result<Entry> {
        let Note { at, reason, recorded_by, approved_by } = note.clone();
        let what = if action.moves() {
            let found = self.get_record(record)?;
            let Some(engine) = found.subject.engine() else {
                let text = format!(
                    "record {}: expected one of the engine, found one of a command",
                    record.short()
                );
                return Err(Error::new(ErrorKind::Malformed, text));
            };
            self.binary_path(found.subject.binary)?;
            Entry {
                binary: found.subject.binary,
                model: engine.model.digest,
                fingerprint: found.host.fingerprint,
                commit: found.tool.commit,
                recorded_at: found.ended_at,
                ..blank(journal.name(), record)
            }
        } else {
            journal.promotion_of(record).cloned().ok_or_else(|| {
                let (name, action) = (journal.name(), action.name());
                Error::new(
                    ErrorKind::NotFound,
                    format!(
                        "{action} record {}: baseline `{name}` was never moved to it",
                        record.short()
                    ),
                )
            })?
        };
        Ok(Entry { version: SCHEMA_VERSION, action, at, reason, recorded_by, approved_by, ..what })
    }

    /// What is known of a name that has no journal.
    fn without_journal(&self, name: &str, beside: Option<Beside>) -> Result<Option<Journal>> {
        match beside {
            None => Ok(None),
            Some(Beside::Pointer(mut entry)) => {
                entry.commit =
                    self.get_record(entry.record).ok().and_then(|found| found.tool.commit);
                Ok(Some(Journal::of_pointer(*entry)))
            }
            // Its head says that there was one.
            Some(head @ Beside::Head(_)) => {
                let empty = Journal::new(name.to_owned());
                empty.check(Some(&head))?;
                Ok(Some(empty))
            }
        }
    }

    fn beside(&self, name: &str) -> Result<Option<Beside>> {
        let path = self.head_path(name);
        let bytes = match bounded::read(&path, MAX_JOURNAL_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Beside::from_json(name, &bytes).map(Some).map_err(|error| {
            let text = format!(
                "read `{}`: {error}; put it back from a copy of the store, or record the baseline under another name",
                path.display()
            );
            Error::new(error.kind(), text)
        })
    }

    fn journal_path(&self, name: &str) -> PathBuf {
        self.root().join("baselines").join(format!("{name}.jsonl"))
    }

    fn head_path(&self, name: &str) -> PathBuf {
        self.root().join("baselines").join(format!("{name}.json"))
    }
}

/// An entry whose other fields are yet to be said.
fn blank(name: &str, record: Digest) -> Entry {
    Entry {
        version: SCHEMA_VERSION,
        name: name.to_owned(),
        action: Action::Record,
        record,
        binary: record,
        model: record,
        fingerprint: record,
        commit: None,
        recorded_at: String::new(),
        at: String::new(),
        reason: String::new(),
        recorded_by: String::new(),
        approved_by: None,
        previous: None,
    }
}
