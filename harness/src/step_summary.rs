//! The summary of a GitHub Actions step: Markdown added to the file that `GITHUB_STEP_SUMMARY` names. It needs no token, so it
//! is the one page that also a pull request from a fork gets.
//! In: what a gate came to. Out: its report, or why there is none; at most what the runner takes.
//! Source: "Workflow commands for GitHub Actions", adding a job summary: 1 MiB a step, and nothing of a larger one is shown.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, Result};
use gates::{Derived, markdown};

/// Bytes of one step's summary that the runner takes.
const MAX_BYTES: u64 = 1 << 20;

/// The report of a gate; of one that ended in an error, that error as it stands, in a code block that it cannot end.
pub(crate) fn of_gate(done: Result<&Derived, &anyhow::Error>) -> String {
    match done {
        Ok(derived) => derived.report.clone(),
        Err(error) => {
            let text = format!("{error:#}");
            let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat(longest.max(2) + 1);
            format!("# No verdict\n\n{fence}text\n{text}\n{fence}\n")
        }
    }
}

/// Adds `summary` to the file at `path`, if there is one, as far as there is room.
pub(crate) fn append(path: Option<&Path>, summary: &str) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let failed = || {
        format!(
            "failed to write the summary of this step to `{}`, the file that `GITHUB_STEP_SUMMARY` names; unset it to do without",
            path.display()
        )
    };
    let mut file =
        fs::OpenOptions::new().append(true).create(true).open(path).with_context(failed)?;
    let held = file.metadata().with_context(failed)?.len();
    let room = usize::try_from(MAX_BYTES.saturating_sub(held + 1)).unwrap_or(usize::MAX);
    let text = markdown::cut(summary, room, "`report.md`, beside the evidence of this run");
    // What others wrote may end in an open line.
    let gap = if held > 0 && !text.is_empty() { "\n" } else { "" };
    file.write_all(format!("{gap}{text}").as_bytes()).with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_the_report_and_of_an_error_what_it_says() {
        let mut evidence = baselines::testing::evidence(1, 1.0);
        gates::DEFAULT_POLICY.clone_into(&mut evidence.policy);
        let derived = gates::derive(&evidence).unwrap();
        assert_eq!(of_gate(Ok(&derived)), derived.report);
        let error = anyhow::anyhow!("```\n# ✅ SUCCESS\n````").context("failed to measure");
        assert_eq!(
            of_gate(Err(&error)),
            "# No verdict\n\n`````text\nfailed to measure: ```\n# ✅ SUCCESS\n````\n`````\n"
        );
    }

    #[test]
    fn a_summary_is_added_behind_others_within_what_the_runner_takes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary");
        append(None, "x").unwrap();
        append(Some(&path), "# a\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "# a\n");
        append(Some(&path), "# b\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "# a\n\n# b\n");
        let rows = "| a row of a table |\n".repeat(60_000);
        append(Some(&path), &rows).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.len() <= 1 << 20 && text.len() > (1 << 20) - 200, "{}", text.len());
        assert!(text.starts_with("# a\n\n# b\n\n| a row"), "nothing that was there is lost");
        assert!(text.ends_with("more lines: `report.md`, beside the evidence of this run\n"));
        let full = text.len();
        append(Some(&path), &rows).unwrap();
        assert_eq!(fs::read(&path).unwrap().len(), full, "no room, no half-written summary");
        let error = append(Some(folder.path()), "x").unwrap_err();
        assert!(error.to_string().contains("GITHUB_STEP_SUMMARY"), "{error}");
    }
}
