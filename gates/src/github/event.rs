//! The event that starts the publishing job: a run of the measuring workflow has ended.
//!
//! The event is GitHub's own, so it is believed about the run: which one, of which commit, started by what. It is not believed to be
//! about *our* workflow until repository and path say so: anyone's branch may hold another workflow of the same name.
//! Source: the webhook payload `workflow_run` of GitHub's REST API, version 2022-11-28.

use serde::Deserialize;

use super::{Refused, require, transport::is_sha};

/// Name of the rule.
pub const RULE: &str = "event";
/// Bytes of a payload at most; GitHub sends at most 25 MB, and this event some tens of kilobytes.
pub const MAX_BYTES: usize = 4 << 20;

/// What a measuring run was started by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A pull request, whose author wrote what ran.
    PullRequest,
    /// A group of a merge queue.
    MergeGroup,
}

/// The measuring run that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuredRun {
    /// Number of the run.
    pub id: u64,
    /// Which attempt of it, from 1.
    pub attempt: u64,
    /// What started it.
    pub trigger: Trigger,
    /// Commit it ran on, 40 hexadecimal digits: the one that a check run belongs to.
    pub head_sha: String,
    /// Number of the repository that the commit comes from; `None` where it is gone.
    pub head_repository: Option<u64>,
    /// Whether the run itself succeeded: where not, it measured nothing that could be believed.
    pub succeeded: bool,
    /// `owner:branch` that the commit comes from: its author's words, but of a merge group, where they are GitHub's.
    pub head_branch: Option<String>,
    /// Pull requests of this very commit; of a fork GitHub names none.
    pub pull_requests: Vec<PullRequest>,
    /// The branch that changes go into where nothing else is known.
    pub default_branch: String,
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// The branch that it is to go into.
    pub base_ref: String,
}

/// What the job that publishes knows without the event.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// `GITHUB_EVENT_NAME`.
    pub event_name: &'a str,
    /// `GITHUB_REPOSITORY_ID`.
    pub repository: u64,
    /// Path of the measuring workflow in the repository, e.g. `.github/workflows/perf-measure.yml`.
    pub workflow: &'a str,
}

#[derive(Deserialize)]
struct Payload {
    action: String,
    repository: Repository,
    workflow_run: WorkflowRun,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    #[serde(default)]
    default_branch: Option<String>,
    #[serde(default)]
    owner: Option<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    login: String,
}

/// A pull request as GitHub writes one.
#[derive(Deserialize)]
pub(super) struct Listed {
    number: u64,
    head: Head,
    base: Branch,
}

impl Listed {
    /// Those of `listed` whose newest commit is `head_sha`.
    pub(super) fn of_commit(listed: Vec<Self>, head_sha: &str) -> Vec<PullRequest> {
        let ours = listed.into_iter().filter(|listed| listed.head.sha == head_sha);
        ours.map(|listed| PullRequest { number: listed.number, base_ref: listed.base.name })
            .collect()
    }
}

#[derive(Deserialize)]
struct Head {
    sha: String,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(rename = "ref")]
    name: String,
}

#[derive(Deserialize)]
struct WorkflowRun {
    id: u64,
    run_attempt: u64,
    event: String,
    status: Option<String>,
    conclusion: Option<String>,
    path: Option<String>,
    head_sha: String,
    head_branch: Option<String>,
    head_repository: Option<Repository>,
    #[serde(default)]
    pull_requests: Vec<Listed>,
}

/// The run that `payload`, the file at `GITHUB_EVENT_PATH`, is about.
///
/// # Errors
/// [`Refused`] by [`RULE`] for another event, repository or workflow, a run that has not ended or that neither a pull request nor a
/// merge queue started, and for what is no such payload.
pub fn measured_run(payload: &[u8], expected: &Expected<'_>) -> Result<MeasuredRun, Refused> {
    check(expected.event_name == "workflow_run", || {
        "expected the event `workflow_run`, found another".to_owned()
    })?;
    check(payload.len() <= MAX_BYTES, || {
        format!("expected a payload of at most {MAX_BYTES} bytes, found {}", payload.len())
    })?;
    let payload: Payload = serde_json::from_slice(payload).map_err(|error| Refused {
        rule: RULE,
        text: format!(
            "expected a payload of `workflow_run`, found other text at line {}, column {}",
            error.line(),
            error.column()
        ),
    })?;
    let run = payload.workflow_run;
    check(payload.action == "completed" && run.status.as_deref() == Some("completed"), || {
        "expected a run that has completed, found one that has not".to_owned()
    })?;
    check(payload.repository.id == expected.repository, || {
        format!(
            "expected a run of repository {}, found one of {}",
            expected.repository, payload.repository.id
        )
    })?;
    check(run.path.as_deref().map(without_ref) == Some(expected.workflow), || {
        format!("expected a run of the workflow `{}`, found one of another", expected.workflow)
    })?;
    let trigger = match run.event.as_str() {
        "pull_request" => Trigger::PullRequest,
        "merge_group" => Trigger::MergeGroup,
        _ => {
            let text = "expected a run that `pull_request` or `merge_group` started, found another";
            return Err(Refused { rule: RULE, text: text.to_owned() });
        }
    };
    check(run.id > 0 && run.run_attempt > 0, || {
        "expected a run and an attempt from 1 on, found 0".to_owned()
    })?;
    check(is_sha(&run.head_sha), || {
        "expected a commit of 40 hexadecimal digits, found something else".to_owned()
    })?;
    let pull_requests = Listed::of_commit(run.pull_requests, &run.head_sha);
    let owner = run.head_repository.as_ref().and_then(|repository| repository.owner.as_ref());
    let head_branch =
        owner.zip(run.head_branch).map(|(owner, branch)| format!("{}:{branch}", owner.login));
    Ok(MeasuredRun {
        id: run.id,
        attempt: run.run_attempt,
        trigger,
        head_sha: run.head_sha,
        head_repository: run.head_repository.map(|repository| repository.id),
        succeeded: run.conclusion.as_deref() == Some("success"),
        head_branch,
        pull_requests,
        default_branch: payload.repository.default_branch.unwrap_or_else(|| "main".to_owned()),
    })
}

/// `path@ref`, as some runs have it, without the ref. A file may be called `ours.yml@other.yml`: that is a path as it stands.
fn without_ref(path: &str) -> &str {
    let is_file = [".yml", ".yaml"].iter().any(|end| path.ends_with(end));
    path.split_once('@').filter(|_| !is_file).map_or(path, |(path, _)| path)
}

fn check(holds: bool, text: impl FnOnce() -> String) -> Result<(), Refused> {
    require(RULE, holds, text)
}
