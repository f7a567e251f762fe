//! The commits of a bisection: the first-parent line from the good commit to the bad one, as git tells it.
//! In: a folder of the repository, two revisions. Out: their commits and all between, the good one first; or the way out.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::build::{Repository, Told};

/// Commits of a range at most: more are a mistake in a name.
const MOST: usize = 65_536;

/// One commit, as a reader knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Commit {
    pub(crate) commit: String,
    pub(crate) subject: String,
    /// When its author wrote it, with the author's zone.
    pub(crate) authored_at: String,
    /// Whether it has several parents: then what it merged is the change.
    pub(crate) merge: bool,
}

impl Commit {
    /// Its first digits.
    pub(crate) fn short(&self) -> &str {
        self.commit.get(..10).unwrap_or(&self.commit)
    }
}

/// The commits from `good` to `bad`.
pub(crate) fn range(folder: &Path, good: &str, bad: &str) -> Result<Vec<Commit>> {
    let repository = Repository::open(folder)?;
    let (good_commit, bad_commit) = (repository.commit(good)?, repository.commit(bad)?);
    ensure!(
        good_commit != bad_commit,
        "failed to find the commits to bisect: `{good}` and `{bad}` are both {good_commit}; name an older good one"
    );
    if !repository.is_ancestor(&good_commit, &bad_commit)? {
        let way_out = if repository.is_shallow() {
            "the clone is shallow, and what lies between may be missing: `git fetch --unshallow`, or `fetch-depth: 0` in the \
             checkout step"
        } else if repository.is_ancestor(&bad_commit, &good_commit)? {
            "it is the other way round: swap `--good` and `--bad`; what became faster is found as well"
        } else {
            "they are on two branches: take their `git merge-base` as the good one"
        };
        bail!(
            "failed to find the commits to bisect: `{good}` is no ancestor of `{bad}`; {way_out}"
        );
    }
    let told = repository.first_parents(&good_commit, &bad_commit)?;
    ensure!(
        told.len() < MOST,
        "failed to find the commits to bisect: expected at most {MOST} between `{good}` and `{bad}`, found {}; name an older \
         bad one or a newer good one",
        told.len()
    );
    let before = told.first().and_then(|first| first.parents.first());
    let before = before.context("failed to find the commits to bisect: git lists none")?;
    ensure!(
        *before == good_commit,
        "failed to find the commits to bisect: `{good}` came to `{bad}` by a merge, and is not on its first-parent line; there \
         {before} is the last commit before it: `--good {before}`"
    );
    let told = repository.told(&good_commit)?.into_iter().chain(told);
    Ok(told.map(commit).collect())
}

fn commit(told: Told) -> Commit {
    let Told { commit, parents, authored_at, subject } = told;
    Commit { commit, subject, authored_at, merge: parents.len() > 1 }
}
