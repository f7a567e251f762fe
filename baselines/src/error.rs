//! What can go wrong with records and stores.

/// Stable kinds: callers choose exit codes and tests match on them, never on text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file system said no.
    Io,
    /// Bytes that are no record: not JSON, a missing or unknown field, a value out of range.
    Malformed,
    /// A schema version this build does not read.
    Version,
    /// Content does not match the digest it is named by.
    Digest,
    /// Nothing of that name in the store.
    NotFound,
    /// Somebody else wrote to the same place, and both cannot stand.
    Conflict,
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
