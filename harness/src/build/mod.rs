//! Builds of a revision: its source in a worktree, compiled once, linked to several code layouts, kept by content.
//! In: a repository, a revision, seeds. Out: binaries that differ in the order of their functions and in nothing else;
//! one build is one sample of code layout (`gates/docs/statistics.md`).
//!
//! The cache holds, per repository: `trees/COMMIT`, a worktree; `target`, which the revisions share, so that dependencies
//! are compiled once; `layouts/KEY`, the binaries and their manifest. A working tree with changes is built where it is,
//! with a target folder of its own. The builds of a repository that were used last are kept; `remove` takes all of it away again. Submodules are not checked out, and cargo
//! settings that lie above the repository or that git does not know do not reach a worktree.

mod add;
mod cargo;
mod cargo_config;
mod entry;
mod git;
mod link;
mod list;
mod lock;
mod metadata;
mod seeds;
mod stage;
#[cfg(test)]
mod tests;
mod variables;
mod worktree;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    add::{add_criterion, add_criterion_line},
    git::{Repository, Told},
    list::benchmarks,
    metadata::{BenchPackage, Member, members},
    seeds::seeds,
    variables::BuildVariables,
};
use self::{
    cargo::Place,
    cargo_config::CargoConfig,
    entry::{Entry, Found, Key, Manifest, Room},
    link::Job,
};
use crate::{progress::Progress, subject::Binary};

/// What a repository's builds may take: both arms of a few comparisons, at some 300 MB each for `bench` itself, or all
/// commits of a bisection by counts, which have one layout each.
const ROOM: Room = Room { builds: 8, bytes: 2_400_000_000 };

/// `revision` of the repository that `folder` is in, and every commit before it, newest first.
pub(crate) fn ancestry(folder: &Path, revision: &str) -> Result<Vec<String>> {
    let repository = Repository::open(folder)?;
    repository.ancestry(&repository.commit(revision)?)
}

/// The commit that a folder is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeState {
    pub(crate) commit: String,
    /// Whether anything is not as in the commit: changed, staged or untracked.
    pub(crate) dirty: bool,
    /// The folder below the top of the working tree; empty at the top.
    pub(crate) folder: String,
}

/// State of the working tree that `folder` is in; an error outside of one, and before its first commit.
pub(crate) fn tree_state(folder: &Path) -> Result<TreeState> {
    let repository = Repository::open(folder)?;
    Ok(TreeState {
        commit: repository.commit("HEAD")?,
        dirty: repository.has_changes()?,
        folder: repository.prefix.to_string_lossy().trim_end_matches('/').to_owned(),
    })
}

/// What to build.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    /// A folder of the repository: where cargo is to run.
    pub(crate) repo: &'a Path,
    pub(crate) revision: Revision,
    /// The folder that all builds of all repositories share; best outside of them, as cargo looks for settings upwards.
    pub(crate) cache: &'a Path,
    /// One layout each; see [`fn@seeds`]. The arms of a comparison take the same list.
    pub(crate) seeds: Vec<u32>,
    pub(crate) package: &'a str,
    pub(crate) kind: Kind,
    /// Cargo's name of the target.
    pub(crate) name: &'a str,
    /// Cargo's name of the profile: `release`, `bench`.
    pub(crate) profile: &'a str,
    pub(crate) features: &'a [String],
    pub(crate) default_features: bool,
    /// The program: `cargo`.
    pub(crate) cargo: &'a Path,
    pub(crate) variables: &'a BuildVariables,
}

/// What kind of target a program is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A program.
    Bin,
    /// A bench target.
    Bench,
}

impl Kind {
    /// Cargo's word, in its options and messages.
    const fn word(self) -> &'static str {
        match self {
            Self::Bin => "bin",
            Self::Bench => "bench",
        }
    }
}

/// Which source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Revision {
    /// Whatever git takes for a commit: a branch, a tag, a hash, `HEAD~1`.
    Commit(String),
    /// What lies in the folder, committed or not. Without changes it is its commit.
    WorkingTree,
}

