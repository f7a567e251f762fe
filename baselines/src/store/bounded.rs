//! A file read into memory: a regular one, of a stated size at most, whatever its metadata says.
//! In: a path, a number of bytes. Out: the content. A pipe may never end, and has no size before it has.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use super::dir::unreadable;
use crate::{Error, ErrorKind, Result};

/// The content of `path`.
///
/// # Errors
///
/// `NotFound`; `Malformed` for anything but a regular file, and for one of more than `most` bytes; `Io` if it cannot be read.
pub fn read(path: &Path, most: usize) -> Result<Vec<u8>> {
    let failed = |error: &io::Error| {
        if error.kind() == io::ErrorKind::NotFound {
            let text = format!("read `{}`: expected a file, found none", path.display());
            return Error::new(ErrorKind::NotFound, text);
        }
        unreadable(path, error)
    };
    let malformed = |expected: &str, found: &str| {
        let text = format!("read `{}`: expected {expected}, found {found}", path.display());
        Error::new(ErrorKind::Malformed, text)
    };
    // Before it is opened: to open a pipe is to wait for its writer.
    let metadata = fs::metadata(path).map_err(|error| failed(&error))?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(malformed("a regular file", found));
    }
    let too_large = |found: &str| malformed(&format!("at most {most} bytes"), found);
    if metadata.len() > most as u64 {
        return Err(too_large(&metadata.len().to_string()));
    }
    // Files of `/proc` say that they are empty, and a file may grow while it is read.
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| failed(&error))?;
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() > most {
        return Err(too_large("more"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: C1.
    #[test]
    fn a_file_is_read_up_to_its_bound_and_not_a_byte_beyond() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        let found = read(&path, 4).unwrap_err();
        assert_eq!(found.kind(), ErrorKind::Malformed);
        assert!(found.to_string().contains("expected at most 4 bytes, found 5"), "{found}");
        assert_eq!(read(folder.path(), 4).unwrap_err().kind(), ErrorKind::Malformed);
        assert_eq!(read(&folder.path().join("other"), 4).unwrap_err().kind(), ErrorKind::NotFound);
    }

    /// Requirement: C1.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_has_no_size_is_bounded_all_the_same() {
        // A regular file that says it is empty, and a device that never ends.
        let path = Path::new("/proc/self/status");
        assert!(!read(path, 1 << 20).unwrap().is_empty());
        let found = read(path, 8).unwrap_err();
        assert!(found.to_string().contains("expected at most 8 bytes, found more"), "{found}");
        let found = read(Path::new("/dev/zero"), 8).unwrap_err();
        assert_eq!(found.kind(), ErrorKind::Malformed);
        assert!(found.to_string().contains("found a pipe or a device"), "{found}");
    }
}
