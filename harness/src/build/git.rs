//! The repository: which one, which commit a name stands for, whether anything is uncommitted.
//! In: a folder and what the user calls a revision. Out: facts from `git`, or a sentence with the way out.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context as _, Result, bail, ensure};
use baselines::{Digest, git::isolate};

/// What git tells of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) commit: String,
    pub(crate) parents: Vec<String>,
    /// The author's time, RFC 3339 with the author's zone.
    pub(crate) authored_at: String,
    /// The first line of its message.
    pub(crate) subject: String,
}

/// A repository on disk, seen from one of its working folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    /// The top of the working tree.
    pub(super) top: PathBuf,
    /// The folder that was asked about, below the top; empty at the top.
    pub(super) prefix: PathBuf,
    /// The store that all worktrees of this repository share.
    common: String,
}

impl Repository {
    /// The repository that `folder` is in.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        Self::look(folder)?.map_err(|said| {
            anyhow::anyhow!(
                "failed to find revisions: `{}` is in no git working tree ({said}); run in a clone, or compare with a stored \
                 baseline (`--baseline NAME`)",
                folder.display()
            )
        })
    }

    /// The same; the inner error is what git says where `folder` is in no working tree.
    pub(crate) fn look(folder: &Path) -> Result<std::result::Result<Self, String>> {
        let args =
            ["--show-toplevel", "--show-prefix", "--path-format=absolute", "--git-common-dir"];
        let output = output(git(folder).arg("rev-parse").args(args))?;
        if !output.status.success() {
            return Ok(Err(first_line(&output.stderr)));
        }
        let text = text(output.stdout)?;
        let mut lines = text.lines();
        let mut next = || lines.next().context("failed to read what `git rev-parse` says");
        let (top, prefix, common) = (next()?.into(), next()?.into(), next()?.to_owned());
        // An older git repeats the option that it does not know.
        ensure!(
            Path::new(&common).is_absolute(),
            "failed to find the repository's store: expected a path, found `{common}`; git 2.31 or later is needed"
        );
        Ok(Ok(Self { top, prefix, common }))
    }

    /// The folder that was asked about, below the top of the working tree; empty at the top.
    pub(crate) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// The top of the working tree.
    pub(crate) fn top(&self) -> &Path {
        &self.top
    }

    /// Whether git leaves the file at `path`, from the top, out.
    pub(crate) fn ignores(&self, path: &str) -> Result<bool> {
        let output = output(git(&self.top).args(["check-ignore", "--quiet", "--", path]))?;
        Ok(output.status.success())
    }

    /// The commit that `revision` stands for. It is never taken as an option, whatever it looks like.
    pub(crate) fn commit(&self, revision: &str) -> Result<String> {
        let peeled = format!("{revision}^{{commit}}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled];
        let output = output(git(&self.top).args(args))?;
        let commit = text(output.stdout)?.trim().to_owned();
        if output.status.success() && commit.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(commit);
        }
        let way_out = if self.is_shallow() {
            "the clone is shallow and may lack it: `git fetch --deepen=50`, or `fetch-depth: 0` in the checkout step"
        } else {
            "`git log --oneline --all` lists those that are here, `git fetch` brings those of the remote"
        };
        bail!(
            "failed to find revision `{revision}`: `{}` has no such commit; {way_out}",
            self.top.display()
        )
    }

    /// The tree of `commit`; `None` where the repository has no such commit.
    pub(crate) fn tree(&self, commit: &str) -> Result<Option<String>> {
        let tree = format!("{commit}^{{tree}}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &tree];
        let output = output(git(&self.top).args(args))?;
        let tree = text(output.stdout)?.trim().to_owned();
        Ok(output.status.success().then_some(tree))
    }

    /// The text of the file at `path`, from the top, in `commit`; `None` where that has none.
    pub(crate) fn file(&self, commit: &str, path: &str) -> Result<Option<String>> {
        let object = format!("{commit}:{path}");
        let output = output(git(&self.top).args(["show", "--end-of-options", &object]))?;
        output.status.success().then(|| text(output.stdout)).transpose()
    }

    /// `commit` and all before it, newest first.
    pub(super) fn ancestry(&self, commit: &str) -> Result<Vec<String>> {
        let listed = stdout(git(&self.top).args(["rev-list", "--end-of-options", commit]))?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    /// Whether `older` is `newer` or an ancestor of it, as far as this clone knows.
    pub(crate) fn is_ancestor(&self, older: &str, newer: &str) -> Result<bool> {
        let asked = output(git(&self.top).args(["merge-base", "--is-ancestor", older, newer]))?;
        Ok(asked.status.success())
    }

    /// The commits on the first-parent line of `bad` that `good` does not have, oldest first.
    pub(crate) fn first_parents(&self, good: &str, bad: &str) -> Result<Vec<Told>> {
        self.log(&["--first-parent", "--reverse", &format!("{good}..{bad}")])
    }

    /// What git tells of one commit.
    pub(crate) fn told(&self, commit: &str) -> Result<Option<Told>> {
        Ok(self.log(&["--max-count=1", commit])?.into_iter().next())
    }

    fn log(&self, args: &[&str]) -> Result<Vec<Told>> {
        // No signature, no mail map and no colour of the user's settings may get between.
        let form = "--format=tformat:%H%x1f%P%x1f%aI%x1f%s";
        let settings =
            ["-c", "log.showSignature=false", "log", "--no-color", "--no-decorate", form];
        let listed = stdout(git(&self.top).args(settings).args(args))?;
        let told = |line: &str| {
            let mut parts = line.splitn(4, '\u{1f}').map(str::to_owned);
            let mut next =
                || parts.next().with_context(|| format!("failed to read `git log`: {line:?}"));
            Ok(Told {
                commit: next()?,
                parents: next()?.split_whitespace().map(str::to_owned).collect(),
                authored_at: next()?,
                subject: next()?,
            })
        };
        listed.lines().map(told).collect()
    }

    /// Whether the working tree holds anything that its commit does not: changed, staged or untracked files.
    pub(super) fn has_changes(&self) -> Result<bool> {
        has_changes(&self.top, false)
    }

    /// A short name for the repository, the same from each of its worktrees.
    pub(super) fn id(&self) -> String {
        Digest::of(self.common.as_bytes()).short()
    }

    /// Whether history was cut off when it was cloned.
    pub(crate) fn is_shallow(&self) -> bool {
        let asked = git(&self.top).args(["rev-parse", "--is-shallow-repository"]).output();
        asked.is_ok_and(|output| output.stdout.starts_with(b"true"))
    }
}

/// Whether the working tree at `top` differs from its commit; `strictly`: also by files that git ignores.
pub(super) fn has_changes(top: &Path, strictly: bool) -> Result<bool> {
    let mut command = git(top);
    command.args(["status", "--porcelain", "--untracked-files=normal"]);
    if strictly {
        command.arg("--ignored");
    }
    Ok(!stdout(&mut command)?.is_empty())
}

/// `git` in `folder`: no variable of the caller's leads it elsewhere, no hook runs, no lock is taken for a mere look.
pub(super) fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    isolate(&mut command).env("LC_ALL", "C").arg("--no-optional-locks");
    command.args(["-c", "core.hooksPath=/dev/null"]).arg("-C").arg(folder);
    command
}

/// What a git command that must succeed writes.
pub(super) fn stdout(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    ensure!(
        output.status.success(),
        "failed to run {command:?}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    text(output.stdout)
}

fn output(command: &mut Command) -> Result<Output> {
    command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => anyhow::anyhow!(
            "failed to run `git`: there is no such program on the PATH; install git, or compare with a stored baseline \
             (`--baseline NAME`)"
        ),
        _ => anyhow::Error::new(error).context("failed to run `git`"),
    })
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).context("failed to read what git says: expected UTF-8")
}

fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().next().unwrap_or("git says nothing").to_owned()
}
