//! A stored baseline for time, without its binary: one record against earlier sessions of the same machine.
//!
//! In: the current record, past ones newest first, the policy. Out: [`StoredComparison`]: a row per gated metric, what was
//! passed over, and a verdict whose fail is unconfirmed, since no pair was measured. docs/statistics.md, "A stored baseline,
//! without its binary".

mod alike;
mod machine;
mod row;
pub mod rule;
mod samples;
mod spread;
#[cfg(test)]
mod tests;

use baselines::RunRecord;

pub use alike::{Difference, difference};
pub use row::{Predicted, StoredRow};
pub use rule::SESSIONS_LEAST;
pub use spread::{Spread, spreads};

use crate::{policy::Policy, route, verdict::Verdict, verify::Class};

/// What a stored baseline says about a record.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredComparison {
    /// One per gated metric, in the policy's order; empty where the newest past record cannot be compared.
    pub rows: Vec<StoredRow>,
    /// Why nothing is judged.
    pub difference: Option<Difference>,
    /// Past records that say nothing about this question: their place in `past`, and why.
    pub passed_over: Vec<(usize, Difference)>,
    /// Past sessions that are left; a metric may have fewer.
    pub n_sessions: usize,
    /// The verdict. A fail is unconfirmed.
    pub verdict: Verdict,
}

impl StoredComparison {
    /// The stage of work that follows: after a fail, not that of a confirmed one.
    #[must_use]
    pub fn route<'a>(&self, policy: &'a Policy) -> &'a str {
        route::next_unconfirmed(self.verdict, policy)
    }
}

/// Holds `current` against `past` sessions, newest first.
///
/// The newest one must ask the same question; of the others those that do not are passed over, as is the current record
/// itself.
#[must_use]
pub fn judge_stored(current: &RunRecord, past: &[RunRecord], policy: &Policy) -> StoredComparison {
    let mut sessions = Vec::new();
    let mut passed_over = Vec::new();
    for (place, record) in past.iter().enumerate() {
        match difference(record, current) {
            None => sessions.push(record),
            Some(found) if sessions.is_empty() && found.what != "session" => {
                return StoredComparison {
                    rows: Vec::new(),
                    verdict: of_class(found.class),
                    difference: Some(found),
                    passed_over,
                    n_sessions: 0,
                };
            }
            Some(found) => passed_over.push((place, found)),
        }
    }
    let rows = row::rows(current, &sessions, policy);
    let verdict = verdict(&rows);
    StoredComparison { rows, difference: None, passed_over, n_sessions: sessions.len(), verdict }
}

const fn of_class(class: Class) -> Verdict {
    match class {
        Class::Invalid => Verdict::Invalid,
        Class::Incomparable | Class::Missing => Verdict::Incomparable,
    }
}

fn verdict(rows: &[StoredRow]) -> Verdict {
    Verdict::of_metrics(&rows.iter().map(|row| row.verdict).collect::<Vec<_>>())
}
