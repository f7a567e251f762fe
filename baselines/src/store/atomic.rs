//! Atomic file writes: a reader sees the old file or the new one, whole, whatever happens in between.

use std::{fs::File, io, io::Write as _, path::Path};

use crate::{Error, ErrorKind, Result};

/// Mode of a file that is read.
pub const READABLE: u32 = 0o644;
/// Mode of a file that is run.
pub const EXECUTABLE: u32 = 0o755;

/// Writes `bytes` to `path`: temporary file in the same folder, fsync, rename, fsync of the folder.
///
/// `mode` are the Unix permission bits, e.g. [`READABLE`]; other systems ignore them. The folder must exist.
///
/// # Errors
///
/// `Io`, naming the file, the reason and the way out. No temporary file is left behind.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    write_with(path, mode, |file| file.write_all(bytes))
}

/// As [`write()`], of what `fill` writes: for a file that is larger than memory should hold. Returns what `fill` returns.
///
/// # Errors
///
/// As [`write()`]; an error of `fill` leaves the old file.
pub fn write_with<T>(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut File) -> io::Result<T>,
) -> Result<T> {
    // An empty parent means a bare file name: the current folder.
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    replace(path, folder, mode, fill).map_err(|error| {
        let (path, folder) = (path.display(), folder.display());
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let text = if full {
            format!(
                "write `{path}`: expected room for it on the disk of `{folder}`, found: {error}; free some, or choose a \
                 folder on another disk"
            )
        } else {
            format!(
                "write `{path}`: expected a folder `{folder}` that this user can write to, found: {error}; make it \
                 writable, or choose another folder"
            )
        };
        Error::new(ErrorKind::Io, text)
    })
}

fn replace<T>(
    path: &Path,
    folder: &Path,
    mode: u32,
    fill: impl FnOnce(&mut File) -> io::Result<T>,
) -> io::Result<T> {
    // Dropped on every early return, and deleted with it.
    let mut file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder)?;
    let filled = fill(file.as_file_mut())?;
    set_mode(file.as_file(), mode)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)?;
    Ok(filled)
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

/// Makes the rename itself durable. Folders cannot be opened as files outside Unix, where the rename is enough.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        write(&path, b"long old content", READABLE).unwrap();
        write(&path, b"new", READABLE).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["a.json"]);
    }

    #[test]
    fn a_failed_write_leaves_no_partial_file_and_names_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        // A folder cannot be replaced by a file: the write fails at the last step, the rename.
        let path = dir.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        let error = write(&path, b"new", READABLE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(
            error.to_string().contains("taken") && error.to_string().contains("choose another"),
            "{error}"
        );
        assert_eq!(names(dir.path()), ["taken"]);

        let error = write(&dir.path().join("missing/a.json"), b"new", READABLE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(names(dir.path()), ["taken"]);
    }

    #[test]
    fn a_file_whose_writer_fails_half_way_is_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        write(&path, b"old", READABLE).unwrap();
        for (kind, way_out) in [
            (io::ErrorKind::StorageFull, "free some"),
            (io::ErrorKind::QuotaExceeded, "free some"),
            (io::ErrorKind::Other, "choose another folder"),
        ] {
            let filled: Result<()> = write_with(&path, READABLE, |file| {
                file.write_all(b"ne")?;
                Err(kind.into())
            });
            let error = filled.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(error.to_string().contains(way_out), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), b"old");
            assert_eq!(names(dir.path()), ["a.json"]);
        }
        assert_eq!(write_with(&path, READABLE, |_| Ok(7)).unwrap(), 7);
    }

    #[cfg(unix)]
    #[test]
    fn the_mode_is_the_one_asked_for() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        for mode in [READABLE, EXECUTABLE] {
            let path = dir.path().join("file");
            write(&path, b"", mode).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
    }
}
