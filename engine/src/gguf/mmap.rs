//! The file as bytes, without reading it: the crate's only unsafe input.
//! In: a path. Out: a mapping of the whole file, read-only, and how much of it the system's cache holds.

use std::{ops::Range, path::Path};

use crate::{Error, ErrorKind, Result};

/// A file mapped into memory, pages shared with the system's cache.
#[derive(Debug)]
pub struct Mapping(memmap2::Mmap);

impl Mapping {
    /// Maps the file at `path`. An empty file maps to no bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the file cannot be opened or mapped.
    pub fn open(path: &Path) -> Result<Self> {
        let io = |verb: &str, e: std::io::Error| {
            Error::new(ErrorKind::Io, format!("{verb} model file `{}`: {e}", path.display()))
        };
        let file = std::fs::File::open(path).map_err(|e| io("open", e))?;
        let is_file = file.metadata().map_err(|e| io("examine", e))?.is_file();
        if !is_file {
            let text = format!("open model file `{}`: expected a regular file", path.display());
            return Err(Error::new(ErrorKind::Io, text));
        }
        // SAFETY: the mapping is private to this process and read-only. A model file must not be truncated or rewritten
        // while a model is open; every mapping reader relies on that and no portable call can enforce it.
        #[expect(unsafe_code, reason = "a map of a file is only as constant as the file")]
        let map = unsafe { memmap2::Mmap::map(&file) };
        map.map(Self).map_err(|e| io("map", e))
    }

    /// The whole file.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Gives back the pages that lie wholly in a range: they stay in the system's cache, and come back when they are read.
    pub(crate) fn release(&self, range: Range<usize>) {
        #[cfg(unix)]
        {
            let page = rustix::param::page_size();
            let start = range.start.next_multiple_of(page);
            let len = (range.end / page * page).saturating_sub(start);
            if len > 0 {
                // SAFETY: a read-only map of a file holds nothing that the file does not; its pages are read again from there.
                #[expect(unsafe_code, reason = "the advice drops what other maps may have written")]
                let _ = unsafe {
                    self.0.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, start, len)
                };
            }
        }
        #[cfg(not(unix))]
        let _ = range;
    }

    /// Bytes of the file that the system's page cache holds, in whole pages; `None` where the system does not say.
    #[must_use]
    pub fn cached_size(&self) -> Option<usize> {
        #[cfg(target_os = "linux")]
        {
            let page = rustix::param::page_size();
            let mut pages = vec![0_u8; self.0.len().div_ceil(page)];
            // SAFETY: the range is that of the mapping, which starts on a page; the vector has a byte for each of its pages.
            #[expect(unsafe_code, reason = "no safe binding asks this")]
            let done = unsafe {
                libc::mincore(self.0.as_ptr().cast_mut().cast(), self.0.len(), pages.as_mut_ptr())
            };
            let cached = pages.iter().filter(|page| **page & 1 == 1).count() * page;
            (done == 0).then_some(cached.min(self.0.len()))
        }
        #[cfg(not(target_os = "linux"))]
        None
    }
}

/// Writes the file at `path` to its disk and asks the system to drop it from its page cache.
///
/// What a process has mapped and read stays, and so does a file that has no disk: look at [`Mapping::cached_size`] afterwards.
///
/// # Errors
/// [`ErrorKind::Io`] if the file cannot be opened or written, or the system has no such call.
pub fn evict(path: &Path) -> Result<()> {
    let io = |e: std::io::Error| {
        let text = format!("drop file `{}` from the page cache: {e}", path.display());
        Error::new(ErrorKind::Io, text)
    };
    let file = std::fs::File::open(path).map_err(io)?;
    file.sync_all().map_err(io)?;
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Advice, fadvise};
        fadvise(&file, 0, None, Advice::DontNeed).map_err(|e| io(e.into()))
    }
    #[cfg(not(target_os = "linux"))]
    Err(io(std::io::ErrorKind::Unsupported.into()))
}
