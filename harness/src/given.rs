//! Arms given on the command line: a file is run as it is, anything else is a revision and is built in several code layouts.
//! In: the words, and where to build. Out: programs, and what the evidence says about the base.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use baselines::evidence::Given;

use crate::{
    build::{self, BuildVariables, Kind, Request, Revision},
    progress::Progress,
    subject::{Binary, Program},
};

/// What a revision is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) package: &'a str,
    pub(crate) kind: Kind,
    pub(crate) name: &'a str,
    /// Cargo's name of the profile.
    pub(crate) profile: &'a str,
    pub(crate) features: &'a [String],
}

impl Target<'_> {
    /// This program.
    pub(crate) const BENCH: Self = Self {
        package: "tritgate-harness",
        kind: Kind::Bin,
        name: "bench",
        profile: "release",
        features: &[],
    };
}

/// Code layouts of each revision where nothing says otherwise: with 1 % between layouts, eight let 4 slow-downs of 5 % in a
/// hundred pass, four 6 and one 16 (`bench validate`).
pub(crate) const N_LAYOUTS: u64 = 8;

/// How revisions are built.
#[derive(Clone, Debug)]
pub(crate) struct Workshop<'a> {
    /// A folder of the repository.
    pub(crate) repo: &'a Path,
    /// Where builds are kept.
    pub(crate) cache: &'a Path,
    /// Root seed of the layouts.
    pub(crate) seed: u64,
    pub(crate) n_layouts: usize,
    pub(crate) target: Target<'a>,
    pub(crate) variables: &'a BuildVariables,
}

/// An arm, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    pub(crate) program: Program,
    pub(crate) given: Given,
    /// Where its source lies, if it was built.
    pub(crate) tree: Option<PathBuf>,
}

/// Base and head as the command line names them; no head is what lies in the folder.
pub(crate) fn both(
    base: &str,
    head: Option<&str>,
    workshop: &Workshop<'_>,
    progress: &Progress,
) -> Result<(Arm, Arm)> {
    let base = arm(base, workshop, progress)?;
    let head = match head {
        Some(head) => arm(head, workshop, progress)?,
        None => working_tree(workshop, progress)?,
    };
    Ok((base, head))
}

/// The arm that `asked` names.
fn arm(asked: &str, workshop: &Workshop<'_>, progress: &Progress) -> Result<Arm> {
    let path = Path::new(asked);
    if !path.is_file() {
        return revision(asked, Revision::Commit(asked.to_owned()), workshop, progress);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let path = path.canonicalize().with_context(|| format!("failed to find `{asked}`"))?;
    Ok(Arm {
        program: Program::single(Binary::at(&path)?),
        given: Given { asked: name, commit: None },
        tree: None,
    })
}

/// What lies in the folder, committed or not.
fn working_tree(workshop: &Workshop<'_>, progress: &Progress) -> Result<Arm> {
    revision("working tree", Revision::WorkingTree, workshop, progress)
}

fn revision(
    asked: &str,
    revision: Revision,
    workshop: &Workshop<'_>,
    progress: &Progress,
) -> Result<Arm> {
    progress.note(&format!("building {asked}"));
    let Target { package, kind, name, profile, features } = workshop.target;
    let request = Request {
        repo: workshop.repo,
        revision,
        cache: workshop.cache,
        seeds: build::seeds(workshop.seed, workshop.n_layouts),
        package,
        kind,
        name,
        profile,
        features,
        default_features: true,
        cargo: Path::new("cargo"),
        variables: workshop.variables,
    };
    let built = build::layouts(&request, progress).with_context(|| {
        format!("failed to build `{asked}`, one of the two revisions to compare")
    })?;
    let state = match (built.cached, built.dirty) {
        (true, _) => "kept from an earlier build",
        (false, true) => "built with uncommitted changes",
        (false, false) => "built",
    };
    let n = built.binaries.len();
    let short = built.commit.get(..12).unwrap_or_default();
    progress.note(&format!("{asked}: commit {short}, {state}, {n} code layouts"));
    for note in &built.notes {
        progress.note(&format!("{asked}: {note}"));
    }
    let commit = (!built.dirty).then(|| built.commit.clone());
    Ok(Arm {
        program: Program::of(&built),
        given: Given { asked: asked.to_owned(), commit },
        tree: Some(built.worktree),
    })
}
