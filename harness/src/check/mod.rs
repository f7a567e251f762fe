//! One command on this commit: run, captured, kept as a check record. What it says is read by `gates`, never here.
//! In: the words of the command. Out: a [`CheckRecord`], and its file under `OUT/checks/`.

mod folder;
mod process;
mod stream;

use std::{path::Path, time::Duration};

use anyhow::Result;
use baselines::{CheckRecord, record::SCHEMA_VERSION};

pub(crate) use folder::{forget, keep, read, refuse_stale};

use crate::{
    build::{self, TreeState},
    environment,
    measure::Clock,
    progress::Progress,
};

/// What `bench check` was asked to do.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// Name of the gate, without `review:gate:`.
    pub(crate) gate: &'a str,
    /// The program and its arguments.
    pub(crate) command: &'a [String],
    /// Longest it may take.
    pub(crate) timeout: Duration,
}

/// Runs the command in the current folder. That it fails is no error of ours; that it cannot be started, or takes too long, is.
pub(crate) fn run(job: &Job<'_>, clock: &dyn Clock, progress: &Progress) -> Result<CheckRecord> {
    let here = Path::new(".");
    let before = build::tree_state(here);
    if let Err(error) = &before {
        progress.note(&format!("warning: the check names no commit: {error:#}"));
    }
    let before = before.ok();
    let ended = process::run(job.command, job.timeout, clock)?;
    let after = build::tree_state(here).ok();
    Ok(CheckRecord {
        version: SCHEMA_VERSION,
        gate: job.gate.to_owned(),
        command: job.command.to_vec(),
        dirty: dirty(before.as_ref(), after.as_ref()),
        folder: before.as_ref().map(|state| state.folder.clone()).unwrap_or_default(),
        commit: before.map(|state| state.commit),
        started_at: ended.started_at,
        ended_at: ended.ended_at,
        wall_ns: ended.wall_ns,
        exit_code: ended.exit_code,
        stdout: ended.stdout,
        stderr: ended.stderr,
        tool: environment::tool(),
    })
}

/// A command may change the tree, or move to another commit: then it did not check the one it began on.
fn dirty(before: Option<&TreeState>, after: Option<&TreeState>) -> Option<bool> {
    let (before, after) = (before?, after?);
    Some(before.dirty || after.dirty || before.commit != after.commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_clean_only_if_it_was_so_before_and_after_on_one_commit() {
        let state = |commit: &str, dirty| TreeState {
            commit: commit.to_owned(),
            dirty,
            folder: String::new(),
        };
        let (clean, changed, moved) = (state("a", false), state("a", true), state("b", false));
        assert_eq!(dirty(Some(&clean), Some(&clean)), Some(false));
        for (before, after) in [(&clean, &changed), (&changed, &clean), (&clean, &moved)] {
            assert_eq!(dirty(Some(before), Some(after)), Some(true));
        }
        assert_eq!(dirty(None, Some(&clean)), None);
        assert_eq!(dirty(Some(&clean), None), None);
    }
}
