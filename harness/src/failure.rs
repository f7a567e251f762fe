//! From an error to an exit code and a stable kind: what went wrong decides, never the text.

/// A usage or tool error.
pub(crate) const TOOL_ERROR: u8 = 1;
/// Honest noise: neither can be said.
pub(crate) const INCONCLUSIVE: u8 = 3;
/// Evidence that does not hold.
pub(crate) const INVALID: u8 = 4;
/// Nothing to compare with, or nothing comparable.
pub(crate) const INCOMPARABLE: u8 = 5;

/// Exit code of a program that Ctrl-C ended: 128 and the number of the signal.
pub(crate) const INTERRUPTED: u8 = 130;

/// An error whose exit code is part of what it says.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    exit_code: u8,
    kind: &'static str,
    message: String,
}

/// What a worker reported before it ended, with the kind that it gave it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Reported {
    pub(crate) kind: String,
    pub(crate) message: String,
}

impl Failure {
    /// Neither can be said: exit 3.
    pub(crate) fn inconclusive(message: impl Into<String>) -> Self {
        Self { exit_code: INCONCLUSIVE, kind: "inconclusive", message: message.into() }
    }

    /// Evidence that does not hold: exit 4.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { exit_code: INVALID, kind: "invalid_evidence", message: message.into() }
    }

    /// Nothing to compare with: exit 5.
    pub(crate) fn incomparable(message: impl Into<String>) -> Self {
        Self { exit_code: INCOMPARABLE, kind: "incomparable", message: message.into() }
    }

    /// Ctrl-C: exit 130.
    pub(crate) fn cancelled(message: impl Into<String>) -> Self {
        Self { exit_code: INTERRUPTED, kind: "cancelled", message: message.into() }
    }

    /// The time was up: exit 1.
    pub(crate) fn time_limit(message: impl Into<String>) -> Self {
        Self { exit_code: TOOL_ERROR, kind: "time_limit", message: message.into() }
    }

    /// There is no such model: exit 1.
    pub(crate) fn no_model(message: impl Into<String>) -> Self {
        Self { exit_code: TOOL_ERROR, kind: "model_not_found", message: message.into() }
    }

    /// A seed that is no number: exit 1.
    pub(crate) fn seed(message: impl Into<String>) -> Self {
        Self { exit_code: TOOL_ERROR, kind: "seed", message: message.into() }
    }
}

/// The exit code of `error`: its own, or the one that its cause in the store stands for, or 1.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return failure.exit_code;
        }
        if let Some(cause) = cause.downcast_ref::<baselines::Error>() {
            return match cause.kind() {
                baselines::ErrorKind::Digest
                | baselines::ErrorKind::Malformed
                | baselines::ErrorKind::Version => INVALID,
                baselines::ErrorKind::NotFound => INCOMPARABLE,
                baselines::ErrorKind::Io | baselines::ErrorKind::Conflict => TOOL_ERROR,
            };
        }
    }
    TOOL_ERROR
}

/// The stable kind of `error`, for files that machines read: that of its first cause that has one, or `tool`.
pub(crate) fn kind(error: &anyhow::Error) -> &str {
    let known = error.chain().find_map(|cause| {
        let own = cause.downcast_ref::<Failure>().map(|failure| failure.kind);
        let engine = || cause.downcast_ref::<engine::Error>().map(|error| error.kind().name());
        let io = || cause.downcast_ref::<std::io::Error>().map(|_| "io");
        let store = || {
            cause.downcast_ref::<baselines::Error>().map(|error| match error.kind() {
                baselines::ErrorKind::Digest => "digest",
                baselines::ErrorKind::Malformed => "malformed",
                baselines::ErrorKind::Version => "version",
                baselines::ErrorKind::NotFound => "not_found",
                baselines::ErrorKind::Io => "io",
                baselines::ErrorKind::Conflict => "conflict",
            })
        };
        let reported = || cause.downcast_ref::<Reported>().map(|reported| &*reported.kind);
        own.or_else(engine).or_else(store).or_else(io).or_else(reported)
    });
    known.unwrap_or("tool")
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;

    #[test]
    fn a_context_does_not_hide_the_exit_code() {
        let error =
            anyhow::Error::new(Failure::incomparable("no baseline")).context("failed to gate");
        assert_eq!(exit_code(&error), 5);
        assert_eq!(format!("{error:#}"), "failed to gate: no baseline");
    }

    #[test]
    fn a_record_edited_by_hand_is_invalid_evidence_and_a_full_disk_is_not() {
        let of = |kind| {
            let error: Result<(), _> = Err(baselines::Error::new(kind, "x"));
            exit_code(&error.context("failed to read").unwrap_err())
        };
        assert_eq!(of(baselines::ErrorKind::Digest), 4);
        assert_eq!(of(baselines::ErrorKind::NotFound), 5);
        assert_eq!(of(baselines::ErrorKind::Io), 1);
        assert_eq!(exit_code(&anyhow!("other")), 1);
        assert_eq!(kind(&anyhow!("other")), "tool");
        let reported = Reported { kind: "gguf".to_owned(), message: "x".to_owned() };
        assert_eq!(kind(&anyhow::Error::new(reported).context("worker")), "gguf");
        let error = engine::Model::builtin("none").unwrap_err();
        assert_eq!(kind(&anyhow::Error::new(error).context("open")), "invalid_argument");
    }
}