/// One revision, built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layouts {
    /// The commit; with changes on top if `dirty`.
    pub(crate) commit: String,
    pub(crate) dirty: bool,
    /// First line of `rustc -vV`.
    pub(crate) toolchain: String,
    /// One per layout; each is different from the others.
    pub(crate) binaries: Vec<Binary>,
    /// The seed of each binary; empty where the linker cannot place sections in another order.
    pub(crate) seeds: Vec<u32>,
    /// Where the source lies.
    pub(crate) worktree: PathBuf,
    /// Whether all of it was there already.
    pub(crate) cached: bool,
    /// What the reader must know: fewer layouts than asked for, and why.
    pub(crate) notes: Vec<String>,
}

/// Source that does not build: a fault of the revision's, and of nothing around it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unbuildable(pub(crate) String);

impl Unbuildable {
    /// Whether that is why a build failed.
    pub(crate) fn caused(error: &anyhow::Error) -> bool {
        error.chain().any(<dyn std::error::Error>::is::<Self>)
    }
}

/// Builds `request`, or finds what it built before.
///
/// # Errors
///
/// No repository, commit, cargo or compiler; source that does not build, with the end of what cargo said.
pub(crate) fn layouts(request: &Request<'_>, progress: &Progress) -> Result<Layouts> {
    ensure!(
        !request.seeds.is_empty(),
        "failed to build: expected at least one code layout, found none"
    );
    let repository = Repository::open(request.repo)?;
    let cache = absolute(request.cache)?;
    let _lock = lock::hold(&lock_path(&cache, &repository), progress)?;
    let (commit, dirty) = match &request.revision {
        Revision::Commit(name) => (repository.commit(name)?, false),
        Revision::WorkingTree => (repository.commit("HEAD")?, repository.has_changes()?),
    };
    let room = cache.join(repository.id());
    let (tree, target) = if dirty {
        (repository.top.clone(), room.join(format!("target-{}", top_id(&repository))))
    } else {
        let tree = room.join("trees").join(&commit);
        absolute(&room.join("trees"))?;
        worktree::ensure(&repository, &commit, &tree)?;
        (tree, room.join("target"))
    };
    let folder = tree.join(&repository.prefix);
    if !folder.is_dir() {
        let prefix = repository.prefix.display();
        return Err(
            Unbuildable(format!("failed to build {commit}: it has no folder `{prefix}`")).into()
        );
    }
    let toolchain = cargo::toolchain(request, &folder)?;
    let host = toolchain.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let config = CargoConfig::of(&folder, request.variables.cargo_home().as_deref(), host);

    let source = if dirty { tree.display().to_string() } else { commit.clone() };
    let key = key(request, source, &toolchain, &config, &repository);
    let entry = Entry::open(&room.join("layouts"), &key)?;
    let locked = !dirty && has_lock_file(&folder, &tree);
    let place = Place { folder: &folder, top: &tree, target: &target, locked };
    let sets_linker = config.sets_linker || request.variables.sets_linker(host);
    let job = Job { request, place, entry: &entry, room: &room, own_tree: !dirty, sets_linker };
    let built = build(job, &key, &commit, progress);
    // Of what did not build, or was interrupted, no worktree stays.
    let pruned = prune(&repository, &room, ROOM);
    let built = built?;
    pruned?;

    Ok(Layouts {
        commit,
        dirty,
        toolchain: toolchain.lines().next().unwrap_or_default().to_owned(),
        seeds: built.manifest.layouts.iter().filter_map(|layout| layout.seed).collect(),
        binaries: built.binaries,
        cached: built.cached,
        notes: notes(&tree, dirty, built.manifest.note),
        worktree: tree,
    })
}

/// Removes all worktrees and builds that the cache holds for the repository of `repo`, and git's memory of the worktrees.
pub(crate) fn remove(repo: &Path, cache: &Path, progress: &Progress) -> Result<()> {
    let repository = Repository::open(repo)?;
    let cache = absolute(cache)?;
    // The lock file stays: whoever waits for it must wait for the same file as whoever comes later.
    let _lock = lock::hold(&lock_path(&cache, &repository), progress)?;
    worktree::remove(&repository, &cache.join(repository.id()))
}

/// Removes the builds that have no room, the least used first, and worktrees that no build is left of.
fn prune(repository: &Repository, folder: &Path, room: Room) -> Result<()> {
    let sources = entry::prune(&folder.join("layouts"), room)?;
    let trees = fs::read_dir(folder.join("trees")).into_iter().flatten().flatten();
    for tree in trees.filter(|tree| !sources.contains(&*tree.file_name().to_string_lossy())) {
        worktree::remove(repository, &tree.path())?;
    }
    Ok(())
}

