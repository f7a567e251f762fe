//! Which earlier baselines of a name say how much it varies: the last `k` of one machine, and why not the others.
//!
//! In: the entries of a journal. Out: the chosen ones, newest first, and a reason for each of the others.

use crate::{
    Digest,
    store::{Action, Entry},
};

/// What was chosen, and what was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// At most `k` entries, newest first; no record twice.
    pub chosen: Vec<Entry>,
    /// Every other entry that moved the name, newest first, with the reason.
    pub passed_over: Vec<(Entry, PassedOver)>,
}

/// Why an entry was not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassedOver {
    /// A later entry moves the name to the same record.
    SameRecord,
    /// It has expired.
    Expired,
    /// Its record was deleted.
    Pruned,
    /// It was made on another machine, or on this one in another state.
    OtherFingerprint,
    /// Its record does not say which commit it is of.
    NoCommit,
    /// Its commit is not in the ancestry.
    OtherCommit,
    /// `k` newer ones were chosen.
    Older,
}

impl PassedOver {
    /// The reason, in words.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::SameRecord => "a later entry has the same record",
            Self::Expired => "it has expired",
            Self::Pruned => "its record was deleted",
            Self::OtherFingerprint => "it was made on a machine of another fingerprint",
            Self::NoCommit => "its record names no commit",
            Self::OtherCommit => "its commit is no ancestor",
            Self::Older => "enough newer ones were chosen",
        }
    }
}

/// The last `k` records that the name was moved to, of the machine `fingerprint`.
///
/// `commits`: the ancestry, merge base first; where it is given, a record of another commit or of none is passed over.
/// The order of the journal decides, not that of the ancestry: what was measured last says most about the machine's state.
#[must_use]
pub fn select(
    entries: &[Entry],
    fingerprint: Digest,
    k: usize,
    commits: Option<&[String]>,
) -> Selection {
    let mut selection = Selection { chosen: Vec::new(), passed_over: Vec::new() };
    for (idx, entry) in entries.iter().enumerate().rev().filter(|(_, entry)| entry.action.moves()) {
        let later = || entries[idx + 1..].iter().filter(|later| later.record == entry.record);
        let since = |action| later().any(|later| later.action == action);
        let reason = if later().any(|later| later.action.moves()) {
            Some(PassedOver::SameRecord)
        } else if since(Action::Expire) {
            Some(PassedOver::Expired)
        } else if since(Action::Prune) {
            Some(PassedOver::Pruned)
        } else if entry.fingerprint != fingerprint {
            Some(PassedOver::OtherFingerprint)
        } else {
            commits
                .and_then(|commits| of_ancestry(entry, commits))
                .or((selection.chosen.len() >= k).then_some(PassedOver::Older))
        };
        match reason {
            None => selection.chosen.push(entry.clone()),
            Some(reason) => selection.passed_over.push((entry.clone(), reason)),
        }
    }
    selection
}

fn of_ancestry(entry: &Entry, commits: &[String]) -> Option<PassedOver> {
    match &entry.commit {
        None => Some(PassedOver::NoCommit),
        Some(commit) if commits.contains(commit) => None,
        Some(_) => Some(PassedOver::OtherCommit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::SCHEMA_VERSION;

    /// `name`: names the record; `commit`: `-` for none.
    fn entry(action: Action, name: &str, machine: &str, commit: &str) -> Entry {
        let record = Digest::of(name.as_bytes());
        Entry {
            version: SCHEMA_VERSION,
            name: "main".to_owned(),
            action,
            record,
            binary: record,
            model: record,
            fingerprint: Digest::of(machine.as_bytes()),
            commit: (commit != "-").then(|| commit.to_owned()),
            recorded_at: String::new(),
            at: String::new(),
            reason: name.to_owned(),
            recorded_by: String::new(),
            approved_by: None,
            previous: None,
        }
    }

    fn chosen(selection: &Selection) -> Vec<&str> {
        selection.chosen.iter().map(|entry| entry.reason.as_str()).collect()
    }

    fn passed(selection: &Selection) -> Vec<(&str, PassedOver)> {
        selection.passed_over.iter().map(|(entry, why)| (entry.reason.as_str(), *why)).collect()
    }

    fn here() -> Digest {
        Digest::of(b"here")
    }

    #[test]
    fn the_last_k_of_this_machine_are_chosen_newest_first() {
        let journal = [
            entry(Action::Record, "a", "here", "1"),
            entry(Action::Record, "b", "there", "2"),
            entry(Action::Promote, "c", "here", "3"),
            entry(Action::Record, "d", "here", "4"),
        ];
        let selection = select(&journal, here(), 2, None);
        assert_eq!(chosen(&selection), ["d", "c"]);
        assert_eq!(
            passed(&selection),
            [("b", PassedOver::OtherFingerprint), ("a", PassedOver::Older)]
        );
        assert_eq!(chosen(&select(&journal, here(), 9, None)), ["d", "c", "a"]);
        assert_eq!(chosen(&select(&journal, here(), 0, None)), [""; 0]);
        assert_eq!(chosen(&select(&[], here(), 3, None)), [""; 0]);
    }

    #[test]
    fn expired_pruned_and_repeated_records_are_passed_over() {
        let journal = [
            entry(Action::Record, "a", "here", "1"),
            entry(Action::Record, "b", "here", "2"),
            entry(Action::Record, "c", "here", "3"),
            entry(Action::Record, "d", "here", "4"),
            entry(Action::Expire, "a", "here", "1"),
            entry(Action::Prune, "b", "here", "2"),
            entry(Action::PruneBinary, "c", "here", "3"),
            entry(Action::Promote, "a", "here", "1"),
        ];
        let selection = select(&journal, here(), 9, None);
        // A record that was promoted after it expired is in use again; one without its binary still has its samples.
        assert_eq!(chosen(&selection), ["a", "d", "c"]);
        assert_eq!(passed(&selection), [("b", PassedOver::Pruned), ("a", PassedOver::SameRecord)]);

        let selection = select(&journal[..5], here(), 9, None);
        assert_eq!(passed(&selection), [("a", PassedOver::Expired)]);
    }

    #[test]
    fn an_ancestry_leaves_out_other_branches_and_records_without_a_commit() {
        let journal = [
            entry(Action::Record, "old", "here", "1"),
            entry(Action::Record, "branch", "here", "x"),
            entry(Action::Record, "unknown", "here", "-"),
            entry(Action::Record, "base", "here", "2"),
        ];
        let ancestry = ["2".to_owned(), "1".to_owned(), "0".to_owned()];
        let selection = select(&journal, here(), 3, Some(&ancestry));
        assert_eq!(chosen(&selection), ["base", "old"]);
        assert_eq!(
            passed(&selection),
            [("unknown", PassedOver::NoCommit), ("branch", PassedOver::OtherCommit)]
        );
        assert_eq!(chosen(&select(&journal, here(), 3, Some(&[]))), [""; 0]);
    }
}
