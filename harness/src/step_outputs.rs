//! Outputs of a GitHub Actions step: `name=value` lines added to the file that `GITHUB_OUTPUT` names.
//! In: what a gate came to. Out: text that the runner reads as exactly these outputs, whatever a value holds.
//! Source: "Workflow commands for GitHub Actions", setting an output parameter, multiline strings.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, Result};
use baselines::Digest;
use gates::Derived;

use crate::failure::{INCOMPARABLE, INVALID, exit_code};

/// Name and value of each output.
pub(crate) type Outputs = Vec<(&'static str, String)>;

/// What a gate came to: its route, check conclusion, verdict and exit code; of one that ended in an error, a failure, and never
/// a stage that only a verdict leads to.
pub(crate) fn of_gate(done: Result<&Derived, &anyhow::Error>) -> Outputs {
    let [route, conclusion, verdict, code] = match done {
        Ok(derived) => [
            derived.route.to.clone(),
            derived.route.conclusion.to_owned(),
            derived.verdict.name().to_owned(),
            derived.verdict.exit_code().to_string(),
        ],
        Err(error) => {
            let code = exit_code(error);
            let (route, verdict) = match code {
                INVALID => ("blocked", "invalid"),
                INCOMPARABLE => ("blocked", "incomparable"),
                _ => ("", "error"),
            };
            [route.to_owned(), "failure".to_owned(), verdict.to_owned(), code.to_string()]
        }
    };
    vec![("route", route), ("conclusion", conclusion), ("verdict", verdict), ("exit-code", code)]
}

/// Adds `outputs` to the file at `path`, if there is one.
pub(crate) fn append(path: Option<&Path>, outputs: &Outputs) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let failed = || {
        format!(
            "failed to write the outputs of this step to `{}`, the file that `GITHUB_OUTPUT` names; unset it to do without",
            path.display()
        )
    };
    let before = match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        read => read.with_context(failed)?,
    };
    // A line that somebody left open would swallow the first output.
    let open = before.last().is_some_and(|byte| *byte != b'\n');
    let text = format!("{}{}", if open { "\n" } else { "" }, text(outputs));
    let mut file =
        fs::OpenOptions::new().append(true).create(true).open(path).with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)
}

/// A line for each value that is one, else a here-document with a delimiter that the value does not have.
fn text(outputs: &Outputs) -> String {
    let line = |(name, value): &(&str, String)| {
        if !value
            .chars()
            .any(|character| character.is_control() || "\u{2028}\u{2029}".contains(character))
        {
            return format!("{name}={value}\n");
        }
        let mut delimiter = format!("end-{}", Digest::of(value.as_bytes()));
        while value.contains(&delimiter) {
            delimiter = format!("end-{}", Digest::of(delimiter.as_bytes()));
        }
        format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
    };
    outputs.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    /// The outputs that a runner reads, as `FileCommandManager` of actions/runner does: the first of `=` and `<<` decides.
    fn read(text: &str) -> Vec<(String, String)> {
        let mut lines = text.split('\n');
        let mut outputs = Vec::new();
        while let Some(line) = lines.next() {
            if line.is_empty() {
                continue;
            }
            let (equals, heredoc) = (line.find('='), line.find("<<"));
            if equals.is_some_and(|equals| heredoc.is_none_or(|heredoc| equals < heredoc)) {
                let (name, value) = line.split_once('=').unwrap();
                outputs.push((name.to_owned(), value.to_owned()));
                continue;
            }
            let (name, delimiter) = line.split_once("<<").expect("an output");
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            outputs.push((name.to_owned(), value.join("\n")));
        }
        outputs
    }

    /// Requirement: T3.
    #[test]
    fn no_value_can_write_an_output_of_its_own() {
        for value in [
            "docs-reviewer",
            "",
            "a=b",
            "a<<b",
            "x\nroute=docs-reviewer\nconclusion=success",
            "x\nend\nconclusion=success",
            "x\n\nconclusion<<y\nsuccess\ny",
            "\nconclusion=success\n",
            "x\u{2028}conclusion=success",
        ] {
            let outputs: Outputs =
                vec![("route", value.to_owned()), ("conclusion", "failure".to_owned())];
            let expected: Vec<(String, String)> =
                outputs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            assert_eq!(read(&text(&outputs)), expected, "{value:?}");
        }
        assert_eq!(text(&vec![("route", "a".to_owned())]), "route=a\n");
    }

    /// Requirement: T3.
    #[test]
    fn outputs_are_added_on_lines_of_their_own_and_without_a_file_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        let outputs: Outputs = vec![("route", "blocked".to_owned())];
        append(None, &outputs).unwrap();
        append(Some(&path), &outputs).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "route=blocked\n");
        fs::write(&path, "other=1").unwrap();
        append(Some(&path), &outputs).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "other=1\nroute=blocked\n");
        let error = append(Some(folder.path()), &outputs).unwrap_err();
        assert!(error.to_string().contains("GITHUB_OUTPUT"), "{error}");
    }

    /// Requirement: S4, T1.
    #[test]
    fn a_gate_that_ends_in_an_error_is_a_failure_and_never_goes_on() {
        let of = |error: anyhow::Error| {
            of_gate(Err(&error)).into_iter().map(|(_, value)| value).collect::<Vec<_>>()
        };
        assert_eq!(of(Failure::invalid("x").into()), ["blocked", "failure", "invalid", "4"]);
        assert_eq!(
            of(Failure::incomparable("x").into()),
            ["blocked", "failure", "incomparable", "5"]
        );
        assert_eq!(of(anyhow::anyhow!("x")), ["", "failure", "error", "1"]);
        let mut evidence = baselines::testing::evidence(1, 1.0);
        gates::DEFAULT_POLICY.clone_into(&mut evidence.policy);
        let derived = gates::derive(&evidence).unwrap();
        let green: Vec<String> =
            of_gate(Ok(&derived)).into_iter().map(|(_, value)| value).collect();
        assert_eq!(green, ["docs-reviewer", "success", "pass", "0"]);
    }
}
