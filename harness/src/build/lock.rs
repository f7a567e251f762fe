//! One build at a time in a cache: the others wait, and say so.
//! In: the lock file's path. Out: the lock, held until it is dropped, also by a process that dies.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
};

use anyhow::{Context as _, Result};

use crate::progress::Progress;

/// Waits for the lock at `path` and takes it.
pub(super) fn hold(path: &Path, progress: &Progress) -> Result<File> {
    let at_fault = || format!("failed to lock `{}`", path.display());
    fs::create_dir_all(path.parent().unwrap_or(path)).with_context(at_fault)?;
    // What is in it does not matter; truncating would, on a file that another process holds.
    let open = File::options().create(true).truncate(false).write(true).open(path);
    let file = open.with_context(at_fault)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress.note(&format!("waiting for another build (lock `{}`)", path.display()));
            file.lock().with_context(at_fault)?;
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(at_fault),
    }
    Ok(file)
}
