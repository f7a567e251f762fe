//! Where the files go: the top of a working tree, paths that do not lead out of it, folders that can be written to.
//! In: paths and texts. Out: what stands there already, and the writing; or an error before anything is written.

use std::{
    fs::{self, FileType},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use baselines::write_atomic;

use super::{Outcome, State, ignore, workflows};
use crate::{build::Repository, files::READABLE};

/// The top of the working tree that `folder` is the top of, with a Cargo.toml.
pub(super) fn top(folder: &Path) -> Result<PathBuf> {
    let repository = Repository::look(folder)?.map_err(|said| {
        anyhow::anyhow!(
            "failed to set up the gate: expected a git working tree, found none ({said}); run in a clone, or `git init` first"
        )
    })?;
    let (top, prefix) = (repository.top(), repository.prefix());
    ensure!(
        prefix.as_os_str().is_empty(),
        "failed to set up the gate: expected the top of the working tree, where workflows and policy are looked for, found its \
         folder `{}`; run in `{}`",
        prefix.display(),
        top.display()
    );
    ensure!(
        top.join("Cargo.toml").is_file(),
        "failed to set up the gate: expected a Cargo.toml at the top of the working tree, `{}`, found none; `cargo init` makes one",
        top.display()
    );
    Ok(top.to_owned())
}

/// What lies at `path`; `None` where nothing does.
fn kind(path: &Path) -> Result<Option<FileType>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("failed to look at `{}`", path.display())),
    }
}

/// That `path` below `top` is a file or nothing, in folders or nothing: a link could lead anywhere, and git would not see what
/// is written through it.
pub(super) fn check(top: &Path, path: &str) -> Result<()> {
    let parts: Vec<&str> = path.split('/').collect();
    let mut at = top.to_owned();
    for (idx, part) in parts.iter().enumerate() {
        at.push(part);
        let Some(found) = kind(&at)? else { return Ok(()) };
        let is_last = idx + 1 == parts.len();
        let expected = if is_last { "a file" } else { "a folder" };
        let fits = if is_last { found.is_file() } else { found.is_dir() };
        if !fits {
            bail!(
                "failed to write `{path}`: expected {expected} at `{}` or nothing, found {}; move it away",
                parts[..=idx].join("/"),
                if found.is_symlink() {
                    "a symbolic link"
                } else if found.is_dir() {
                    "a folder"
                } else {
                    "what is no folder"
                }
            );
        }
    }
    Ok(())
}

/// That files can be made at `paths` below `top`; nothing is.
pub(super) fn check_writable<'a>(top: &Path, paths: impl Iterator<Item = &'a str>) -> Result<()> {
    for path in paths {
        let whole = top.join(path);
        let folder = whole.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(top);
        tempfile::tempfile_in(folder).with_context(|| {
            format!(
                "failed to write `{path}`: expected a folder `{}` that this user can write to; make it writable",
                folder.display()
            )
        })?;
    }
    Ok(())
}

/// A file as it is to be, and what stands there now.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) path: &'static str,
    bytes: Vec<u8>,
    /// `Wrote` is what will be done.
    pub(super) state: State,
    note: &'static str,
}

impl Planned {
    /// A file of ours alone.
    pub(super) fn whole(top: &Path, path: &'static str, text: String) -> Result<Self> {
        Self::new(top, path, text, |found, bytes| found == bytes)
    }

    /// A workflow; `may_differ`: by the action, which has to be filled in by hand.
    pub(super) fn workflow(
        top: &Path,
        path: &'static str,
        text: String,
        may_differ: bool,
    ) -> Result<Self> {
        let filled_in = |found: &[u8], bytes: &[u8]| {
            let (found, text) = (str::from_utf8(found), str::from_utf8(bytes));
            let both = found.ok().zip(text.ok());
            may_differ && both.is_some_and(|(found, text)| workflows::is_filled_in(text, found))
        };
        Self::new(top, path, text, |found, bytes| found == bytes || filled_in(found, bytes))
    }

    fn new(
        top: &Path,
        path: &'static str,
        text: String,
        is_same: impl Fn(&[u8], &[u8]) -> bool,
    ) -> Result<Self> {
        let bytes = text.into_bytes();
        let state = match read(top, path)? {
            None => State::Wrote,
            Some(found) if is_same(&found, &bytes) => State::There,
            Some(_) => State::Kept,
        };
        let note = match state {
            State::Kept => {
                "yours differs: move it away, run `bench init` again, and take over what you need"
            }
            State::Wrote | State::There => "",
        };
        Ok(Self { path, bytes, state, note })
    }

    /// A file of the user's that gets lines.
    pub(super) fn lines(top: &Path, path: &'static str, lines: &[String]) -> Result<Self> {
        let old = read(top, path)?.unwrap_or_default();
        let new = ignore::extended(&old, lines);
        let state = if new.is_some() { State::Wrote } else { State::There };
        let note = if new.is_some() && !old.is_empty() { "lines at its end" } else { "" };
        Ok(Self { path, bytes: new.unwrap_or(old), state, note })
    }

    /// Writes what is to be written.
    pub(super) fn write(&self, top: &Path) -> Result<()> {
        if self.state == State::Wrote { write(top, self.path, &self.bytes) } else { Ok(()) }
    }

    pub(super) fn outcome(&self) -> Outcome {
        Outcome { path: self.path.to_owned(), state: self.state, note: self.note.to_owned() }
    }
}

/// Makes the folders of `path` below `top`, and the file.
pub(super) fn write(top: &Path, path: &str, bytes: &[u8]) -> Result<()> {
    // Again, as the folders may have changed since the plan.
    check(top, path)?;
    let whole = top.join(path);
    if let Some(folder) = whole.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("failed to make the folder of `{path}`"))?;
    }
    write_atomic(&whole, bytes, READABLE).with_context(|| format!("failed to write `{path}`"))
}

fn read(top: &Path, path: &str) -> Result<Option<Vec<u8>>> {
    if kind(&top.join(path))?.is_none() {
        return Ok(None);
    }
    let read = fs::read(top.join(path));
    read.map(Some).with_context(|| format!("failed to read `{path}`"))
}
