//! What may stand in a store as text: the name of a baseline, a reason, a person.
//! In: text of a user or a file. Out: nothing, or an error with the way out.

use crate::{Error, ErrorKind, Result};

/// Longest name of a baseline.
const MAX_NAME_LEN: usize = 64;
/// Longest reason, in characters.
const MAX_TEXT_LEN: usize = 1_000;

/// Refuses a name that would leave the folder, hide the file, or differ between file systems by case.
pub(super) fn check_name(name: &str) -> Result<()> {
    let good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    let first =
        name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if first && name.len() <= MAX_NAME_LEN && name.bytes().all(good) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Malformed,
        format!(
            "baseline name: expected 1 to {MAX_NAME_LEN} of a-z, 0-9, `-`, `_` and `.`, a letter or digit first, found \
             {name:?}; choose another name, e.g. `main`"
        ),
    ))
}

/// Refuses text that says nothing, or that would say something else on a terminal.
///
/// # Errors
///
/// `Malformed`, naming `field`.
pub fn check_text(field: &str, text: &str) -> Result<()> {
    let len = text.chars().count();
    if !text.trim().is_empty() && len <= MAX_TEXT_LEN && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let shown: String = text.chars().take(40).collect();
    Err(Error::new(
        ErrorKind::Malformed,
        format!(
            "`{field}`: expected 1 to {MAX_TEXT_LEN} characters on one line, found {len} characters \
             {shown:?}; say in a sentence what a reader will want to know"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["main", "release-1.2", "a", "0", &"x".repeat(64)] {
            check_name(name).unwrap();
        }
        for name in [
            "",
            ".",
            "..",
            "../main",
            "a/b",
            "a\\b",
            ".hidden",
            "Main",
            "a b",
            "a\0",
            "é",
            &"x".repeat(65),
        ] {
            assert_eq!(check_name(name).unwrap_err().kind(), ErrorKind::Malformed, "{name:?}");
        }
    }

    #[test]
    fn a_reason_says_something_and_nothing_to_the_terminal() {
        for text in ["x", "faster machine: Zen 5", &"é".repeat(1_000)] {
            check_text("reason", text).unwrap();
        }
        for text in ["", " \u{a0}", "a\nb", "\u{1b}[2J", "a\0", &"x".repeat(1_001)] {
            let error = check_text("reason", text).unwrap_err().to_string();
            assert!(error.contains("`reason`: expected 1 to 1000"), "{error}");
            assert!(!error.contains('\n') && error.len() < 400, "{error}");
        }
    }
}
