//! `bench publish`: the second stage on GitHub. Takes the event that a measuring run has ended, fetches what that run left behind,
//! judges it again by the base's policy, and posts a check run for each gate.
//!
//! It runs nothing and writes no file of what it fetched. Exit 0: the check runs are there, whatever they conclude; else 1, and the job
//! is red, so that a required check that is missing is explained.

use std::{fs, panic};

use anyhow::{Context as _, Result, anyhow};
use clap::ValueEnum;
use gates::github::{
    check_run::{CheckRun, MAX_ANNOTATIONS},
    client::Client,
    comment::{Commented, When, Wish},
    event::{self, Expected, MeasuredRun, measured_run},
    post::Posted,
    publish::{Job, Published, publish},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use super::{Context, Format, print};
use crate::{policy, step_outputs, step_summary};

/// CPU seconds that reading and judging may take; the largest evidence that is read takes a few.
const CPU_SECONDS: u64 = 60;

/// Options of `bench publish`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Path of the measuring workflow in the repository: runs of another are refused.
    #[arg(long, value_name = "PATH", default_value = ".github/workflows/perf-measure.yml")]
    workflow: String,

    /// Name of the evidence artifact, without the `-aN` of attempt N.
    #[arg(long, value_name = "NAME", default_value = "tritgate-evidence")]
    artifact: String,

    /// Path of the policy in the repository, read at the base's commit through the API.
    #[arg(long, value_name = "PATH", default_value = policy::FILE)]
    policy: String,

    /// Annotations of one check run at most.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=MAX_ANNOTATIONS as u64))]
    annotations: u64,

    /// Keep one comment on the pull request up to date (needs `pull-requests: write`).
    #[arg(long, value_enum, default_value_t = Comment::Never)]
    comment: Comment,

    /// Login that the comment is written under: a comment of somebody else is left alone.
    #[arg(long, value_name = "LOGIN", default_value = "github-actions[bot]")]
    comment_author: String,
}

/// When there is to be a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Comment {
    /// Not at all.
    Never,
    /// Where a gate does not succeed; one that is there is kept up to date.
    OnRegression,
    /// On each run.
    Always,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    // A panic quotes what it met, and a line of that could be a command to the runner.
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        eprint_plain(&format!("a fault of the reader at {place}\n"));
    }));
    let limit = Rlimit { current: Some(CPU_SECONDS), ..getrlimit(Resource::Cpu) };
    setrlimit(Resource::Cpu, limit).context("failed to limit the time of this process")?;
    let (run, job) = asked(args, context)?;
    let github = context.vars.github();
    let mut client = Client::new(&github.api_url()?, github.token()?)
        .map_err(|text| anyhow!("failed to reach GitHub: {text}"))?;
    let what = format!("failed to publish run {}, attempt {}", run.id, run.attempt);
    let published = publish(&mut client, &run, &job).context(what)?;
    let outputs = outputs(&published);
    show(&published, &run, &job, context.format)?;
    step_outputs::append(context.vars.github().output().as_deref(), &outputs)?;
    let page = page(&published, &run);
    step_summary::append(context.vars.github().step_summary().as_deref(), &page)?;
    Ok(0)
}

/// The run that the event is about, and what is to be done about it.
fn asked(args: &Args, context: &Context<'_>) -> Result<(MeasuredRun, Job)> {
    let github = context.vars.github();
    let path = github.event_path()?;
    let size = fs::metadata(&path)
        .with_context(|| format!("failed to read the event `{}`", path.display()))?
        .len();
    anyhow::ensure!(
        size <= event::MAX_BYTES as u64,
        "failed to read the event `{}`: expected at most {} bytes, found {size}",
        path.display(),
        event::MAX_BYTES
    );
    let payload = fs::read(&path)
        .with_context(|| format!("failed to read the event `{}`", path.display()))?;
    let expected = Expected {
        event_name: &github.event_name()?,
        repository: github.repository_id()?,
        workflow: &args.workflow,
    };
    let run = measured_run(&payload, &expected).context(
        "failed to find the run to publish; this command belongs into a job that `workflow_run: completed` of the measuring workflow starts",
    )?;
    let when = match args.comment {
        Comment::Never => When::Never,
        Comment::OnRegression => When::OnRegression,
        Comment::Always => When::Always,
    };
    let job = Job {
        repository: github.repository()?,
        artifact: args.artifact.clone(),
        policy: args.policy.clone(),
        workflow: args.workflow.clone(),
        again: github.run_attempt()? > 1,
        annotations: usize::try_from(args.annotations)?,
        comment: Wish { when, author: args.comment_author.clone() },
    };
    Ok((run, job))
}

