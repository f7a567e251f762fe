//! What can go wrong before a verdict exists. Bad evidence is no error: it is a verdict.

/// Stable kinds: callers choose exit codes and tests match on them, never on text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// An attestation is none, or names no files by digest.
    Attestation,
    /// The policy is no TOML, has an unknown or missing key, or a value out of range.
    Policy,
    /// A route document is none, or its hop log is not in order.
    Route,
}

/// What, where, expected, found, way out: a lowercase fragment that follows "failed to …".
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: ErrorKind,
    context: String,
}

impl Error {
    /// An error of `kind`, with its context.
    #[must_use]
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into() }
    }

    /// Its stable kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
