//! What git knows about the commits of a history: the first line of each message.
//!
//! In: sessions, the folder that `bench` runs in. Out: subjects. Two runs of git for any number of commits; one that it doesn't know
//! has no subject, and so has every one without git or without a repository. Only whole hashes are passed to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Seek as _, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use baselines::git::isolate;
use reports::history::Session;

/// Characters of a subject that are kept.
const SUBJECT_CHARS: usize = 200;

/// The repository around a folder.
#[derive(Debug)]
pub(super) struct Repository<'a> {
    folder: &'a Path,
}

/// Sets the subject of each session whose commit is known.
pub(super) fn name(sessions: &mut [Session], repository: Option<&Repository<'_>>) {
    let commits: BTreeSet<&str> =
        sessions.iter().filter_map(|session| session.commit.as_deref()).collect();
    let subjects = repository.and_then(|repository| repository.subjects(&commits));
    let Some(subjects) = subjects else { return };
    for session in sessions {
        let subject = session.commit.as_ref().and_then(|commit| subjects.get(commit));
        session.subject = subject.cloned();
    }
}

impl<'a> Repository<'a> {
    /// The repository that `folder` is in, if there is one and git.
    pub(super) fn at(folder: &'a Path) -> Option<Self> {
        let repository = Self { folder };
        repository.says(&["rev-parse", "--git-dir"], &[]).map(|_| repository)
    }

    /// Where its remote `origin` is.
    pub(super) fn remote(&self) -> Option<String> {
        self.says(&["remote", "get-url", "origin"], &[]).map(|url| url.trim().to_owned())
    }

    /// The first lines of the messages of those `commits` that are here.
    fn subjects(&self, commits: &BTreeSet<&str>) -> Option<BTreeMap<String, String>> {
        let whole: Vec<&str> = commits.iter().copied().filter(|commit| is_whole(commit)).collect();
        if whole.is_empty() {
            return None;
        }
        // `git log` ends at the first that is missing.
        let checked = self.says(&["cat-file", "--batch-check"], &whole)?;
        let here = checked.lines().filter_map(|line| {
            let (commit, kind) = line.split_once(' ')?;
            kind.starts_with("commit ").then_some(commit)
        });
        let here: Vec<&str> = here.collect();
        if here.is_empty() {
            return None;
        }
        let log = ["log", "--no-walk=unsorted", "--stdin", "--no-patch", "--no-color"];
        let form = ["--no-show-signature", "--no-notes", "--format=tformat:%H %s"];
        let said = self.says(&[&log[..], &form[..]].concat(), &here)?;
        let pair = |line: &str| {
            let (commit, subject) = line.split_once(' ')?;
            Some((commit.to_owned(), cut(subject)))
        };
        Some(said.lines().filter_map(pair).collect())
    }

    /// What git writes, given these lines; `None` where it fails.
    fn says(&self, args: &[&str], lines: &[&str]) -> Option<String> {
        // A file, not a pipe: git writes while it reads, and neither side must wait for the other.
        let mut input = tempfile::tempfile().ok()?;
        for line in lines {
            writeln!(input, "{line}").ok()?;
        }
        input.rewind().ok()?;
        let mut command = Command::new("git");
        let output = isolate(&mut command)
            .env("LC_ALL", "C")
            // What a partial clone lacks isn't worth a network.
            .env("GIT_NO_LAZY_FETCH", "1")
            .args(["--no-optional-locks", "--no-pager", "-c", "core.hooksPath=/dev/null"])
            .args(["-c", "i18n.logOutputEncoding=UTF-8", "-C"])
            .arg(self.folder)
            .args(args)
            .stdin(Stdio::from(input))
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Whether `commit` is a hash of a commit and nothing that git would take for more.
fn is_whole(commit: &str) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    matches!(commit.len(), 40 | 64) && commit.bytes().all(digit)
}

fn cut(subject: &str) -> String {
    match subject.char_indices().nth(SUBJECT_CHARS) {
        Some((at, _)) => format!("{}…", &subject[..at]),
        None => subject.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, is_whole};

    #[test]
    fn only_whole_hashes_are_passed_to_git() {
        assert!(is_whole(&"0a".repeat(20)) && is_whole(&"f".repeat(64)));
        for other in [
            "",
            "HEAD",
            "--all",
            "0a0a0a0",
            &"g".repeat(40),
            &"A".repeat(40),
            &format!("^{}", "a".repeat(39)),
        ] {
            assert!(!is_whole(other), "{other}");
        }
    }

    #[test]
    fn a_long_subject_is_cut() {
        assert_eq!(cut(&"é".repeat(10_000)).chars().count(), 201);
        assert_eq!(cut("short"), "short");
    }
}
