//! The commit that a change is compared with, what the change touches, and the policy at that commit.
//!
//! In: the run, its pull request where there is one. Out: all of it as GitHub says: whoever chooses the base chooses its policy and its
//! speed, so the evidence does not.

use serde::Deserialize;

use super::{
    Refused,
    event::{Listed, MeasuredRun, PullRequest, Trigger},
    publish::Ended,
    transport::{ApiError, Ask, Request, Transport, ask, encoded, is_sha, read},
};

/// Name of the rule about the commit.
pub(super) const RULE: &str = "base";
/// Name of the rule about the policy.
pub(super) const POLICY_RULE: &str = "policy";
/// Paths that GitHub lists of one comparison; it may have more.
const MOST_PATHS: usize = 300;
/// Bytes of a policy at most.
const MAX_POLICY: usize = 1 << 20;
/// Where a merge queue keeps the branches of its groups.
const QUEUE: &str = "gh-readonly-queue/";

/// What a change is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    /// The commit, 40 hexadecimal digits.
    pub(super) sha: String,
    /// Paths that the change touches since then, the old names of renamed ones among them; `None` where there are too many to list.
    pub(super) touched: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Compared {
    merge_base_commit: Commit,
    #[serde(default)]
    files: Option<Vec<File>>,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    previous_filename: Option<String>,
}

/// The open pull request of the run's commit: the event's, else the one that GitHub finds by repository and branch, which is how it is
/// for a fork. `None` where there is none, or more than one.
pub(super) fn pull_request(
    transport: &mut dyn Transport,
    repository: &str,
    run: &MeasuredRun,
) -> Result<Option<PullRequest>, ApiError> {
    if run.trigger == Trigger::MergeGroup {
        return Ok(None);
    }
    let mut found = run.pull_requests.clone();
    if let (true, Some(head)) = (found.is_empty(), &run.head_branch) {
        let head = encoded(head);
        let request =
            Request::get(format!("/repos/{repository}/pulls?head={head}&state=open&per_page=100"));
        let listed: Vec<Listed> = read(transport, &request)?.unwrap_or_default();
        found = Listed::of_commit(listed, &run.head_sha);
    }
    Ok(<[PullRequest; 1]>::try_from(found).ok().map(|[one]| one))
}

/// The branch that the change is to go into.
pub(super) fn branch(run: &MeasuredRun, pull_request: Option<&PullRequest>) -> String {
    let of_queue = || {
        // `gh-readonly-queue/BRANCH/pr-N-SHA`: GitHub's own name.
        let (_, branch) = run.head_branch.as_ref()?.split_once(':')?;
        let (branch, _) = branch.strip_prefix(QUEUE)?.rsplit_once('/')?;
        Some(branch.to_owned())
    };
    let named = match run.trigger {
        Trigger::PullRequest => pull_request.map(|found| found.base_ref.clone()),
        Trigger::MergeGroup => of_queue(),
    };
    named.unwrap_or_else(|| run.default_branch.clone())
}

/// The merge base of `from` (a branch or a commit) and the run's commit, and what the run's commit changes since.
pub(super) fn of(
    transport: &mut dyn Transport,
    repository: &str,
    from: &str,
    to: &str,
) -> Result<Base, Ended> {
    let refused = |text: &str| Refused { rule: RULE, text: text.to_owned() };
    let (from, to) = (encoded(from), encoded(to));
    // One commit a page: all paths are on the first one.
    let request =
        Request::get(format!("/repos/{repository}/compare/{from}...{to}?per_page=1&page=1"));
    let compared: Option<Compared> = read(transport, &request)?;
    let none = "expected a commit that the branch and the change have in common, found none";
    let compared = compared.ok_or_else(|| refused(none))?;
    let sha = compared.merge_base_commit.sha;
    if !is_sha(&sha) {
        return Err(
            refused("expected a commit of 40 hexadecimal digits, found something else").into()
        );
    }
    let files = compared.files.filter(|files| files.len() < MOST_PATHS);
    let touched = files.map(|files| {
        files
            .into_iter()
            .flat_map(|file| [Some(file.filename), file.previous_filename])
            .flatten()
            .collect()
    });
    Ok(Base { sha, touched })
}

/// The base of `run`: the merge base with the branch it is to go into. A merge queue moves that branch while it measures, so what a
/// group says to have been compared with may also be an earlier commit of it: `claimed`.
pub(super) fn find(
    transport: &mut dyn Transport,
    repository: &str,
    run: &MeasuredRun,
    pull_request: Option<&PullRequest>,
    claimed: Option<&str>,
) -> Result<Base, Ended> {
    let branch = branch(run, pull_request);
    let base = of(transport, repository, &branch, &run.head_sha)?;
    let Some(claimed) = claimed.filter(|claimed| *claimed != base.sha && is_sha(claimed)) else {
        return Ok(base);
    };
    if run.trigger == Trigger::PullRequest
        || of(transport, repository, claimed, &base.sha)?.sha != claimed
    {
        return Ok(base);
    }
    of(transport, repository, claimed, &run.head_sha)
}

/// The text of the policy at `path` in the commit `sha`.
pub(super) fn policy(
    transport: &mut dyn Transport,
    repository: &str,
    path: &str,
    sha: &str,
) -> Result<String, Ended> {
    let route = format!("/repos/{repository}/contents/{}?ref={sha}", encoded(path));
    let request = Request { route, ask: Ask::Raw, max_bytes: MAX_POLICY };
    let bytes = ask(transport, &request, |response| match response.status {
        200 => Some(Some(response.body.clone())),
        404 => Some(None),
        _ => None,
    })?;
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let none = || {
        Refused {
        rule: POLICY_RULE,
        text: "expected a policy at the base's commit, found none: a change that brings the first one is judged by nothing".to_owned(),
    }
    };
    Ok(text.ok_or_else(none)?)
}
