//! Several layouts of one program: compiled once and linked once per seed, or, where that cannot be, cargo's own link
//! repeated. In: a place to build and the seeds. Out: the files of the layouts, and a note where there are fewer.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use super::{
    Request, Unbuildable,
    cargo::{self, Built, Place, Program},
    entry::{Entry, Layout, Manifest},
    stage::{Outcome, Stage},
    worktree,
};
use crate::subject::Binary;

/// How one set of layouts is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) place: Place<'a>,
    pub(super) entry: &'a Entry,
    /// The repository's part of the cache.
    pub(super) room: &'a Path,
    /// Whether the place is a worktree that only this cache builds in.
    pub(super) own_tree: bool,
    /// Whether a linker is configured, which the script would pass over.
    pub(super) sets_linker: bool,
}

impl Job<'_> {
    /// A stage for a link that must happen. In a worktree of ours it always does, since all source is fresh.
    fn stage(&self) -> Result<Stage> {
        let seeds = &self.request.seeds;
        if self.own_tree {
            Stage::emptied(self.room.join("stage"), seeds)
        } else {
            Stage::unique(&self.entry.folder, seeds)
        }
    }
}

/// What was made.
#[derive(Debug)]
pub(super) struct Linked {
    pub(super) stage: String,
    pub(super) plain: String,
    /// Beside each layout, its file.
    pub(super) layouts: Vec<(Layout, PathBuf)>,
    pub(super) note: Option<String>,
}

/// Makes the layouts; nothing, if `kept` has them already and cargo says that nothing changed.
pub(super) fn link(job: Job<'_>, kept: Option<&Manifest>) -> Result<Option<Linked>> {
    let seeds = &job.request.seeds;
    if job.sets_linker {
        return by_cargo(job, "a linker is configured for this target").map(Some);
    }
    let reopened = kept.and_then(|kept| Stage::reopen(&job.entry.folder, &kept.stage));
    let mut stage = match reopened {
        Some(stage) => stage,
        None => job.stage()?,
    };
    let mut program = compile(job, &stage)?;
    if program.fresh {
        let plain = Binary::at(&program.path)?.digest.to_string();
        if kept.is_some_and(|kept| kept.plain == plain) {
            return Ok(None);
        }
        // Linked at another time, and the layouts are gone: another stage makes cargo link again.
        stage = job.stage()?;
        program = compile(job, &stage)?;
    }
    let plain = Binary::at(&program.path)?.digest.to_string();
    let (files, note) = match stage.outcome(seeds.len()) {
        Outcome::Linked(files) => {
            (files.into_iter().zip(seeds.iter().copied().map(Some)).collect(), None)
        }
        Outcome::Refused(said) => {
            (vec![(copy(&program, &stage, 0)?, None)], Some(one_layout(&said)))
        }
        Outcome::NotCalled => return by_cargo(job, "rustc links with another linker").map(Some),
    };
    distinct(stage.name(), plain, files, note).map(Some)
}

/// Has cargo compile and link by the stage's script.
fn compile(job: Job<'_>, stage: &Stage) -> Result<Program> {
    stage.clear();
    built(call(job, &stage.flags())?)
}

/// One call of cargo. In a worktree of ours nothing of the source may be left from another revision.
fn call(job: Job<'_>, flags: &[String]) -> Result<Built> {
    let mut stale = Vec::new();
    for _ in 0..2 {
        if job.own_tree {
            worktree::freshen(job.place.top)?;
        }
        match cargo::rustc(job.request, job.place, flags)? {
            Built::Program(program) if job.own_tree && !program.fresh_packages.is_empty() => {
                stale = program.fresh_packages;
            }
            built => return Ok(built),
        }
    }
    bail!(
        "cargo takes `{}` for compiled, which may be that of another revision; is the clock of the file system right? \
         Remove the cache `{}` and try again",
        stale[0].display(),
        job.request.cache.display()
    )
}

/// One call of cargo for each seed: as many links as seeds, each with the link-time optimisation of the last crate.
fn by_cargo(job: Job<'_>, why: &str) -> Result<Linked> {
    let stage = job.stage()?;
    let mut files = Vec::new();
    let mut plain = None;
    let mut refused = None;
    for (idx, seed) in job.request.seeds.iter().enumerate() {
        let flags = ["-C".to_owned(), format!("link-arg=-Wl,--shuffle-sections=*={seed}")];
        // Later calls find what the first has compiled.
        let linked = match idx {
            0 => call(job, &flags)?,
            _ => cargo::rustc(job.request, job.place, &flags)?,
        };
        match linked {
            Built::Program(program) => {
                plain = Some(Binary::at(&program.path)?.digest.to_string());
                files.push((copy(&program, &stage, idx)?, Some(*seed)));
            }
            Built::Failed(said) if idx == 0 => {
                refused = Some(said);
                break;
            }
            failed @ Built::Failed(_) => drop(built(failed)?),
        }
    }
    let mut note = format!(
        "{why}: each layout took a call of cargo of its own, with all of its link-time work"
    );
    if let Some(said) = refused {
        // Only a plain link tells a linker that refuses the option from source that does not build.
        let program = built(cargo::rustc(job.request, job.place, &[])?)?;
        plain = Some(Binary::at(&program.path)?.digest.to_string());
        files = vec![(copy(&program, &stage, 0)?, None)];
        note = one_layout(&said);
    }
    let plain = plain.context("failed to build: expected at least one seed, found none")?;
    distinct(stage.name(), plain, files, Some(note))
}

fn built(built: Built) -> Result<Program> {
    match built {
        Built::Program(program) => Ok(program),
        Built::Failed(said) => Err(Unbuildable(format!("cargo ended with {said}")).into()),
    }
}

fn copy(program: &Program, stage: &Stage, idx: usize) -> Result<PathBuf> {
    let to = stage.layout(idx);
    fs::copy(&program.path, &to).with_context(|| format!("failed to write `{}`", to.display()))?;
    Ok(to)
}

fn one_layout(said: &str) -> String {
    let line = said.lines().rfind(|line| line.contains("shuffle-sections")).unwrap_or(said);
    format!(
        "one code layout only: the linker does not take `--shuffle-sections` ({}); lld does: install it and set \
         RUSTFLAGS=-Clink-arg=-fuse-ld=lld, or expect differences of layout to look like differences of speed",
        line.trim()
    )
}

/// Keeps each layout once: a linker that ignores its seed makes one, whatever the list says.
fn distinct(
    stage: String,
    plain: String,
    files: Vec<(PathBuf, Option<u32>)>,
    mut note: Option<String>,
) -> Result<Linked> {
    let n_asked = files.len();
    let mut layouts: Vec<(Layout, PathBuf)> = Vec::new();
    for (file, seed) in files {
        let Binary { digest, size, .. } = Binary::at(&file)?;
        let digest = digest.to_string();
        if layouts.iter().all(|(known, _)| known.digest != digest) {
            layouts.push((Layout { seed, digest, size }, file));
        }
    }
    if layouts.len() < n_asked {
        let fewer = format!(
            "{} of {n_asked} code layouts differ: the linker takes little notice of its seed",
            layouts.len()
        );
        note = Some(note.map_or_else(|| fewer.clone(), |note| format!("{note}; {fewer}")));
    }
    Ok(Linked { stage, plain, layouts, note })
}
