//! The evidence bundle: everything a gate decision is a function of, in one file (`ci/evidence.json`).
//!
//! In: both arms' records, the policy's text, the history of the store. Out: the bytes that `bench verify` reads.

mod hop;
pub mod wire;

pub use hop::{HOPS_MAX, Hop};

use crate::{CheckRecord, Digest, RunRecord, record::SchemaVersion};

/// Everything a gate decision is a function of.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Schema version, shared with the records inside.
    pub version: SchemaVersion,
    /// UTC time the bundle was closed, after all its inputs.
    pub created_at: String,
    /// Commit under test, when known (from the worker's build).
    pub head_sha: Option<String>,
    /// The stored baseline whose kept binary is the base; `None` where the base was given on the command line.
    pub baseline: Option<BaselineRef>,
    /// The base as given on the command line; `None` where it is a stored baseline's.
    pub given: Option<Given>,
    /// The base's arm of this session.
    pub base: RunRecord,
    /// The head's arm of this session.
    pub head: RunRecord,
    /// Medians of earlier records of the store, oldest first: for the trend charts only, no verdict depends on them.
    pub history: Vec<HistoryPoint>,
    /// Other commands that were run on the head's commit: builds, tests, lints.
    pub checks: Vec<CheckRecord>,
    /// The policy as text (TOML), so that the bundle is complete.
    pub policy: String,
    /// The commit whose policy this is, where it is the base revision's own; `None` where it is this tree's or was given.
    pub policy_commit: Option<String>,
    /// What the head changes of the files that say how it is judged: none of these changes has a say in this verdict.
    pub edits: Vec<Edit>,
    /// Earlier hops of the route, oldest first, at most [`HOPS_MAX`].
    pub hops: Vec<Hop>,
    /// A session of `bench triage` of the same two builds: no verdict depends on it, it says where the time went.
    pub triage: Option<TriageSession>,
}

/// Both arms of a session of `bench triage`.
#[derive(Clone, Debug, PartialEq)]
pub struct TriageSession {
    /// The base's.
    pub base: RunRecord,
    /// The head's.
    pub head: RunRecord,
}

/// A file that says how a change is judged, and that the change itself edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Path in the repository.
    pub path: String,
    /// SHA-256 of the base's file; `None` where it has none.
    pub base: Option<Digest>,
    /// SHA-256 of the head's file; `None` where it has none.
    pub head: Option<Digest>,
}

/// A base that was given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// What was asked for: a revision, the name of a file, or a command line.
    pub asked: String,
    /// The commit that a revision is, in full; `None` for a file or a command.
    pub commit: Option<String>,
}

/// A pointer to a record in a store, as resolved when the session began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineRef {
    /// Name of the pointer, e.g. `main`.
    pub name: String,
    /// SHA-256 of the record's bytes.
    pub record: Digest,
    /// SHA-256 of the kept binary.
    pub binary: Digest,
    /// SHA-256 of the model the record was made with.
    pub model: Digest,
    /// Fingerprint of the machine the record was made on.
    pub fingerprint: Digest,
    /// When it was recorded (UTC).
    pub recorded_at: String,
    /// True if this very `bench gate` recorded it because there was none: the comparison is an A/A run.
    pub bootstrap: bool,
    /// Output digests of the stored record, one per generating workload: the outputs that the head must reproduce.
    pub outputs: Vec<BaselineOutput>,
}

/// The output of one workload in the stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineOutput {
    /// Workload name.
    pub workload: String,
    /// SHA-256 of the prompt's ids.
    pub prompt_ids_digest: Digest,
    /// SHA-256 of the sampled ids.
    pub output_ids_digest: Digest,
    /// SHA-256 of the logits.
    pub logits_digest: Digest,
}

/// One metric of one earlier record: the median over processes of the process medians, with the extremes.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryPoint {
    /// SHA-256 of the record.
    pub record: Digest,
    /// Start of that session (UTC).
    pub started_at: String,
    /// Commit, if known.
    pub commit: Option<String>,
    /// Workload name.
    pub workload: String,
    /// Metric name.
    pub metric: String,
    /// Median of process medians, base units.
    pub median: f64,
    /// Smallest process median.
    pub min: f64,
    /// Largest process median.
    pub max: f64,
}
