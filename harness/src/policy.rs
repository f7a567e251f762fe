//! The policy's text: a file, or the one that ships.

use std::path::Path;

use anyhow::{Context as _, Result};

/// Where a repository keeps its own.
const FILE: &str = "ci/policy.toml";

/// The text of the policy at `path`; without one, `ci/policy.toml` of the current folder, else the one that ships.
pub(crate) fn text(path: Option<&Path>) -> Result<String> {
    match path {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("failed to read the policy `{}`", path.display())),
        None => match std::fs::read_to_string(FILE) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(gates::DEFAULT_POLICY.to_owned())
            }
            Err(error) => Err(error).with_context(|| format!("failed to read the policy `{FILE}`")),
        },
    }
}
