//! An external command as a subject: its line, what surrounds each run, and what the runs ended with.
//! A Criterion bench target is one whose runs measure many workloads each.

use crate::Digest;

/// A command line and how it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandInfo {
    /// The command line as given, `{NAME}` for each parameter.
    pub line: String,
    /// What runs the lines, e.g. `sh`; `None`: they are split into words and started without a shell.
    pub shell: Option<String>,
    /// Run once before the first run of this arm.
    pub setup: Option<String>,
    /// Run before each run, untimed.
    pub prepare: Option<String>,
    /// Run once after the last run of this arm.
    pub cleanup: Option<String>,
    /// Names of the parameters; a workload's name says their values.
    pub parameters: Vec<String>,
    /// Longest a run may take, in milliseconds; then it is stopped and the session fails.
    pub timeout_ms: u64,
    /// Whether a run may end with another exit code than 0.
    pub ignore_failure: bool,
    /// Whether every run of both arms must write the same bytes to stdout.
    pub same_output: bool,
    /// The bench target that it is, where its runs are read from what Criterion wrote.
    pub bench: Option<BenchTarget>,
}

/// A Criterion bench target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchTarget {
    /// Cargo's name of its package.
    pub package: String,
    /// Cargo's name of the target.
    pub name: String,
    /// Clean commit it was built from; `None`: a file that was given, or a working tree with changes.
    pub commit: Option<String>,
}

/// What the timed runs of one workload in one block ended with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs {
    /// Workload name.
    pub workload: String,
    /// Exit code of each run, in order; 128 and the signal's number where one ended it.
    pub exit_codes: Vec<u64>,
    /// SHA-256 of each run's stdout, in order; empty unless the same output was asked for.
    pub stdout_digests: Vec<Digest>,
    /// Of a bench target, how many iterations each sample was timed over; else empty.
    pub iterations: Vec<u64>,
}
