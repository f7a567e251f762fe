//! Memory that is read from end to end at every step, in huge pages where the system gives them: 2 MiB each on Linux.
//!
//! Why: with pages of 4 KiB a core walks page tables for every few lines that it streams. How much that costs, `docs/speed.md`
//! and the probes of a session say for a machine. Where the system has none, everything works as before, only slower; [`HugePages::huge_size`] says what
//! there is.

use std::{
    fs::File,
    io,
    ops::{Deref, DerefMut},
    path::Path,
};

use memmap2::{MmapMut, MmapOptions};

use crate::{Error, ErrorKind, Result};

/// Bytes of a huge page.
const HUGE_PAGE: usize = 2 << 20;
/// Bytes that one thread reads of a file before it sees to another piece.
const PIECE: usize = 8 * HUGE_PAGE;

/// Bytes of their own, zero at first: not the allocator's, and not a file's.
#[derive(Debug)]
pub struct HugePages {
    map: MmapMut,
    /// Where the first huge page starts.
    start: usize,
    len: usize,
}

impl HugePages {
    /// So many zeros.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`] if the system has no room for them.
    pub fn zeroed(len: usize) -> Result<Self> {
        let no_room = || {
            let text = format!("weights: the system has no room for a copy of {len} bytes");
            Error::new(ErrorKind::OutOfMemory, text)
        };
        let size = len.checked_add(HUGE_PAGE).ok_or_else(no_room)?;
        let map = MmapOptions::new().len(size).map_anon().map_err(|_| no_room())?;
        #[cfg(target_os = "linux")]
        // A system without huge pages refuses the advice, and its other pages do.
        let _ = map.advise(memmap2::Advice::HugePage);
        let start = map.as_ptr().align_offset(HUGE_PAGE);
        Ok(Self { map, start, len })
    }

    /// A copy of the file at `path`, read by so many threads at once.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it can't be opened or read, or changes its length meanwhile; as [`HugePages::zeroed`].
    pub fn of_file(path: &Path, n_threads: usize) -> Result<Self> {
        let io = |verb: &str, e: io::Error| {
            Error::new(ErrorKind::Io, format!("{verb} model file `{}`: {e}", path.display()))
        };
        let file = File::open(path).map_err(|e| io("open", e))?;
        let metadata = file.metadata().map_err(|e| io("examine", e))?;
        if !metadata.is_file() {
            let text = format!("open model file `{}`: expected a regular file", path.display());
            return Err(Error::new(ErrorKind::Io, text));
        }
        let len = usize::try_from(metadata.len())
            .map_err(|_| io("read", io::ErrorKind::FileTooLarge.into()))?;
        let mut copy = Self::zeroed(len)?;
        read(&file, &mut copy, n_threads).map_err(|e| io("read", e))?;
        Ok(copy)
    }

    /// How many of these bytes lie in huge pages; `None` where the system does not say.
    #[must_use]
    pub fn huge_size(&self) -> Option<usize> {
        let first = self.as_ptr().addr();
        let text = std::fs::read_to_string("/proc/self/smaps").ok()?;
        huge_size(&text, first..first + self.len)
    }
}

impl Deref for HugePages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map[self.start..][..self.len]
    }
}

impl DerefMut for HugePages {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.map[self.start..][..self.len]
    }
}

/// Fills `bytes` from the start of `file`, piece by piece.
fn read(file: &File, bytes: &mut [u8], n_threads: usize) -> io::Result<()> {
    let pieces = std::sync::Mutex::new(bytes.chunks_mut(PIECE).enumerate());
    let work = || {
        loop {
            let next = pieces.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
            let Some((i, piece)) = next else { return Ok(()) };
            read_at(file, piece, (i * PIECE) as u64)?;
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..n_threads).map(|_| scope.spawn(work)).collect();
        let mine: io::Result<()> = work();
        others.into_iter().fold(mine, |result, other| {
            result.and(other.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)))
        })
    })
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[n..];
        offset += n as u64;
    }
    Ok(())
}

/// What `smaps` says of a range: the huge pages of the mappings that it lies in.
fn huge_size(smaps: &str, range: std::ops::Range<usize>) -> Option<usize> {
    let mut total = None;
    let mut overlap = 0;
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        let first = words.next()?;
        if let Some((start, end)) = first.split_once('-')
            && let (Ok(start), Ok(end)) =
                (usize::from_str_radix(start, 16), usize::from_str_radix(end, 16))
        {
            overlap = end.min(range.end).saturating_sub(start.max(range.start));
        } else if first == "AnonHugePages:" && overlap > 0 {
            let kib: usize = words.next()?.parse().ok()?;
            total = Some(total.unwrap_or(0) + (kib << 10).min(overlap));
        }
    }
    total
}

/// Asks for huge pages for `len` bytes at `start` that the allocator gave; no more than advice.
pub(crate) fn advise<T>(start: *const T, len: usize) {
    #[cfg(target_os = "linux")]
    if len >= HUGE_PAGE {
        let page = rustix::param::page_size();
        let before = start.addr() % page;
        let first = start.cast::<libc::c_void>().wrapping_byte_sub(before).cast_mut();
        // SAFETY: the pages hold what the allocator gave and what else it keeps there; this advice changes no byte of them,
        // and a system that doesn't know it says so.
        #[expect(unsafe_code, reason = "no safe binding advises about memory of the allocator")]
        let _ = unsafe {
            libc::madvise(first, (before + len).next_multiple_of(page), libc::MADV_HUGEPAGE)
        };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, len);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_the_file_whatever_the_threads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for len in [0, 1, 4097, HUGE_PAGE, PIECE - 1, PIECE + 1, 3 * PIECE + 5] {
            let bytes: Vec<u8> = (0..len).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect();
            std::fs::write(&path, &bytes).unwrap();
            for n_threads in [1, 2, 5] {
                let copy = HugePages::of_file(&path, n_threads).unwrap();
                assert!(*copy == bytes, "{len} bytes, {n_threads} threads");
                assert_eq!(copy.as_ptr().align_offset(HUGE_PAGE), 0);
            }
        }
        let error = HugePages::of_file(folder.path(), 2).unwrap_err();
        assert!(error.to_string().contains("expected a regular file"), "{error}");
        let error = HugePages::of_file(&folder.path().join("none"), 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
    }

    #[test]
    fn a_file_that_shrank_is_an_error() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(100).unwrap();
        assert!(read(&file, &mut [0; 101], 2).is_err());
        read(&file, &mut [0; 100], 2).unwrap();
    }

    #[test]
    fn no_room_is_an_error() {
        assert_eq!(HugePages::zeroed(usize::MAX).unwrap_err().kind(), ErrorKind::OutOfMemory);
        assert_eq!(HugePages::zeroed(1 << 62).unwrap_err().kind(), ErrorKind::OutOfMemory);
    }

    #[test]
    fn what_smaps_says_is_cut_to_the_range() {
        let smaps = "1000-3000 rw-p 0 00:00 0 \nRss: 8 kB\nAnonHugePages:    4 kB\n\
                     3000-9000 rw-p 0 00:00 0 [heap]\nAnonHugePages:  2048 kB\n\
                     a000-b000 r--p 0 00:00 0 /x-y\nAnonHugePages: 4 kB\n";
        for (range, want) in [
            (0x1000..0x2000, Some(4096)),
            (0x1000..0x4000, Some(4096 + 0x1000)),
            (0x3000..0x9000, Some(0x6000)),
            (0x9000..0xa000, None),
            (0xa800..0xc000, Some(0x800)),
        ] {
            assert_eq!(huge_size(smaps, range.clone()), want, "{range:x?}");
        }
    }
}
