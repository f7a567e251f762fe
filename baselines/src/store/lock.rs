//! The store's lock: one writer at a time. Held by an open file, so that it ends with the process, however that ends.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
    time::Duration,
};

use crate::{Error, ErrorKind, Result};

/// The lock's file. It stays where it is: only the lock on it comes and goes.
const FILE: &str = ".lock";
/// A write takes some milliseconds, and pruning a full store some seconds.
const TRIES: u32 = 300;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// Locks the store in `root` until the value is dropped.
pub(super) fn lock(root: &Path) -> Result<File> {
    lock_within(root, TRIES)
}

fn lock_within(root: &Path, tries: u32) -> Result<File> {
    let path = root.join(FILE);
    let failed = |found: String| {
        Error::new(
            ErrorKind::Io,
            format!(
                "lock store `{}`: expected that this user can lock `{FILE}` in it, found: {found}",
                root.display()
            ),
        )
    };
    fs::create_dir_all(root).map_err(|error| {
        failed(format!("{error}; make the folder writable, or choose another store folder"))
    })?;
    let open = File::options().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(|error| {
        failed(format!("{error}; make the folder writable, or choose another store folder"))
    })?;
    for _ in 0..tries {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
            Err(TryLockError::Error(error)) => {
                return Err(failed(format!("{error}; choose a store on a file system with locks")));
            }
        }
    }
    let seconds = (BETWEEN_TRIES * tries).as_secs();
    Err(failed(format!("another process held it for {seconds} s; wait until it has ended")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_waits_and_then_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("store");
        let first = lock(&root).unwrap();
        let error = lock_within(&root, 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("another process held it"), "{error}");
        drop(first);
        lock_within(&root, 1).unwrap();
    }
}
