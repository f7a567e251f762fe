//! A fixed pool of threads and a deterministic split of rows.
//! In: a job as a closure and the outputs it may write. Out: each part of the outputs written by exactly one thread.
//!
//! Why not a work-stealing pool: a decode step of a small model is some forty parallel regions of a few microseconds, so
//! the hand-over must cost less than one; and the split must depend on nothing but the number of threads. Workers spin
//! for a moment after a region, then park. No sum crosses a split, so the number of threads never changes a bit.

#![expect(
    unsafe_code,
    reason = "hands closures and disjoint column strips to threads; the only such place"
)]

use std::{
    any::Any,
    marker::PhantomData,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle, Thread},
};

use crate::cpus;

/// Turns of the spin loop before a waiting worker parks: some 100 µs, longer than the gap between two regions.
const SPINS_BEFORE_PARK: u32 = 2_000;
/// Turns of the spin loop between two offers of the CPU to whoever else wants it (a few microseconds): where another
/// program, or the very thread that is waited for, stands in the queue of this CPU, spinning on would only keep it there.
const SPINS_BEFORE_YIELD: u32 = 64;

type Job<'a> = &'a (dyn Fn(usize) + Sync);

/// State shared by the caller and the workers.
#[derive(Debug)]
struct Shared {
    /// Raised by one for every region.
    epoch: AtomicU64,
    /// Points at the region's `Job` while `pending > 0`.
    job: AtomicPtr<()>,
    /// Workers that have not finished the region.
    pending: AtomicUsize,
    stop: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

#[derive(Debug)]
struct Worker {
    parked: Arc<AtomicBool>,
    thread: Thread,
    handle: Option<JoinHandle<()>>,
}

/// A fixed number of threads, the caller among them.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<Worker>,
    /// Held for the length of a region: a second caller waits instead of overwriting the job.
    region: Mutex<()>,
    /// Turns that callers waited for others at the ends of regions. Written by whoever holds `region`.
    waited: AtomicU64,
}

