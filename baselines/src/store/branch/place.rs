//! Where a store in a branch is: a repository on this machine, a remote of it, the name of the branch.
//! In: what the user calls them. Out: a place that git cannot mistake for options, or an error.

use std::path::{Path, PathBuf};

use super::{git, look::INCOMING};
use crate::{Error, ErrorKind, Result};

/// A branch of a remote that holds a store.
#[derive(Clone, Debug)]
pub struct Branch {
    pub(super) repository: PathBuf,
    pub(super) remote: String,
    pub(super) name: String,
}

/// Something in the branch or beside it that was left alone, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// A ref, a path or a record.
    pub what: String,
    /// Expected, found.
    pub why: String,
}

impl Branch {
    /// The branch `name` of `remote`, a name that the repository around the folder `repository` knows, or a URL.
    /// Nothing is asked of git yet, and the branch need not exist.
    ///
    /// # Errors
    ///
    /// `Malformed` for a remote or a branch that git would take for something else.
    pub fn new(repository: &Path, remote: &str, name: &str) -> Result<Self> {
        let malformed = |text: String| Err(Error::new(ErrorKind::Malformed, text));
        if remote.is_empty() || remote.starts_with('-') || remote.chars().any(char::is_control) {
            return malformed(format!(
                "remote: expected a name of `git remote` or a URL, found {:?}; e.g. `origin`",
                git::without_secrets(remote)
            ));
        }
        if !is_branch_name(name) {
            return malformed(format!(
                "branch: expected words of a-z, A-Z, 0-9, `-`, `_` and `.` with `/` between them, found {name:?}; e.g. \
                 `tritgate`"
            ));
        }
        let (repository, remote, name) =
            (repository.to_owned(), remote.to_owned(), name.to_owned());
        Ok(Self { repository, remote, name })
    }

    /// The full name of the branch.
    pub(super) fn refname(&self) -> String {
        format!("refs/heads/{}", self.name)
    }

    /// The full name of what one push puts down. It names the branch, so that the stores of two branches stay apart.
    pub(super) fn incoming(&self, unique: &str) -> String {
        format!("{INCOMING}/{}/{unique}", self.name)
    }

    /// ``branch `tritgate` of `origin` ``, for people; a password in a URL is not shown.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("branch `{}` of `{}`", self.name, git::without_secrets(&self.remote))
    }
}

impl Skipped {
    pub(super) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

/// Stricter than git, which also takes signs that a shell or a URL reads in another way.
fn is_branch_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let word = |word: &str| {
        word.bytes().all(good)
            && !word.is_empty()
            && !word.starts_with(['-', '.'])
            && !word.ends_with(".lock")
            && !word.ends_with('.')
            && !word.contains("..")
    };
    name.len() <= 100 && name.split('/').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_git_would_take_for_something_else_is_refused() {
        let new = |remote: &str, name: &str| Branch::new(Path::new("."), remote, name);
        for name in ["tritgate", "bench/history", "v1.0_x"] {
            new("origin", name).unwrap();
        }
        for name in ["", "-d", "a b", "a..b", "a/", "/a", ".a", "a.lock", "a:b", "a~1", "@{u}", "*"]
        {
            let error = new("origin", name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed, "{name:?}");
        }
        for remote in ["", "--upload-pack=x", "a\nb"] {
            assert_eq!(new(remote, "tritgate").unwrap_err().kind(), ErrorKind::Malformed);
        }
        let error = new("-https://me:secret@host/", "tritgate").unwrap_err().to_string();
        assert!(!error.contains("secret") && error.contains("e.g. `origin`"), "{error}");
    }
}
