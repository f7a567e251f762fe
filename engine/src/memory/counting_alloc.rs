//! The system's allocator, with a counter that is off: what a stretch of work asks for, and by all threads.
//!
//! In: a program that names [`CountingAllocator`] as its global allocator. Out: requests, bytes and what was given back while
//! counting is on. Off,
//! it costs a request one look at a flag; two locked additions to every request would be a tenth of a model's
//! load.

#![expect(
    unsafe_code,
    reason = "an allocator is one by an unsafe trait; each method hands on to the system's"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

/// How often counting was turned on and not off again.
static COUNTING: AtomicUsize = AtomicUsize::new(0);
static REQUESTS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);

/// The system's allocator; counts while [`set_counting`] says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAllocator;

/// What was asked for while counting was on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// Allocations and reallocations.
    pub requests: u64,
    /// Bytes of the former, and what the latter grew by.
    pub bytes: u64,
    /// Bytes given back while counting was on, and what reallocations shrank by.
    pub freed: u64,
}

impl Allocations {
    /// What came after `before`.
    #[must_use]
    pub const fn since(&self, before: &Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            bytes: self.bytes - before.bytes,
            freed: self.freed - before.freed,
        }
    }

    /// Both together.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            bytes: self.bytes + other.bytes,
            freed: self.freed + other.freed,
        }
    }

    /// Bytes asked for and not given back; negative where what was asked for earlier was given back.
    #[must_use]
    pub const fn live(&self) -> i64 {
        self.bytes.cast_signed() - self.freed.cast_signed()
    }
}

/// Turns counting on or off, for all threads. Calls nest: it is off once each of those that turned it on has been taken back.
pub fn set_counting(on: bool) {
    if on {
        COUNTING.fetch_add(1, Relaxed);
    } else {
        COUNTING.fetch_sub(1, Relaxed);
    }
}

/// The sums since the process started.
#[must_use]
pub fn allocations() -> Allocations {
    Allocations {
        requests: REQUESTS.load(Relaxed),
        bytes: BYTES.load(Relaxed),
        freed: FREED.load(Relaxed),
    }
}

#[inline]
fn note(bytes: usize) {
    if COUNTING.load(Relaxed) > 0 {
        REQUESTS.fetch_add(1, Relaxed);
        BYTES.fetch_add(bytes as u64, Relaxed);
    }
}

#[inline]
fn note_freed(bytes: usize) {
    if COUNTING.load(Relaxed) > 0 {
        FREED.fetch_add(bytes as u64, Relaxed);
    }
}

// SAFETY: every method hands its arguments to the system's allocator as they came and returns what that returns; counting
// allocates nothing and cannot unwind.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        note_freed(layout.size());
        // SAFETY: as above; `place` came from the system's allocator, as all that this one gives.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note(new_size.saturating_sub(layout.size()));
        note_freed(layout.size().saturating_sub(new_size));
        // SAFETY: as in `dealloc`; `new_size` is the caller's promise as well.
        unsafe { System.realloc(place, layout, new_size) }
    }
}