/// Outputs of the step: fixed words, numbers and digests.
fn outputs(published: &Published) -> step_outputs::Outputs {
    let Published::Posted { check_runs, evidence, .. } = published else {
        return vec![("conclusion", "superseded".to_owned())];
    };
    let ids: Vec<String> = check_runs.iter().filter_map(|(_, posted)| id(*posted)).collect();
    let mut outputs =
        vec![("conclusion", worst(check_runs).to_owned()), ("check-run-ids", ids.join(" "))];
    outputs.extend(evidence.map(|digest| ("evidence-digest", digest.to_string())));
    outputs
}

fn id(posted: Posted) -> Option<String> {
    match posted {
        Posted::Made(id) | Posted::Found(id) => Some(id.to_string()),
        Posted::Superseded => None,
    }
}

/// What the commit as a whole comes to.
fn worst(check_runs: &[(CheckRun, Posted)]) -> &'static str {
    let all: Vec<&str> = check_runs.iter().map(|(check_run, _)| check_run.conclusion).collect();
    let worse = ["failure", "action_required", "neutral"];
    worse.into_iter().find(|conclusion| all.contains(conclusion)).unwrap_or("success")
}

fn show(published: &Published, run: &MeasuredRun, job: &Job, format: Format) -> Result<()> {
    match format {
        Format::Human => print(&human(published, run)),
        Format::Md => print(&page(published, run)),
        Format::Json => print(&format!("{:#}\n", json(published, run, job))),
    }
}

fn human(published: &Published, run: &MeasuredRun) -> String {
    let Published::Posted { check_runs, comment, .. } = published else {
        return superseded(run);
    };
    let line = |(check_run, posted): &(CheckRun, Posted)| {
        let CheckRun { name, conclusion, output, .. } = check_run;
        let done = match posted {
            Posted::Made(id) => format!("posted as {id}"),
            Posted::Found(id) => format!("was there as {id}"),
            Posted::Superseded => "superseded".to_owned(),
        };
        format!("{name}: {conclusion}, {done}\n  {}\n", output.title)
    };
    let mut text: String = check_runs.iter().map(line).collect();
    if let Some(comment) = comment {
        text.push_str(&format!("comment: {}\n", commented(comment)));
    }
    text
}

fn commented(comment: &Commented) -> String {
    match comment {
        Commented::Made => "made".to_owned(),
        Commented::Changed => "changed".to_owned(),
        Commented::NotNeeded => "not needed".to_owned(),
        Commented::NoPullRequest => {
            "none: no single open pull request has this commit as its newest".to_owned()
        }
        Commented::Failed(error) => {
            format!(
                "failed, and the check runs stand: {error} (a comment needs `pull-requests: write`)"
            )
        }
    }
}

fn superseded(run: &MeasuredRun) -> String {
    format!(
        "nothing posted: a later attempt of run {} than {} has left its own evidence\n",
        run.id, run.attempt
    )
}

/// The page of the step.
fn page(published: &Published, run: &MeasuredRun) -> String {
    let Published::Posted { check_runs, .. } = published else { return superseded(run) };
    let row = |(check_run, _): &(CheckRun, Posted)| {
        format!("| {} | {} | {} |\n", check_run.name, check_run.conclusion, check_run.output.title)
    };
    let rows: String = check_runs.iter().map(row).collect();
    format!("| check run | conclusion | |\n|---|---|---|\n{rows}")
}

fn json(published: &Published, run: &MeasuredRun, job: &Job) -> serde_json::Value {
    let (check_runs, evidence) = match published {
        Published::Posted { check_runs, evidence, .. } => (check_runs.as_slice(), *evidence),
        Published::Superseded => (&[][..], None),
    };
    let of = |(check_run, posted): &(CheckRun, Posted)| {
        json!({
            "name": check_run.name,
            "conclusion": check_run.conclusion,
            "id": match posted { Posted::Made(id) | Posted::Found(id) => Some(*id), Posted::Superseded => None },
            "was_there": matches!(posted, Posted::Found(_)),
            "title": check_run.output.title,
        })
    };
    json!({
        "repository": job.repository,
        "run": run.id,
        "attempt": run.attempt,
        "head_sha": run.head_sha,
        "superseded": matches!(published, Published::Superseded),
        "evidence": evidence.map(|digest| digest.to_string()),
        "check_runs": check_runs.iter().map(of).collect::<Vec<_>>(),
    })
}

/// To stderr, where nothing can be done about a failure.
fn eprint_plain(text: &str) {
    use std::io::Write as _;
    let _ = anstream::stderr().write_all(text.as_bytes());
}
