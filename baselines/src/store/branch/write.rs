//! Writing git objects: blobs, a tree that is another with some changes, a commit.
//! In: bytes, paths. Out: names of objects. The working tree, the user's index and every ref stay as they are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    git::{git, line, must},
    objects::Oid,
};
use crate::{Error, ErrorKind, Result, timestamp};

/// By path, the blob that is there after it; `None` removes the path.
pub(super) type Changes = BTreeMap<String, Option<Oid>>;

/// Writes into one repository, with an index and files of its own.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    repository: &'a Path,
    folder: PathBuf,
    /// Deleted with this value.
    _scratch: tempfile::TempDir,
}

impl<'a> Writer<'a> {
    pub(super) fn new(repository: &'a Path) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("tritgate-").tempdir();
        let scratch = scratch.map_err(|error| {
            let text = format!("make a temporary folder: found: {error}; `TMPDIR` says where");
            Error::new(ErrorKind::Io, text)
        })?;
        // Git runs in another folder, and `TMPDIR` may be a relative path.
        let folder = scratch.path().canonicalize().map_err(|error| full(&error))?;
        Ok(Self { repository, folder, _scratch: scratch })
    }

    /// Writes one blob for each of `contents`, all by one process.
    pub(super) fn blobs(
        &self,
        contents: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<Oid>> {
        // Through files, since `hash-object` takes many blobs only by path.
        let folder = tempfile::tempdir_in(&self.folder).map_err(|error| full(&error))?;
        let mut paths = String::new();
        for (n, bytes) in contents.into_iter().enumerate() {
            let path = folder.path().join(n.to_string());
            std::fs::write(&path, bytes).map_err(|error| full(&error))?;
            paths += &format!("{}\n", path.display());
        }
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = git(self.repository);
        command.args(["hash-object", "-w", "--no-filters", "--stdin-paths"]);
        let said = line(must(&mut command, paths.as_bytes())?)?;
        said.lines().map(oid).collect()
    }

    /// The tree of `base` with `changes`.
    pub(super) fn tree(&self, base: Option<&Oid>, changes: &Changes) -> Result<Oid> {
        let index = self.folder.join("index");
        // A lock or an index of the fold before.
        let _ = std::fs::remove_file(&index);
        let git = || {
            let mut command = git(self.repository);
            command.env("GIT_INDEX_FILE", &index);
            command
        };
        if let Some(base) = base {
            must(git().args(["read-tree", base.as_str()]), b"")?;
        }
        let mut lines = Vec::new();
        for (path, blob) in changes {
            let said = match (blob, base) {
                (Some(blob), _) => format!("100644 {blob}\t{path}\0"),
                (None, Some(base)) => format!("0 {}\t{path}\0", base.zero()),
                (None, None) => continue,
            };
            lines.extend(said.into_bytes());
        }
        must(git().args(["update-index", "-z", "--index-info"]), &lines)?;
        oid(&line(must(git().arg("write-tree"), b"")?)?)
    }

    /// A commit of `tree` on `parent`, made at `now`, a timestamp.
    pub(super) fn commit(
        &self,
        tree: &Oid,
        parent: Option<&Oid>,
        message: &str,
        now: &str,
    ) -> Result<Oid> {
        let at_s = timestamp::parse_ms(now).map_or(0, |ms| ms.div_euclid(1_000));
        let mut command = git(self.repository);
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_DATE"), format!("@{at_s} +0000"));
        }
        command.args(["commit-tree", "-m", message]);
        if let Some(parent) = parent {
            command.args(["-p", parent.as_str()]);
        }
        oid(&line(must(command.arg(tree.as_str()), b"")?)?)
    }
}

fn oid(text: &str) -> Result<Oid> {
    Oid::parse(text).ok_or_else(|| {
        Error::new(
            ErrorKind::Io,
            format!("run `git`: expected the name of an object, found {text:?}"),
        )
    })
}

fn full(error: &std::io::Error) -> Error {
    let text = format!(
        "write a temporary file: found: {error}; free some space, or name another folder by `TMPDIR`"
    );
    Error::new(ErrorKind::Io, text)
}