impl Pool {
    /// A pool of `threads` threads (at least one: the caller).
    ///
    /// # Panics
    /// If the system can't start a thread.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        // More threads than CPUs: spinning would take the CPU from the thread that is waited for.
        let cpus = thread::available_parallelism().map_or(1, usize::from);
        let spins = if threads > cpus { 0 } else { SPINS_BEFORE_PARK };
        Self::start(threads, spins, |_| None)
    }

    /// A pool of one thread per entry of `cpus` (at least one), each kept on its CPU, but for the first: that is the
    /// caller, who keeps itself there (see [`crate::cpus`]) or not.
    ///
    /// # Panics
    /// If the system can't start a thread.
    #[must_use]
    pub fn on_cpus(cpus: &[usize]) -> Self {
        Self::start(cpus.len(), SPINS_BEFORE_PARK, |part| cpus.get(part).copied())
    }

    fn start(threads: usize, spins: u32, cpu: impl Fn(usize) -> Option<usize>) -> Self {
        let shared = Arc::new(Shared {
            epoch: AtomicU64::new(0),
            job: AtomicPtr::new(std::ptr::null_mut()),
            pending: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        let workers = (1..threads.max(1))
            .map(|part| {
                let shared = Arc::clone(&shared);
                let parked = Arc::new(AtomicBool::new(false));
                let flag = Arc::clone(&parked);
                let cpu = cpu(part);
                let handle = thread::Builder::new()
                    .name(format!("engine-{part}"))
                    .spawn(move || {
                        // Where the system won't, the thread runs where it likes.
                        let _ = cpu.map(cpus::stay_on);
                        work(&shared, &flag, part, spins);
                    })
                    .expect("the system can start a thread");
                Worker { parked, thread: handle.thread().clone(), handle: Some(handle) }
            })
            .collect();
        Self { shared, workers, region: Mutex::new(()), waited: AtomicU64::new(0) }
    }

    /// Number of threads, the caller included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Turns of a loop ([`spin`]) in which callers, done with their own parts, waited for the others, since the pool was made.
    /// Parts of one length end together: the first thread then waits for next to none.
    #[must_use]
    pub fn waited_turns(&self) -> u64 {
        self.waited.load(Ordering::Relaxed)
    }

    /// Calls `job(part)` once for every part in `0..threads()`, each on its own thread, and returns when all are done.
    /// A panic in any part is raised again here.
    pub fn run(&self, job: &(dyn Fn(usize) + Sync)) {
        if self.workers.is_empty() {
            job(0);
            return;
        }
        let region = self.region.lock().unwrap_or_else(PoisonError::into_inner);
        let job: Job<'_> = job;
        // A pointer to the fat reference on this stack frame; workers only follow it while `pending > 0`.
        self.shared.job.store(std::ptr::from_ref(&job).cast_mut().cast(), Ordering::Relaxed);
        self.shared.pending.store(self.workers.len(), Ordering::Relaxed);
        self.shared.epoch.fetch_add(1, Ordering::SeqCst);
        for worker in &self.workers {
            if worker.parked.load(Ordering::SeqCst) {
                worker.thread.unpark();
            }
        }
        let mine = catch_unwind(AssertUnwindSafe(|| job(0)));
        let mut spins = 0_u32;
        while self.shared.pending.load(Ordering::Acquire) > 0 {
            spins = spins.wrapping_add(1);
            pause(spins);
        }
        if spins > 0 {
            let waited = self.waited.load(Ordering::Relaxed) + u64::from(spins);
            self.waited.store(waited, Ordering::Relaxed);
        }
        drop(region);
        let theirs = self.shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(payload) = mine.err().or(theirs) {
            resume_unwind(payload);
        }
    }

    /// Splits several row-major matrices among the threads and calls `job` with one strip of each. The split depends only
    /// on the matrices' sizes and units and on the number of threads.
    pub fn strips<const N: usize>(
        &self,
        by: Split,
        outs: [Columns<'_>; N],
        job: impl Fn([Strip<'_>; N]) + Sync,
    ) {
        let parts = self.threads();
        let outs = outs.map(RawColumns::from);
        self.run(&|part| {
            job(std::array::from_fn(|i| {
                let raw = &outs[i];
                let (rows, columns) = match by {
                    Split::Columns => (0..raw.n_rows, split(raw.width, raw.unit, part, parts)),
                    Split::Rows => (split(raw.n_rows, 1, part, parts), 0..raw.width),
                };
                Strip { data: raw.data, width: raw.width, rows, columns, lifetime: PhantomData }
            }));
        });
    }

    /// Splits rows among the threads and calls `job(row, a_row, b_row, c_row)` for each; each array comes with its
    /// values a row.
    ///
    /// # Panics
    /// If the arrays don't have the same number of whole rows.
    pub fn rows<A: Send, B: Send, C: Send>(
        &self,
        (a, width_a): (&mut [A], usize),
        (b, width_b): (&mut [B], usize),
        (c, width_c): (&mut [C], usize),
        job: impl Fn(usize, &mut [A], &mut [B], &mut [C]) + Sync,
    ) {
        let n_rows = a.len() / width_a;
        let same = b.len() / width_b == n_rows && c.len() / width_c == n_rows;
        assert!(same, "all arrays have {n_rows} rows");
        let each = |first: usize, a: &mut [A], b: &mut [B], c: &mut [C]| {
            let rows = a.chunks_exact_mut(width_a).zip(b.chunks_exact_mut(width_b));
            for (i, ((a, b), c)) in rows.zip(c.chunks_exact_mut(width_c)).enumerate() {
                job(first + i, a, b, c);
            }
        };
        let parts = self.threads();
        if n_rows <= 1 || parts == 1 {
            each(0, a, b, c);
            return;
        }
        let (mut a, mut b, mut c) = (a, b, c);
        let mut pieces = Vec::with_capacity(parts);
        for part in 0..parts {
            let rows = split(n_rows, 1, part, parts);
            let (a_part, a_rest) = a.split_at_mut(rows.len() * width_a);
            let (b_part, b_rest) = b.split_at_mut(rows.len() * width_b);
            let (c_part, c_rest) = c.split_at_mut(rows.len() * width_c);
            pieces.push(Mutex::new(Some((rows.start, a_part, b_part, c_part))));
            (a, b, c) = (a_rest, b_rest, c_rest);
        }
        self.run(&|part| {
            let piece = pieces[part].lock().unwrap_or_else(PoisonError::into_inner).take();
            let (first, a, b, c) = piece.expect("each part runs once");
            each(first, a, b, c);
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.epoch.fetch_add(1, Ordering::SeqCst);
        for worker in &mut self.workers {
            worker.thread.unpark();
            if let Some(handle) = worker.handle.take() {
                drop(handle.join());
            }
        }
    }
}

/// The part-th of `parts` contiguous ranges that cover `0..len` in whole units (the last takes the remainder).
pub(crate) fn split(len: usize, unit: usize, part: usize, parts: usize) -> Range<usize> {
    let units = len.div_ceil(unit);
    let start = (units * part / parts * unit).min(len);
    let end = (units * (part + 1) / parts * unit).min(len);
    start..end
}

/// Waits for so many turns, as a thread of a [`Pool`] does for the others.
pub fn spin(turns: u32) {
    (1..=turns).for_each(pause);
}

/// One turn of a spin loop.
fn pause(turn: u32) {
    if turn.is_multiple_of(SPINS_BEFORE_YIELD) {
        thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

fn work(shared: &Shared, parked: &AtomicBool, part: usize, spins_before_park: u32) {
    let mut seen = 0;
    loop {
        let mut spins = 0;
        loop {
            let epoch = shared.epoch.load(Ordering::Acquire);
            if epoch != seen {
                seen = epoch;
                break;
            }
            if spins < spins_before_park {
                spins += 1;
                pause(spins);
                continue;
            }
            parked.store(true, Ordering::SeqCst);
            if shared.epoch.load(Ordering::SeqCst) == seen {
                thread::park();
            }
            parked.store(false, Ordering::SeqCst);
        }
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let job = shared.job.load(Ordering::Relaxed).cast::<Job<'_>>().cast_const();
        // SAFETY: `run` stored this pointer before it raised the epoch, and its frame stays alive until `pending` is 0,
        // which this thread lowers only after the call.
        let job = unsafe { *job };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| job(part))) {
            shared.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(payload);
        }
        shared.pending.fetch_sub(1, Ordering::Release);
    }
}

/// What of its matrices a thread has to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Some columns of every row: each thread needs only its part of what a column is made of, for all rows.
    Columns,
    /// Whole rows, as many as [`Pool::rows`] gives it: what a thread reads of a row it has written itself.
    Rows,
}

/// A row-major matrix to be split, its columns in whole units.
#[derive(Debug)]
pub struct Columns<'a> {
    /// `[rows, width]`.
    pub data: &'a mut [f32],
    /// Values a row.
    pub width: usize,
    /// Columns that stay together.
    pub unit: usize,
}

struct RawColumns<'a> {
    data: *mut f32,
    width: usize,
    unit: usize,
    n_rows: usize,
    lifetime: PhantomData<&'a mut [f32]>,
}

impl<'a> From<Columns<'a>> for RawColumns<'a> {
    fn from(columns: Columns<'a>) -> Self {
        Self {
            data: columns.data.as_mut_ptr(),
            width: columns.width,
            unit: columns.unit,
            n_rows: columns.data.len().checked_div(columns.width).unwrap_or(0),
            lifetime: PhantomData,
        }
    }
}

// SAFETY: the pointer comes from an exclusive borrow that lives as long as the region; each thread makes only its own
// strip from it, and strips of different parts share no column.
unsafe impl Sync for RawColumns<'_> {}

/// One thread's columns of a row-major matrix, or its rows.
#[derive(Debug)]
pub struct Strip<'a> {
    data: *mut f32,
    width: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    lifetime: PhantomData<&'a mut [f32]>,
}

impl Strip<'_> {
    /// The columns, as indices of the whole matrix.
    #[must_use]
    pub fn columns(&self) -> Range<usize> {
        self.columns.clone()
    }

    /// The rows, as indices of the whole matrix.
    #[must_use]
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Rows of this strip.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// This strip's part of one of its rows, the first of which is 0.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows.len(), "row {row} of {}", self.rows.len());
        let first = (self.rows.start + row) * self.width + self.columns.start;
        // SAFETY: row and columns lie inside the matrix (rows end at most at len / width, columns at width).
        let start = unsafe { self.data.add(first) };
        // SAFETY: no other strip of this region covers these columns of this row, and `&mut self` keeps this strip's rows
        // apart.
        unsafe { std::slice::from_raw_parts_mut(start, self.columns.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_covers_every_column_once_in_whole_units() {
        for len in [0, 1, 3, 64, 65, 384, 1000] {
            for unit in [1, 4, 64] {
                for parts in 1..6 {
                    let mut next = 0;
                    for part in 0..parts {
                        let range = split(len, unit, part, parts);
                        assert_eq!(range.start, next, "len={len} unit={unit} {part}/{parts}");
                        assert!(range.start.is_multiple_of(unit) || range.start == len);
                        next = range.end;
                    }
                    assert_eq!(next, len);
                }
            }
        }
    }

    #[test]
    fn strips_write_every_element_once_whatever_the_threads() {
        for threads in 1..5 {
            let pool = Pool::new(threads);
            for by in [Split::Columns, Split::Rows] {
                let mut data = vec![0.0; 3 * 10];
                for _ in 0..200 {
                    let columns = Columns { data: &mut data, width: 10, unit: 4 };
                    pool.strips(by, [columns], |[mut strip]| {
                        for row in 0..strip.n_rows() {
                            strip.row(row).iter_mut().for_each(|value| *value += 1.0);
                        }
                    });
                }
                let all = data.iter().all(|value| (value - 200.0).abs() < 1e-6);
                assert!(all, "{threads}, {by:?}: {data:?}");
            }
        }
    }

    #[test]
    fn a_strip_knows_its_place_in_the_matrix() {
        for (threads, by) in
            [(1, Split::Rows), (2, Split::Rows), (3, Split::Rows), (3, Split::Columns)]
        {
            let mut data: Vec<f32> = (0..50_u8).map(f32::from).collect();
            let columns = Columns { data: &mut data, width: 10, unit: 4 };
            Pool::new(threads).strips(by, [columns], |[mut strip]| {
                let (rows, columns) = (strip.rows(), strip.columns());
                for (row, index) in rows.enumerate() {
                    for (value, column) in strip.row(row).iter_mut().zip(columns.clone()) {
                        #[expect(clippy::cast_precision_loss, reason = "below 50")]
                        let place = (10 * index + column) as f32;
                        *value -= place;
                    }
                }
            });
            assert!(data.iter().all(|value| value.abs() < 1e-6), "{threads}, {by:?}: {data:?}");
        }
    }

    #[test]
    fn workers_wake_up_after_they_parked() {
        let pool = Pool::new(2);
        let hits = AtomicUsize::new(0);
        for _ in 0..3 {
            pool.run(&|_| {
                hits.fetch_add(1, Ordering::Relaxed);
            });
            thread::sleep(std::time::Duration::from_millis(20));
        }
        assert_eq!(hits.load(Ordering::Relaxed), 6);
    }

    #[test]
    fn threads_of_a_pool_on_cpus_run_there() {
        let cpus = cpus::allowed();
        let pool = Pool::on_cpus(&cpus);
        assert_eq!(pool.threads(), cpus.len());
        let seen: Vec<Mutex<Vec<usize>>> = cpus.iter().map(|_| Mutex::default()).collect();
        pool.run(&|part| *seen[part].lock().unwrap() = cpus::allowed());
        for (part, seen) in seen.iter().enumerate().skip(1) {
            assert_eq!(*seen.lock().unwrap(), [cpus[part]], "part {part}");
        }
    }

    #[test]
    fn a_panic_in_a_worker_reaches_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new(3);
        for bad in 0..3 {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                pool.run(&|part| assert_ne!(part, bad, "planted"));
            }));
            assert!(caught.is_err(), "part {bad}");
        }
        pool.run(&|_| {});
    }

    #[test]
    fn rows_are_visited_once_with_their_index() {
        for threads in 1..4 {
            let pool = Pool::new(threads);
            let mut a = vec![0_usize; 7 * 2];
            let mut b = vec![0_usize; 7];
            let mut c = vec![(); 7];
            pool.rows((&mut a, 2), (&mut b, 1), (&mut c, 1), |row, a, b, _| {
                a[1] = row;
                b[0] += row + 1;
            });
            assert_eq!(b, [1, 2, 3, 4, 5, 6, 7]);
            assert_eq!(a[13], 6);
        }
    }
}
