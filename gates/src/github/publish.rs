//! From the event that a measuring run has ended to check runs on its commit: the road of `bench publish`.
//!
//! In: the run, what the job knows by itself, a transport. Out: what was posted. Bad, missing or stale evidence is posted as a failure;
//! where GitHub cannot be asked, nothing is, and the caller says so. A healthy run takes six requests and the download.

use baselines::Digest;

use super::{
    Refused,
    base::{self, Base},
    check_run::{CheckRun, SetUp, refused},
    comment::{self, Commented},
    event::{MeasuredRun, PullRequest},
    fetch,
    judge::{Ground, judge, open},
    post::{Posted, post},
    transport::{ApiError, Transport},
};
use crate::Policy;

/// What the job that publishes knows by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// `owner/name`.
    pub repository: String,
    /// Name of the artifact, without `-aN`.
    pub artifact: String,
    /// Path of the policy in the repository.
    pub policy: String,
    /// Path of the measuring workflow in the repository.
    pub workflow: String,
    /// Whether this is a later attempt of the job: an earlier one may have posted.
    pub again: bool,
    /// Annotations of one check run at most.
    pub annotations: usize,
    /// When a comment on the pull request is kept up to date, and whose it is.
    pub comment: comment::Wish,
}

/// What became of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// One check run a gate, and where it is.
    Posted {
        /// In the order of the gates.
        check_runs: Vec<(CheckRun, Posted)>,
        /// SHA-256 of the evidence; `None` where there is none that can be read.
        evidence: Option<Digest>,
        /// What became of the comment; `None` where none is wished for.
        comment: Option<Commented>,
    },
    /// A later attempt of the run has left its own evidence, or posted: there is nothing to do.
    Superseded,
}

/// Why a stage of the road ends before its end.
#[derive(Debug)]
pub(super) enum Ended {
    Api(ApiError),
    Refused(Refused),
    Superseded,
}

impl From<ApiError> for Ended {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<Refused> for Ended {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// Publishes what `run` measured.
///
/// # Errors
/// [`ApiError`] where GitHub did not answer as it must; some check runs may have been posted, and trying again with `job.again` finds
/// them.
pub fn publish(
    transport: &mut dyn Transport,
    run: &MeasuredRun,
    job: &Job,
) -> Result<Published, ApiError> {
    let mut found = Found::default();
    let check_runs = match judged(transport, run, job, &mut found) {
        Ok(check_runs) => check_runs,
        Err(Ended::Refused(refusal)) => refused(&refusal, run),
        Err(Ended::Api(error)) => return Err(error),
        Err(Ended::Superseded) => return Ok(Published::Superseded),
    };
    let mut posted = Vec::new();
    for check_run in check_runs {
        match post(transport, &job.repository, &check_run, job.again)? {
            Posted::Superseded => return Ok(Published::Superseded),
            done => posted.push((check_run, done)),
        }
    }
    let runs: Vec<&CheckRun> = posted.iter().map(|(check_run, _)| check_run).collect();
    let comment = comment::keep(transport, job, run, found.pull_request.as_ref(), &runs);
    Ok(Published::Posted { check_runs: posted, evidence: found.evidence, comment })
}

/// What is found on the way.
#[derive(Default)]
struct Found {
    pull_request: Option<PullRequest>,
    evidence: Option<Digest>,
}

fn judged(
    transport: &mut dyn Transport,
    run: &MeasuredRun,
    job: &Job,
    found: &mut Found,
) -> Result<Vec<CheckRun>, Ended> {
    if !run.succeeded {
        let text = "expected a measuring run that succeeded, found one that did not; see its log";
        return Err(Refused { rule: "measured", text: text.to_owned() }.into());
    }
    let artifact = fetch::artifact(transport, &job.repository, run, &job.artifact)?;
    let (evidence, digest) = open(&artifact)?;
    found.evidence = Some(digest);
    drop(artifact);
    let repository = &job.repository;
    found.pull_request = base::pull_request(transport, repository, run)?;
    let claimed = evidence.given.as_ref().and_then(|given| given.commit.as_deref());
    let base = base::find(transport, repository, run, found.pull_request.as_ref(), claimed)?;
    let policy = base::policy(transport, repository, &job.policy, &base.sha)?;
    let set_up = SetUp {
        policy_path: job.policy.clone(),
        touched: touched(&base, &policy, job),
        policy,
        annotations: job.annotations,
    };
    let ground = Ground { run, base_sha: &base.sha, set_up: &set_up };
    Ok(judge(evidence, &ground))
}

/// What the change touches of what measures and judges it.
fn touched(base: &Base, policy: &str, job: &Job) -> Vec<String> {
    let Some(paths) = &base.touched else {
        return vec!["more files than GitHub lists".to_owned()];
    };
    let protected = Policy::protected(policy);
    let own = [job.policy.as_str(), job.workflow.as_str()];
    let is_protected = |path: &&String| {
        own.contains(&path.as_str())
            || protected.iter().any(|entry| match entry.strip_suffix('/') {
                Some(_) => path.starts_with(entry.as_str()),
                None => *path == entry,
            })
    };
    paths.iter().filter(is_protected).cloned().collect()
}
