//! The check record: one command that was run on a commit, how it ended, and what it wrote.
//!
//! Nothing of it is summed up: what a run of tests passed is read from the text again, each time.
//! In: what `bench check` saw. Out: the value that gates are derived from, and that `wire` turns into JSON.

mod captured;
pub(crate) mod wire;

use crate::{
    Digest,
    record::{SchemaVersion, Tool},
};
pub use captured::{Captured, KEPT_BYTES, KEPT_HEAD_BYTES, Parts};

/// Checks of one bundle at most.
pub const MAX_CHECKS: usize = 16;
/// Bytes of a gate's name at most.
const MAX_NAME: usize = 40;
/// Names of gates that are derived from measurements: no check can take them.
const MEASURED: [&str; 2] = ["benchmarks", "perf"];

/// One command on one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRecord {
    /// The schema this record was written in.
    pub version: SchemaVersion,
    /// Name of its gate, without `review:gate:`.
    pub gate: String,
    /// The program and its arguments as given; no shell takes them apart.
    pub command: Vec<String>,
    /// Commit of the working tree it ran in, where git knows one.
    pub commit: Option<String>,
    /// Whether the tree held anything that the commit does not, before the command or after it.
    pub dirty: Option<bool>,
    /// The folder it ran in, below the top of the working tree; empty at the top, and outside of git.
    pub folder: String,
    /// UTC start.
    pub started_at: String,
    /// UTC end.
    pub ended_at: String,
    /// From the start to the end, on the monotonic clock.
    pub wall_ns: u64,
    /// Exit code; 128 and the signal's number where one ended it.
    pub exit_code: u64,
    /// What it wrote to stdout.
    pub stdout: Captured,
    /// What it wrote to stderr.
    pub stderr: Captured,
    /// The program that ran it.
    pub tool: Tool,
}

impl CheckRecord {
    /// Digest of the canonical bytes: the name of this record.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_json())
    }

    /// Whether a check's gate may be called `name`: lower case, digits and dashes, and no name of a measured gate.
    #[must_use]
    pub fn is_gate(name: &str) -> bool {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        name.len() <= MAX_NAME
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(known)
            && !MEASURED.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::CheckRecord;

    #[test]
    fn a_gate_has_a_name_that_is_a_file_name_and_no_measured_gates() {
        for good in ["tests", "clippy-gpu", "a", "x86-64"] {
            assert!(CheckRecord::is_gate(good), "{good}");
        }
        for bad in [
            "",
            "perf",
            "benchmarks",
            "Tests",
            "-x",
            "1",
            "a/b",
            "a.b",
            "../x",
            "ä",
            &"a".repeat(41),
        ] {
            assert!(!CheckRecord::is_gate(bad), "{bad}");
        }
    }
}
