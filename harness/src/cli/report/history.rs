//! `bench report --store`: the history of a store, with the session of a bundle at its head.
//! In: the options. Out: the page, or lines for a terminal, or both. An empty store is no error: the page says so.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use baselines::Evidence;
use gates::Derived;
use reports::{History, Judged};

use super::{Args, terminal};
use crate::{
    cli::{Context, baseline, options::HistoryArgs, print},
    config::Config,
    failure::Failure,
    findings,
    history::{self, Asked},
    policy,
};

/// A bundle and what the gate says of it.
struct Session {
    path: PathBuf,
    evidence: Evidence,
    derived: Derived,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let store = args.of.store.open(context, &config)?;
    let session = session(args)?;
    let policy = policy_text(args, session.as_ref(), &config, context)?;
    let name = baseline::name(args.baseline.as_deref(), &config);
    // A default that is missing is none; a name that was given is meant.
    if args.baseline.is_some() && !store.names()?.contains(&name) {
        return Err(no_baseline(&name, &store).into());
    }
    let asked = Asked {
        store: &store,
        cache: context.vars.history_cache(),
        fresh: args.of.fresh,
        baseline: &name,
        policy: Some(&policy),
        evidence: session.as_ref().map(|session| &session.evidence),
        commit_url: args.commit_url.as_deref(),
        workload: args.of.workload.as_deref(),
        command: command(args, context),
        repository: ".".as_ref(),
    };
    let history = history::history(&asked, context.progress)?;
    if store.records()?.is_empty() {
        context.progress.note(&empty(&store));
    }
    if args.terminal {
        print(&terminal::text(&history))?;
        if args.out.is_none() {
            return Ok(0);
        }
    }
    let page = page(&history, session.as_ref())?;
    super::write(args, session.as_ref().map(|session| &*session.path), &page, context)
}

/// The bundle that is named, or the one that lies where a gate leaves it.
fn session(args: &Args) -> Result<Option<Session>> {
    let path = args.path();
    if args.path.is_none() && !path.is_file() {
        return Ok(None);
    }
    let evidence = super::evidence(&path)?;
    let derived = gates::derive(&evidence).context("failed to derive the gates")?;
    Ok(Some(Session { path, evidence, derived }))
}

fn policy_text(
    args: &Args,
    session: Option<&Session>,
    config: &Config,
    context: &Context<'_>,
) -> Result<String> {
    let Some(session) = session else {
        return policy::text(args.policy.as_deref().or(config.policy.as_deref()));
    };
    if args.policy.is_some() {
        let path = session.path.display();
        context.progress.note(&format!("note: `--policy` is not read: `{path}` holds its own"));
    }
    Ok(session.evidence.policy.clone())
}

fn page(history: &History, session: Option<&Session>) -> Result<String> {
    let found = session.map(|Session { evidence, derived, .. }| {
        (findings::of(derived), findings::rooflines(evidence, derived), evidence)
    });
    let judged = found.as_ref().map(|((summary, findings), rooflines, evidence)| Judged {
        evidence,
        summary,
        findings,
        rooflines,
    });
    reports::history_page(history, judged).context("failed to draw the history")
}

/// The command line that makes this page again. Where it is written, and what is read anew for it, changes nothing on it.
fn command(args: &Args, context: &Context<'_>) -> String {
    let mut words = vec!["bench".to_owned(), "report".to_owned()];
    let mut add = |name: &str, value: Option<String>| {
        words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
    };
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    add("--config", path(&context.config));
    let HistoryArgs { store, workload, fresh: _ } = &args.of;
    add("--store", path(&store.store));
    add("--workload", workload.clone());
    add("--baseline", args.baseline.clone());
    add("--policy", path(&args.policy));
    add("--commit-url", args.commit_url.clone());
    if store.store.is_none() {
        words.push("--history".to_owned());
    }
    words.extend(path(&args.path));
    shell_words::join(words)
}

fn empty(store: &baselines::store::DirStore) -> String {
    format!(
        "warning: store `{}` has no record, and the history is empty; `bench baseline record` and `bench gate` add them, `--store` \
         names another store",
        store.root().display()
    )
}

fn no_baseline(name: &str, store: &baselines::store::DirStore) -> Failure {
    Failure::incomparable(format!(
        "failed to report on the history: expected a baseline `{name}` in store `{}`, found none of that name; `bench baseline list` \
         names those it has",
        store.root().display()
    ))
}
