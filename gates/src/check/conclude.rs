//! From what was seen and the exit code to a verdict: success needs both, and a disagreement is said.
//! In: what a kind found in the text. Out: a [`Reading`].

use baselines::CheckRecord;
use serde_json::Value;

use super::Reading;
use crate::verdict::Verdict;

/// What the text of a check says.
pub(super) struct Seen {
    /// The counts as a sentence.
    pub(super) said: String,
    /// Whether it speaks of a failure.
    pub(super) failure: bool,
    /// Why it cannot be believed, or says nothing.
    pub(super) doubts: Vec<String>,
    /// The counts.
    pub(super) value: Value,
}

/// The verdict on `seen`.
pub(super) fn conclude(record: &CheckRecord, seen: Seen) -> Reading {
    let Seen { said, failure, doubts, value } = seen;
    let exit = exit(record.exit_code);
    let but =
        if doubts.is_empty() { String::new() } else { format!("; but {}", doubts.join(", ")) };
    let (verdict, text) = match (record.exit_code, failure) {
        (0, false) if doubts.is_empty() => (Verdict::Pass, said),
        (0, false) => (Verdict::Incomparable, format!("{said}{but}")),
        (0, true) => (Verdict::Fail, format!("{said}, though it ended with {exit}{but}")),
        (_, true) => (Verdict::Fail, format!("{said} ({exit}){but}")),
        (_, false) => (Verdict::Fail, format!("{exit}, though no failure was seen: {said}{but}")),
    };
    Reading { verdict, text, value }
}

/// An exit code in words.
pub(super) fn exit(code: u64) -> String {
    match code {
        129..=192 => format!("exit code {code}, signal {}", code - 128),
        _ => format!("exit code {code}"),
    }
}

/// "1 warning", "2 warnings".
pub(super) fn n_of(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The first of `names`, cut to what a report can hold.
pub(super) fn first_of(names: &[String]) -> Vec<String> {
    const NAMES: usize = 20;
    const CHARACTERS: usize = 200;
    names.iter().take(NAMES).map(|name| name.chars().take(CHARACTERS).collect()).collect()
}
