//! One comment on a pull request, kept up to date: found by its mark and its author, changed in place.
//!
//! A convenience beside the check runs, which decide: where it cannot be written, that is said and nothing else changes.

use serde::{Deserialize, Serialize};

use super::{
    check_run::CheckRun,
    event::{MeasuredRun, PullRequest},
    publish::Job,
    transport::{ApiError, Ask, Request, Transport, read},
};
use crate::markdown;

/// First line of the comment, which no reader sees.
const MARK: &str = "<!-- tritgate: one comment, kept up to date -->";
/// Pages of comments that are read.
const PAGES: usize = 10;
const PER_PAGE: usize = 100;
/// Bytes of a comment at most: GitHub takes 65,536 characters.
const MAX_BYTES: usize = 60_000;

/// When there is to be a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Not at all.
    Never,
    /// Where a gate does not succeed; one that is there is kept up to date.
    OnRegression,
    /// On each run.
    Always,
}

/// What is wished for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// When.
    pub when: When,
    /// Login of the author, e.g. `github-actions[bot]`: a comment of somebody else is left alone, whatever it says.
    pub author: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commented {
    /// Made.
    Made,
    /// Changed in place.
    Changed,
    /// Not written: the gates succeed, and there is none to change.
    NotNeeded,
    /// Not written: the commit is of no open pull request, or of several, or no longer the newest of its.
    NoPullRequest,
    /// Not written: what GitHub said.
    Failed(ApiError),
}

#[derive(Deserialize)]
struct Open {
    state: String,
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    sha: String,
}

#[derive(Deserialize)]
struct Known {
    id: u64,
    body: Option<String>,
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

/// The body of a request.
#[derive(Serialize)]
struct Comment {
    body: String,
}

/// Writes the comment of `check_runs`, if one is wished for.
pub(super) fn keep(
    transport: &mut dyn Transport,
    job: &Job,
    run: &MeasuredRun,
    pull_request: Option<&PullRequest>,
    check_runs: &[&CheckRun],
) -> Option<Commented> {
    if job.comment.when == When::Never {
        return None;
    }
    let Some(pull_request) = pull_request else { return Some(Commented::NoPullRequest) };
    let done = write(transport, job, run, pull_request.number, check_runs);
    Some(done.unwrap_or_else(Commented::Failed))
}

fn write(
    transport: &mut dyn Transport,
    job: &Job,
    run: &MeasuredRun,
    number: u64,
    check_runs: &[&CheckRun],
) -> Result<Commented, ApiError> {
    let repository = &job.repository;
    let now: Option<Open> =
        read(transport, &Request::get(format!("/repos/{repository}/pulls/{number}")))?;
    if !now.is_some_and(|now| now.state == "open" && now.head.sha == run.head_sha) {
        return Ok(Commented::NoPullRequest);
    }
    let there = find(transport, repository, number, &job.comment.author)?;
    let all_good = check_runs.iter().all(|check_run| check_run.conclusion == "success");
    if there.is_none() && all_good && job.comment.when == When::OnRegression {
        return Ok(Commented::NotNeeded);
    }
    let body = serde_json::to_vec(&Comment { body: text(check_runs) }).expect("text");
    let request = match there {
        Some(id) => {
            let route = format!("/repos/{repository}/issues/comments/{id}");
            Request::change(route, Ask::Patch(body))
        }
        None => {
            let route = format!("/repos/{repository}/issues/{number}/comments");
            Request::change(route, Ask::Post(body))
        }
    };
    // Sent once: the next run finds what an unclear answer may have left.
    match transport.send(&request) {
        Ok(response) if response.status == 201 => Ok(Commented::Made),
        Ok(response) if response.status == 200 => Ok(Commented::Changed),
        Ok(response) if response.status >= 300 => {
            super::transport::open(&response)?;
            Err(ApiError::Unclear)
        }
        _ => Err(ApiError::Unclear),
    }
}

/// Our comment, the first one.
fn find(
    transport: &mut dyn Transport,
    repository: &str,
    number: u64,
    author: &str,
) -> Result<Option<u64>, ApiError> {
    for page in 1..=PAGES {
        let route =
            format!("/repos/{repository}/issues/{number}/comments?per_page={PER_PAGE}&page={page}");
        let listed: Vec<Known> = read(transport, &Request::get(route))?.unwrap_or_default();
        let ours = |known: &&Known| {
            known.user.as_ref().is_some_and(|user| user.login == author)
                && known.body.as_deref().is_some_and(|body| body.starts_with(MARK))
        };
        if let Some(known) = listed.iter().find(ours) {
            return Ok(Some(known.id));
        }
        if listed.len() < PER_PAGE {
            break;
        }
    }
    Ok(None)
}

fn text(check_runs: &[&CheckRun]) -> String {
    let of = |check_run: &&CheckRun| {
        format!(
            "\n### `{}`: {}\n\n{}\n",
            check_run.name, check_run.output.title, check_run.output.summary
        )
    };
    let all: String = check_runs.iter().map(of).collect();
    let cut = markdown::cut(&all, MAX_BYTES, "the check runs of the commit").into_owned();
    format!("{MARK}\n{cut}")
}
