//! A gate for somebody's Rust repository: settings, a policy, lines for git, three workflows, and a first bench target where
//! there is none. `bench init`.
//!
//! In: the top of a working tree, and what was asked for. Out: the files, and what became of each. Everything is planned and
//! checked first; what is there and differs is kept; a write that fails leaves all as it was.

mod files;
mod ignore;
mod manifest;
mod name;
mod place;
mod starter;
mod target;
mod undo;
mod workflows;

use std::path::Path;

use anyhow::{Context as _, Result};

use self::{place::Planned, starter::Starter, target::Target, undo::Undo};
use crate::{build, progress::Progress};

pub(crate) use self::workflows::{Action, PLACEHOLDER};

/// Of the workspace, which is at the top; cargo writes it.
const LOCK_FILE: &str = "Cargo.lock";

/// What the command line says.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) bench: Option<&'a str>,
    pub(crate) package: Option<&'a str>,
    pub(crate) action: Option<&'a Action>,
    /// Benchmarks that are gated together at most.
    pub(crate) gated_max: usize,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Wrote,
    There,
    /// Another one is there, and was left alone.
    Kept,
}

/// A file and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// From the top, with `/`.
    pub(crate) path: String,
    pub(crate) state: State,
    pub(crate) note: String,
}

/// What was done.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) package: String,
    pub(crate) bench: String,
    /// Options of `bench gate` that name the target.
    pub(crate) options: String,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) gated: Vec<String>,
    /// Benchmarks that the policy leaves out, and why.
    pub(crate) left_out: Vec<(String, String)>,
    /// What `git add` is to be given.
    pub(crate) to_add: Vec<String>,
    /// Files and lines (from 1) where the action's name is still to be put.
    pub(crate) placeholders: Vec<(String, usize)>,
}

/// Sets up the gate in `folder`.
///
/// # Errors
///
/// No working tree, no Cargo.toml, no one bench target, a path that cannot be written: then nothing is.
pub(crate) fn init(folder: &Path, asked: &Asked<'_>, progress: &Progress) -> Result<Done> {
    let top = place::top(folder)?;
    let members = build::members(folder)?;
    let target = Target::choose(folder, &members, asked.bench, asked.package)?;
    let starter = target.is_new.then(|| Starter::plan(&top, &target)).transpose()?;
    for path in files::PATHS.into_iter().chain(workflows::TEMPLATES.iter().map(|(path, _)| *path)) {
        place::check(&top, path)?;
    }
    let mut undo = Undo::below(&top);
    undo.remember(LOCK_FILE)?;
    let benchmarks = match &starter {
        Some(_) => Ok(starter::BENCHMARKS.map(str::to_owned).to_vec()),
        None => listed(folder, &target, progress),
    };
    // Cargo may have written its lock file by now.
    let benches = target.benches_below(&top);
    let policy =
        benchmarks.and_then(|benchmarks| files::policy(&benchmarks, asked.gated_max, &benches));
    let policy = policy.map_err(|error| undo.after(error))?;
    let mut planned = vec![
        Planned::whole(&top, "bench.toml", files::SETTINGS.to_owned())?,
        Planned::whole(&top, crate::policy::FILE, policy.text.clone())?,
        Planned::lines(&top, ".gitignore", &files::ignored())?,
    ];
    for (path, text) in workflows::texts(&target.options(), asked.action) {
        planned.push(Planned::workflow(&top, path, text, asked.action.is_none())?);
    }
    let new = planned.iter().filter(|file| file.state == State::Wrote);
    let to_write: Vec<&str> = new.map(|file| file.path).collect();
    place::check_writable(&top, to_write.iter().copied()).map_err(|error| undo.after(error))?;

    for path in to_write.into_iter().chain(starter.iter().flat_map(Starter::paths)) {
        undo.remember(path)?;
    }
    let write = || {
        let wrote = starter.as_ref().map(|starter| starter.write(folder, progress)).transpose()?;
        planned.iter().try_for_each(|file| file.write(&top))?;
        anyhow::Ok(wrote.unwrap_or_default())
    };
    let mut outcomes = write().map_err(|error| undo.after(error))?;
    if undo.has_changed(LOCK_FILE)? {
        let path = LOCK_FILE.to_owned();
        outcomes.push(Outcome { path, state: State::Wrote, note: "by cargo".to_owned() });
    }
    outcomes.extend(planned.iter().map(Planned::outcome));
    Ok(Done {
        placeholders: workflows::placeholders(&top)?,
        to_add: to_add(&top, &outcomes)?,
        package: target.package.clone(),
        bench: target.bench.clone(),
        options: target.options(),
        outcomes,
        gated: policy.gated,
        left_out: policy.left_out,
    })
}

/// Benchmarks of a target that is there.
fn listed(folder: &Path, target: &Target, progress: &Progress) -> Result<Vec<String>> {
    let (package, bench) = (&target.package, &target.bench);
    progress.note(&format!(
        "asking `cargo bench --package {package} --bench {bench} -- --list` which benchmarks there are"
    ));
    build::benchmarks(folder, package, bench)
}

/// Our files, the workflows by one pattern; the lock file unless git leaves it out.
fn to_add(top: &Path, outcomes: &[Outcome]) -> Result<Vec<String>> {
    let repository = build::Repository::look(top)?
        .map_err(anyhow::Error::msg)
        .context("failed to ask git which files it leaves out")?;
    let mut list = Vec::new();
    for outcome in outcomes {
        let path = &outcome.path;
        if workflows::TEMPLATES.iter().any(|(workflow, _)| workflow == path)
            || (path == LOCK_FILE && repository.ignores(path)?)
        {
            continue;
        }
        list.push(path.clone());
    }
    list.push(workflows::PATTERN.to_owned());
    Ok(list)
}
