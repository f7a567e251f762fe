//! From an error to an exit code: what went wrong decides, never the text.

/// A usage or tool error.
pub(crate) const TOOL_ERROR: u8 = 1;
/// Honest noise: neither can be said.
pub(crate) const INCONCLUSIVE: u8 = 3;
/// Evidence that does not hold.
pub(crate) const INVALID: u8 = 4;
/// Nothing to compare with, or nothing comparable.
pub(crate) const INCOMPARABLE: u8 = 5;

/// An error whose exit code is part of what it says.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    exit_code: u8,
    message: String,
}

impl Failure {
    /// Neither can be said: exit 3.
    pub(crate) fn inconclusive(message: impl Into<String>) -> Self {
        Self { exit_code: INCONCLUSIVE, message: message.into() }
    }

    /// Evidence that does not hold: exit 4.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { exit_code: INVALID, message: message.into() }
    }

    /// Nothing to compare with: exit 5.
    pub(crate) fn incomparable(message: impl Into<String>) -> Self {
        Self { exit_code: INCOMPARABLE, message: message.into() }
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
                baselines::ErrorKind::Io => TOOL_ERROR,
            };
        }
    }
    TOOL_ERROR
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
    }
}
