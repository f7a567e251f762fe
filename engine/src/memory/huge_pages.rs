//! Memory that is read from end to end at every step, in huge pages where the system gives them: 2 MiB each on Linux.
//!
//! Why: with pages of 4 KiB a core walks page tables for every few lines that it streams. How much that costs, `docs/speed.md`
//! and the probes of a session say for a machine. Where the system has none, everything works as before, only slower; [`HugePages::huge_size`] says what
//! there is.

use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
};

use memmap2::{MmapMut, MmapOptions};

use crate::{Error, ErrorKind, Result};

/// Bytes of a huge page.
pub(super) const HUGE_PAGE: usize = 2 << 20;
/// Bytes that one thread copies before it sees to another piece.
const PIECE: usize = 8 * HUGE_PAGE;
/// Bytes of a cache line.
const LINE: usize = 64;

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

    /// Where parts of these lengths start that lie one behind the other, each from a cache line on; and all of their bytes.
    pub fn places(lens: impl IntoIterator<Item = usize>) -> (Vec<usize>, usize) {
        let mut len = 0_usize;
        let starts = lens.into_iter().map(|part| {
            let start = len;
            len += part.next_multiple_of(LINE);
            start
        });
        (starts.collect(), len)
    }

    /// Copies of several slices, where [`HugePages::places`] says, made by so many threads at once.
    ///
    /// # Errors
    /// As [`HugePages::zeroed`].
    pub fn copy_of(parts: &[&[u8]], n_threads: usize) -> Result<Self> {
        // Whole lines but for a part's last piece, so that pieces lie where the parts do.
        let pieces = parts.iter().flat_map(|part| part.chunks(PIECE));
        let pieces = pieces.map(|piece| (piece.len(), piece)).collect();
        Self::filled(pieces, n_threads, |from, to| to.copy_from_slice(from))
    }

    /// Parts of so many bytes each, where [`HugePages::places`] says, written by so many threads at once.
    ///
    /// # Errors
    /// As [`HugePages::zeroed`].
    pub fn filled<T: Send>(
        parts: Vec<(usize, T)>,
        n_threads: usize,
        fill: impl Fn(T, &mut [u8]) + Sync,
    ) -> Result<Self> {
        let (_, len) = Self::places(parts.iter().map(|(len, _)| *len));
        let mut all = Self::zeroed(len)?;
        let mut rest = &mut all[..];
        let mut places = Vec::with_capacity(parts.len());
        for (len, with) in parts {
            let (to, behind) = rest.split_at_mut(len.next_multiple_of(LINE));
            places.push((with, &mut to[..len]));
            rest = behind;
        }
        let places = Mutex::new(places.into_iter());
        let work = || {
            while let Some((with, to)) = {
                let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
                places.next()
            } {
                fill(with, to);
            }
        };
        std::thread::scope(|scope| {
            (1..n_threads).for_each(|_| drop(scope.spawn(work)));
            work();
        });
        Ok(all)
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

/// Asks for as many huge pages as `len` bytes at `start` fill, which the allocator gave; no more than advice.
pub(crate) fn advise<T>(start: *const T, len: usize) {
    #[cfg(target_os = "linux")]
    if let Some(whole) = len.checked_sub(start.addr().next_multiple_of(HUGE_PAGE) - start.addr())
        && whole >= HUGE_PAGE
    {
        let first = start.cast::<libc::c_void>().wrapping_byte_add(len - whole).cast_mut();
        // SAFETY: these pages hold what the allocator gave and nothing else; this advice changes no byte of them, and a system
        // that doesn't know it says so.
        #[expect(unsafe_code, reason = "no safe binding advises about memory of the allocator")]
        let _ = unsafe { libc::madvise(first, whole / HUGE_PAGE * HUGE_PAGE, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, len);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_what_they_are_copies_of_whatever_the_threads() {
        let bytes: Vec<u8> =
            (0..3 * PIECE + 5).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect();
        let lens = [0, 1, 63, 64, 65, 4097, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5];
        for lens in [&lens[..], &lens[3..4], &[]] {
            let parts: Vec<&[u8]> = lens.iter().map(|len| &bytes[bytes.len() - len..]).collect();
            for n_threads in [1, 2, 5] {
                let copy = HugePages::copy_of(&parts, n_threads).unwrap();
                let (starts, len) = HugePages::places(parts.iter().map(|part| part.len()));
                assert_eq!(copy.len(), len);
                assert_eq!(copy.as_ptr().align_offset(HUGE_PAGE), 0);
                for (part, start) in parts.iter().zip(starts) {
                    assert!(copy[start..][..part.len()] == **part, "{} bytes", part.len());
                    assert_eq!(start % LINE, 0);
                }
            }
        }
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
