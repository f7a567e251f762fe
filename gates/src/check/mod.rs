//! Checks: what a command's own output says, read from a check record. One kind a file.
//!
//! In: a check record. Out: a [`Reading`]: verdict, sentence, counts. The exit code alone makes nothing green, and what the text says
//! makes nothing green that the exit code calls red.

mod build;
mod clippy;
mod command;
mod conclude;
mod diagnostics;
mod docs;
mod format;
mod freshness;
mod output;
mod tests;
mod words;

use baselines::CheckRecord;
use serde_json::Value;

use crate::verdict::Verdict;
use words::Words;

/// A kind of check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Kebab-case name: that of the gate, or what it begins with (`tests`, `tests-gpu`).
    pub name: &'static str,
    /// What a success means, in a sentence.
    pub demand: &'static str,
    /// Whether a command is of this kind by itself.
    is: fn(&Words<'_>) -> bool,
    read: fn(&CheckRecord) -> Reading,
}

/// All kinds, sorted by name.
pub const CHECKS: &[Check] = &[
    build::CHECK,
    clippy::CHECK,
    command::CHECK,
    docs::CHECK,
    format::CHECK,
    freshness::CHECK,
    tests::CHECK,
];

/// What a check record says.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// `Pass`; `Fail`; or `Incomparable`, where nothing was checked or what was cannot be told.
    pub verdict: Verdict,
    /// For people.
    pub text: String,
    /// The numbers that the text was rendered from.
    pub value: Value,
}

/// The kind that a command is by itself: `cargo test` is `tests`. None but the known ones are guessed at.
#[must_use]
pub fn of_command(command: &[String]) -> Option<&'static Check> {
    let words = Words::of(command);
    CHECKS.iter().find(|check| (check.is)(&words))
}

/// The kind of a gate: by its name, else by its command, else the exit code alone is looked at.
#[must_use]
pub fn of(gate: &str, command: &[String]) -> &'static Check {
    let named = |check: &&Check| {
        gate.strip_prefix(check.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    CHECKS.iter().find(named).or_else(|| of_command(command)).unwrap_or(&command::CHECK)
}

/// What `record` says.
#[must_use]
pub fn read(record: &CheckRecord) -> Reading {
    (of(&record.gate, &record.command).read)(record)
}

/// The command as a person would type it.
#[must_use]
pub fn line(record: &CheckRecord) -> String {
    let plain = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_=+./:,@%^~".contains(c))
    };
    let quoted = |word: &String| match plain(word) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    };
    record.command.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod register {
    use super::*;

    fn command(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn kinds_are_sorted_kebab_case_and_in_the_page() {
        let page = include_str!("../../docs/checks.md");
        assert!(CHECKS.is_sorted_by(|a, b| a.name < b.name));
        for check in CHECKS {
            assert!(check.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            let row = format!("| `{}` | {} |", check.name, check.demand);
            assert!(
                check.demand.ends_with('.') && page.contains(&row),
                "docs/checks.md lacks {row:?}"
            );
        }
    }

    #[test]
    fn a_command_is_known_by_its_words_and_nothing_is_guessed() {
        for (line, kind) in [
            ("cargo test --workspace", Some("tests")),
            ("cargo +nightly --locked test", Some("tests")),
            ("/opt/bin/cargo t -p x", Some("tests")),
            (
                "cargo --config net.offline=true --color always nextest run --profile ci",
                Some("tests"),
            ),
            ("cargo nextest list", None),
            ("cargo clippy --all-targets -- -D warnings", Some("clippy")),
            ("cargo fmt --check", Some("format")),
            ("cargo build", Some("build")),
            ("cargo check", Some("build")),
            ("cargo doc --no-deps", Some("docs")),
            ("git merge-base --is-ancestor origin/main HEAD", Some("freshness")),
            ("git -C sub merge-base --is-ancestor origin/main HEAD", Some("freshness")),
            ("git merge-base origin/main HEAD", None),
            ("git log test", None),
            ("cargo run -- test", None),
            ("cargo", None),
            ("make test", None),
            ("true", None),
        ] {
            assert_eq!(of_command(&command(line)).map(|check| check.name), kind, "{line}");
        }
    }

    #[test]
    fn the_name_of_a_gate_says_its_kind_before_its_command_does() {
        for (gate, line, kind) in [
            ("tests", "make check", "tests"),
            ("tests-gpu", "true", "tests"),
            ("testsuite", "true", "command"),
            ("msrv", "cargo build", "build"),
            ("command", "cargo test", "command"),
            ("audit", "cargo audit", "command"),
        ] {
            assert_eq!(of(gate, &command(line)).name, kind, "{gate}: {line}");
        }
    }
}
