//! Worktrees: the source of one commit in a folder of its own, beside whatever the user has checked out.
//! In: a repository, a commit, the folder. Out: exactly that commit there; or nothing, once removed. Submodules are not
//! checked out.

use std::{fs, io, path::Path};

use anyhow::{Context as _, Result};

use super::git::{self, Repository};

/// Makes `tree` hold `commit` and nothing else. One that is clean stays; another is made anew.
pub(super) fn ensure(repository: &Repository, commit: &str, tree: &Path) -> Result<()> {
    // A broken worktree has no commit, or is taken for a part of the repository around it.
    if is_at(tree, commit) && !git::has_changes(tree, true).unwrap_or(true) {
        return Ok(());
    }
    remove(repository, tree)?;
    let mut add = git::git(&repository.top);
    // Twice `force`: also where git remembers the folder as that of a locked worktree.
    add.args(["worktree", "add", "--quiet", "--detach", "--force", "--force"])
        .arg(tree)
        .arg(commit);
    git::stdout(&mut add)
        .map(drop)
        .with_context(|| format!("failed to check out {commit} in `{}`", tree.display()))
}

/// Removes `tree`, and git's memory of it.
pub(super) fn remove(repository: &Repository, tree: &Path) -> Result<()> {
    match fs::remove_dir_all(tree) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove `{}`", tree.display()))
        }
        _ => git::stdout(git::git(&repository.top).args(["worktree", "prune"])).map(drop),
    }
}

/// Gives every tracked file the present as its time of change, so that cargo compiles it.
///
/// Crates of two worktrees have one name in a shared target folder, and cargo takes a file for compiled if it is older
/// than the last compilation, whichever worktree that was of.
pub(super) fn freshen(tree: &Path) -> Result<()> {
    let at_fault = || format!("failed to freshen `{}`", tree.display());
    // The present by the file system's own clock.
    let now = tempfile::tempfile_in(tree.parent().unwrap_or(tree))
        .and_then(|file| file.metadata()?.modified())
        .with_context(at_fault)?;
    for name in git::stdout(git::git(tree).args(["ls-files", "-z"]))?.split_terminator('\0') {
        let path = tree.join(name);
        // What a symbolic link points to may not be ours.
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            let touched = fs::File::open(&path).and_then(|file| file.set_modified(now));
            touched.with_context(at_fault)?;
        }
    }
    Ok(())
}

fn is_at(tree: &Path, commit: &str) -> bool {
    let facts = git::git(tree).args(["rev-parse", "--show-toplevel", "HEAD"]).output();
    let Ok(tree) = tree.canonicalize() else { return false };
    facts.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout) == format!("{}\n{commit}\n", tree.display())
    })
}