struct Kept {
    manifest: Manifest,
    binaries: Vec<Binary>,
    cached: bool,
}

/// The entry's layouts: those of a commit as they are, if they are whole; those of a working tree after asking cargo.
fn build(job: Job<'_>, key: &Key, commit: &str, progress: &Progress) -> Result<Kept> {
    let short = &commit[..12.min(commit.len())];
    let name = match &job.request.revision {
        Revision::Commit(name) => format!("revision `{name}` ({short})"),
        Revision::WorkingTree if job.own_tree => format!("the working tree ({short})"),
        Revision::WorkingTree => format!("the working tree ({short} and changes)"),
    };
    let found = match job.entry.look(key) {
        Found::Nothing => None,
        Found::Broken(why) => {
            progress.note(&format!("the cached build of {name} is broken and made again: {why}"));
            None
        }
        Found::Whole(manifest, binaries) => Some((*manifest, binaries)),
    };
    if job.own_tree
        && let Some((manifest, binaries)) = found
    {
        job.entry.touch()?;
        return Ok(Kept { manifest, binaries, cached: true });
    }
    progress.note(&format!("building {name}, {} code layouts", job.request.seeds.len()));
    let linked = link::link(job, found.as_ref().map(|(manifest, _)| manifest)).with_context(|| {
        format!(
            "failed to build {name}: mend it, name another revision, or compare with a stored baseline (`--baseline NAME`)"
        )
    })?;
    let Some(linked) = linked else {
        let (manifest, binaries) = found.context("failed to build: nothing was kept")?;
        return Ok(Kept { manifest, binaries, cached: true });
    };
    let (layouts, files): (Vec<_>, Vec<_>) = linked.layouts.into_iter().unzip();
    let manifest = Manifest {
        key: key.clone(),
        stage: linked.stage,
        plain: linked.plain,
        layouts,
        note: linked.note,
    };
    let binaries = job.entry.keep(&manifest, &files)?;
    job.entry.sweep((!job.own_tree).then_some(manifest.stage.as_str()));
    Ok(Kept { manifest, binaries, cached: false })
}

fn key(
    request: &Request<'_>,
    source: String,
    toolchain: &str,
    config: &CargoConfig,
    repository: &Repository,
) -> Key {
    let variable = |(name, value): &(String, std::ffi::OsString)| {
        (name.clone(), value.to_string_lossy().into_owned())
    };
    Key {
        version: entry::VERSION,
        source,
        toolchain: toolchain.to_owned(),
        package: request.package.to_owned(),
        kind: request.kind,
        name: request.name.to_owned(),
        profile: request.profile.to_owned(),
        features: request.features.to_vec(),
        default_features: request.default_features,
        variables: request.variables.shaping().iter().map(variable).collect(),
        cargo_config: config.digest.to_string(),
        prefix: repository.prefix.clone(),
        seeds: request.seeds.clone(),
    }
}

fn notes(tree: &Path, in_place: bool, note: Option<String>) -> Vec<String> {
    let submodules = (!in_place && tree.join(".gitmodules").exists()).then(|| {
        "the repository has submodules, which are not checked out for a revision's build".to_owned()
    });
    note.into_iter().chain(submodules).collect()
}

/// Whether the source brings a lock file, in `folder` or above it up to `top`.
fn has_lock_file(folder: &Path, top: &Path) -> bool {
    let within = folder.ancestors().take_while(|above| above.starts_with(top));
    within.into_iter().any(|above| above.join("Cargo.lock").exists())
}

fn lock_path(cache: &Path, repository: &Repository) -> PathBuf {
    cache.join(format!("{}.lock", repository.id()))
}

/// Names one of the working trees of a repository.
fn top_id(repository: &Repository) -> String {
    baselines::Digest::of(repository.top.as_os_str().as_encoded_bytes()).short()
}

/// The folder's real path, made if need be: git and cargo run elsewhere, and git says real paths.
fn absolute(cache: &Path) -> Result<PathBuf> {
    let made = fs::create_dir_all(cache).and_then(|()| cache.canonicalize());
    made.map_err(|error: io::Error| {
        anyhow::Error::new(error)
            .context(format!("failed to prepare the build cache `{}`", cache.display()))
    })
}
