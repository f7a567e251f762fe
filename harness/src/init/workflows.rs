//! The three workflows: the templates of `ci/workflows/`, with the bench target and the action put in.
//! In: options of `bench gate`, and the action if it is known. Out: texts, which are the templates but for these lines.

use std::{fmt, path::Path, str::FromStr};

use anyhow::{Context as _, Error, Result, ensure};

/// Where they stand, and the templates.
pub(super) const TEMPLATES: [(&str, &str); 3] = [
    (".github/workflows/perf-measure.yml", include_str!("../../../ci/workflows/perf-measure.yml")),
    (".github/workflows/perf-gate.yml", include_str!("../../../ci/workflows/perf-gate.yml")),
    (".github/workflows/perf-nightly.yml", include_str!("../../../ci/workflows/perf-nightly.yml")),
];
/// All of them, to a shell.
pub(super) const PATTERN: &str = ".github/workflows/perf-*.yml";
/// What stands for the action in the templates.
pub(crate) const PLACEHOLDER: &str = "OWNER/tritgate/ci@0123456789abcdef0123456789abcdef01234567";
/// How the templates go on after it.
const VERSION: &str = " # v0.1.0";
/// What stands for the options in the templates.
const ARGS: &str = "args: --bench TARGET";

/// An action pinned by its commit: `OWNER/REPOSITORY[/PATH]@` and 40 hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Action(String);

impl FromStr for Action {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        ensure!(
            is_pinned(text),
            "expected OWNER/REPOSITORY[/PATH]@ and the 40 hex digits of a commit, which nobody can move; found {text:?}"
        );
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_pinned(text: &str) -> bool {
    let Some((path, commit)) = text.split_once('@') else { return false };
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let part = |part: &str| {
        part.chars().all(inner) && part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    };
    path.matches('/').count() >= 1
        && path.split('/').all(part)
        && commit.len() == 40
        && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Path and text of each; without an action the placeholder stays.
pub(super) fn texts(options: &str, action: Option<&Action>) -> Vec<(&'static str, String)> {
    let args = format!("args: {options}");
    let text = |template: &str| {
        let text = template.replace(ARGS, &args);
        match action {
            // The comment names the version that the placeholder would be.
            Some(Action(action)) => text.replace(&format!("{PLACEHOLDER}{VERSION}"), action),
            None => text,
        }
    };
    TEMPLATES.iter().map(|(path, template)| (*path, text(template))).collect()
}

/// Whether `found` is `text` with the placeholder replaced by an action, as the user was told to.
pub(super) fn is_filled_in(text: &str, found: &str) -> bool {
    let fits = |(line, found): (&str, &str)| match line.split_once(PLACEHOLDER) {
        Some((before, _)) => found.strip_prefix(before).is_some_and(|rest| {
            let (action, comment) = rest.split_once(' ').unwrap_or((rest, "#"));
            is_pinned(action) && comment.trim_start().starts_with('#')
        }),
        None => line == found,
    };
    // Unlike `lines`, this sees how the last one ends.
    let (lines, found) = (text.split('\n'), found.split('\n'));
    lines.clone().count() == found.clone().count() && lines.zip(found).all(fits)
}

/// Where the placeholder stands below `top`.
pub(super) fn placeholders(top: &Path) -> Result<Vec<(String, usize)>> {
    let mut places = Vec::new();
    for (path, _) in TEMPLATES {
        let text = std::fs::read(top.join(path))
            .with_context(|| format!("failed to read `{path}`, which is there"))?;
        let text = String::from_utf8_lossy(&text);
        let lines = (1..).zip(text.lines()).filter(|(_, line)| line.contains(PLACEHOLDER));
        places.extend(lines.map(|(line, _)| (path.to_owned(), line)));
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_a_repository_and_a_whole_commit() {
        let commit = "0123456789abcdefABCDEF0123456789abcdef01";
        for path in ["a/b", "octo-org/tritgate/ci", "a/.github/x"] {
            let text = format!("{path}@{commit}");
            let valid = !path.contains("/.");
            assert_eq!(text.parse::<Action>().is_ok(), valid, "{text}");
        }
        for text in [
            "a/b".to_owned(),
            "a/b@v1".to_owned(),
            format!("a@{commit}"),
            format!("a//b@{commit}"),
            format!("a/../b@{commit}"),
            format!("./a/b@{commit}"),
            format!("a/b@{commit}0"),
            format!("a/b@{}", &commit[1..]),
            format!("a/b@{commit} # x"),
            format!("a/b\n@{commit}"),
            format!("a/b#c@{commit}"),
            format!("docker://a/b@{commit}"),
        ] {
            let error = text.parse::<Action>().unwrap_err().to_string();
            assert!(error.contains("40 hex digits"), "{error}");
        }
    }

    #[test]
    fn the_templates_have_what_is_replaced_and_nothing_of_it_is_left() {
        let action: Action = format!("a/b/ci@{}", "7".repeat(40)).parse().unwrap();
        let texts = texts("--bench x", Some(&action));
        let uses = ["perf-measure", "perf-gate", "perf-nightly"].map(|name| {
            let (_, text) = texts.iter().find(|(path, _)| path.contains(name)).unwrap();
            for gone in ["TARGET", "OWNER", "v0.1.0", "0123456789abcdef"] {
                assert!(!text.contains(gone), "{name}: {gone}");
            }
            assert_eq!(text.contains("          args: --bench x\n"), name != "perf-gate");
            text.matches(&format!("uses: {action}\n")).count()
        });
        assert_eq!(uses, [1, 1, 2]);
    }

    #[test]
    fn a_file_whose_placeholder_was_replaced_by_hand_is_the_same_and_any_other_is_not() {
        for (_, text) in texts("--bench x", None) {
            let commit = "7".repeat(40);
            let with = |action: &str| text.replace(PLACEHOLDER, action);
            assert!(is_filled_in(&text, &with(&format!("a/b@{commit}"))));
            let bare = text.replace(&format!("{PLACEHOLDER}{VERSION}"), &format!("a/b@{commit}"));
            assert!(is_filled_in(&text, &bare));
            for other in [
                with("a/b@main"),
                with(&format!("a/b@{commit}\n        env: x")),
                with(&format!("a/b@{commit} x")),
                format!("{text}\n"),
                text.trim_end().to_owned(),
                text.replacen("permissions", "permission", 1),
            ] {
                assert!(!is_filled_in(&text, &other), "{other}");
            }
        }
    }
}
