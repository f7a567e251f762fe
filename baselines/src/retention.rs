//! What a store may forget. In: its journals, the sizes and ages of its files, a rule and the time. Out: what to delete.
//!
//! Kept with its binary, so that a gate can run it again: what each name points at, and the last `keep` records of each
//! name that have not expired. Kept without: every record of the last `history_days`, in a journal or not, since the
//! trend is drawn from them; and every record that does not read back, since deleting it would hide that. A binary that
//! nothing needs stays for a day: a session under way puts its binary before its record. Entries are never deleted.

use std::collections::BTreeSet;

use crate::{
    Digest,
    store::{Action, Journal},
};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Records of each name, newest first, kept with their binaries; what a name points at is kept in any case.
    pub keep: usize,
    /// Days for which every record is kept.
    pub history_days: u32,
}

/// A file of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// Milliseconds since 1970 (UTC): of a record the end of its session, of a binary when it was put; `None` if unknown.
    pub at_ms: Option<i64>,
}

/// What to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Records.
    pub records: Vec<File>,
    /// Binaries.
    pub binaries: Vec<File>,
}

impl Plan {
    /// Bytes that are freed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.records.iter().chain(&self.binaries).map(|file| file.bytes).sum()
    }

    /// What `journal` must say before this plan is carried out: each of its records that loses a file, and what is done.
    #[must_use]
    pub fn entries_for(&self, journal: &Journal) -> Vec<(Action, Digest)> {
        let has = |files: &[File], digest| files.iter().any(|file| file.digest == digest);
        let mut seen = BTreeSet::new();
        let moves = journal.entries().iter().filter(|entry| entry.action.moves());
        let first_of_record = moves.filter(|entry| seen.insert(entry.record));
        let action = |entry: &crate::store::Entry| {
            let said = journal.pruning_of(entry.record).map(|entry| entry.action);
            let action = if has(&self.records, entry.record) {
                Action::Prune
            } else if has(&self.binaries, entry.binary) {
                Action::PruneBinary
            } else {
                return None;
            };
            (said != Some(action)).then_some((action, entry.record))
        };
        first_of_record.filter_map(action).collect()
    }
}

/// What `rule` lets go of at `now_ms`.
#[must_use]
pub fn plan(
    journals: &[Journal],
    records: &[File],
    binaries: &[File],
    rule: Rule,
    now_ms: i64,
) -> Plan {
    let mut kept = BTreeSet::new();
    let mut kept_binaries = BTreeSet::new();
    for journal in journals {
        let mut last = BTreeSet::new();
        for entry in journal.entries().iter().rev().filter(|entry| entry.action.moves()) {
            let current = journal.current().is_some_and(|current| current.record == entry.record);
            let in_use = journal.expiry_of(entry.record).is_none();
            let counted = in_use && (last.len() < rule.keep || last.contains(&entry.record));
            if counted {
                last.insert(entry.record);
            }
            if current || counted {
                kept.insert(entry.record);
                kept_binaries.insert(entry.binary);
            }
        }
    }
    // Of a time that has not come yet, or of none that is known, nothing can be said.
    let older = |file: &File, days: u32| {
        file.at_ms.is_some_and(|at_ms| at_ms < now_ms.saturating_sub(i64::from(days) * DAY_MS))
    };
    let doomed = |files: &[File], kept: &BTreeSet<Digest>, days| -> Vec<File> {
        files
            .iter()
            .filter(|file| !kept.contains(&file.digest) && older(file, days))
            .copied()
            .collect()
    };
    Plan {
        records: doomed(records, &kept, rule.history_days),
        binaries: doomed(binaries, &kept_binaries, 1),
    }
}
