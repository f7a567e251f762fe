//! Files as they were, for the case that what follows fails half-way.
//! In: the paths that will be written. Out: on demand, all of them back, and folders that were made gone.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Error, Result};
use baselines::write_atomic;

use crate::files::READABLE;

/// What lay at some paths of a working tree.
#[derive(Debug, Default)]
pub(super) struct Undo {
    top: PathBuf,
    files: Vec<(String, Option<Vec<u8>>)>,
    /// Folders above them that were not there.
    missing: BTreeSet<PathBuf>,
}

impl Undo {
    /// Of the tree at `top`.
    pub(super) fn below(top: &Path) -> Self {
        Self { top: top.to_owned(), ..Self::default() }
    }

    /// Remembers what lies at `path`.
    pub(super) fn remember(&mut self, path: &str) -> Result<()> {
        let whole = self.top.join(path);
        let above = whole.ancestors().skip(1).take_while(|folder| !folder.exists());
        self.missing.extend(above.map(Path::to_owned));
        self.files.push((path.to_owned(), read(&whole)?));
        Ok(())
    }

    /// Whether something else lies at `path` than was remembered.
    pub(super) fn has_changed(&self, path: &str) -> Result<bool> {
        let found = read(&self.top.join(path))?;
        Ok(self.files.iter().any(|(known, bytes)| known == path && *bytes != found))
    }

    /// `error`, with all put back.
    pub(super) fn after(&self, error: Error) -> Error {
        match self.undo() {
            Ok(()) => error.context("nothing was written"),
            Err(also) => error.context(format!("{also:#}")),
        }
    }

    /// Puts all back, as far as it goes; the first failure is the error.
    fn undo(&self) -> Result<()> {
        let mut done = Ok(());
        for (path, bytes) in &self.files {
            let put = put_back(&self.top.join(path), bytes.as_deref());
            let put = put.with_context(|| format!("failed to put `{path}` back as it was"));
            done = done.and(put);
        }
        // The deepest first. One that somebody else has put something into stays.
        for folder in self.missing.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
        done
    }
}

fn put_back(path: &Path, bytes: Option<&[u8]>) -> Result<()> {
    if read(path)?.as_deref() == bytes {
        return Ok(());
    }
    match bytes {
        Some(bytes) => Ok(write_atomic(path, bytes, READABLE)?),
        None => Ok(fs::remove_file(path)?),
    }
}

/// `None` where there is no such file; nor can there be one below what is no folder.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("failed to read `{}`", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_taken_back_and_what_was_not_is_left() {
        let top = tempfile::tempdir().unwrap();
        let path = |name: &str| top.path().join(name);
        fs::write(path("old"), "old").unwrap();
        fs::write(path("same"), "same").unwrap();
        let mut undo = Undo::below(top.path());
        for path in ["old", "same", "a/b/new", "a/never"] {
            undo.remember(path).unwrap();
        }
        fs::write(path("old"), "new").unwrap();
        fs::create_dir_all(path("a/b")).unwrap();
        fs::write(path("a/b/new"), "new").unwrap();
        let changed = ["old", "same", "a/b/new"].map(|path| undo.has_changed(path).unwrap());
        assert_eq!(changed, [true, false, true]);
        let error = undo.after(anyhow::anyhow!("why"));
        assert_eq!(format!("{error:#}"), "nothing was written: why");
        assert_eq!(fs::read(path("old")).unwrap(), b"old");
        let left = fs::read_dir(top.path()).unwrap().count();
        assert_eq!((left, path("a").exists()), (2, false));
    }

    #[test]
    fn what_cannot_be_put_back_is_named_and_the_rest_is_put_back_all_the_same() {
        let top = tempfile::tempdir().unwrap();
        let path = |name: &str| top.path().join(name);
        let mut undo = Undo::below(top.path());
        for name in ["a", "b"] {
            fs::write(path(name), "old").unwrap();
            undo.remember(name).unwrap();
        }
        fs::remove_file(path("a")).unwrap();
        fs::create_dir(path("a")).unwrap();
        fs::write(path("b"), "new").unwrap();
        let error = format!("{:#}", undo.after(anyhow::anyhow!("why")));
        assert!(error.starts_with("failed to put `a` back") && error.ends_with(": why"), "{error}");
        assert_eq!(fs::read(path("b")).unwrap(), b"old");
    }
}
