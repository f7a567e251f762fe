//! One run of a program: started, waited for, its resources read; stopped if it takes too long.
//!
//! In: a program. Out: wall time from just before the start to just after the end, processor time and memory as the system
//! accounts them to it and the children it waited for, exit code, stdout. Source: wait4(2), and getrusage(2) for what is counted.

use std::{
    ffi::c_long,
    fs::File,
    io::{Read as _, Seek as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use wait4::Wait4 as _;

use super::line::Program;
use crate::{measure::Clock, runner};

/// Name of the variable that pads the environment, as a worker's.
const PADDING: &str = "BENCH_PADDING";
/// Most bytes of stdout that are read.
const STDOUT_BYTES_MAX: u64 = 16 << 20;

/// What becomes of the two output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Streams {
    /// A timed run: neither is shown.
    Null,
    /// A timed run whose stdout is read: it goes to a file meanwhile, so that no pipe can fill.
    Kept,
    /// A step around the runs: its stderr is the user's.
    Shown,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) pid: u64,
    pub(super) wall_ns: u64,
    /// Processor time of its own, and of the system for it.
    pub(super) user_ns: u64,
    pub(super) system_ns: u64,
    pub(super) max_rss_bytes: u64,
    /// 128 and the signal's number where one ended it.
    pub(super) exit_code: u64,
    /// Empty unless it was kept.
    pub(super) stdout: Vec<u8>,
    pub(super) counts: Counts,
}

/// What the system counted of a run and of the children it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// Page faults that read nothing from a disk, and those that did.
    pub(super) minor_faults: u64,
    pub(super) major_faults: u64,
    /// Times that it gave up its CPU to wait, and that it was taken off it.
    pub(super) voluntary_switches: u64,
    pub(super) involuntary_switches: u64,
    /// Of 512 bytes.
    pub(super) blocks_read: u64,
    pub(super) blocks_written: u64,
}

impl Counts {
    /// Of the child that was waited for between two readings of what all of them used; only one is ever waited for at a time.
    fn between(before: &Usage, after: &Usage) -> Self {
        let grown = |count: fn(&Usage) -> c_long| {
            u64::try_from(count(after).saturating_sub(count(before))).unwrap_or(0)
        };
        Self {
            minor_faults: grown(Usage::minor_page_faults),
            major_faults: grown(Usage::major_page_faults),
            voluntary_switches: grown(Usage::voluntary_context_switches),
            involuntary_switches: grown(Usage::involuntary_context_switches),
            blocks_read: grown(Usage::block_reads),
            blocks_written: grown(Usage::block_writes),
        }
    }
}

/// Runs `program` to its end, or for `timeout` at most.
pub(super) fn run(
    program: &Program,
    padding_bytes: u32,
    streams: Streams,
    (watchdog, timeout): (&Watchdog, Duration),
    clock: &dyn Clock,
) -> Result<Ended> {
    let mut kept = match streams {
        Streams::Kept => Some(tempfile::tempfile().context("failed to keep a command's stdout")?),
        Streams::Null | Streams::Shown => None,
    };
    let stdout = match &kept {
        Some(file) => file.try_clone().context("failed to keep a command's stdout")?.into(),
        None => Stdio::null(),
    };
    let mut command = Command::new(&program.path);
    runner::unshare(&mut command);
    if let Some(folder) = &program.folder {
        command.current_dir(folder);
    }
    command
        .args(&program.args)
        .envs(program.variables.iter().map(|(name, value)| (name, value)))
        .env(PADDING, "x".repeat(padding_bytes as usize))
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(if streams == Streams::Shown { Stdio::inherit() } else { Stdio::null() })
        // A group of its own, so that a run that takes too long is stopped with its children.
        .process_group(0);
    let failed = || format!("failed to run {:?}", program.line);

    let start_ns = clock.now_ns();
    let mut child = command.spawn().with_context(failed)?;
    let pid = Pid::from_child(&child);
    watchdog.arm(pid, timeout);
    // The end without the reaping: until then nobody else can get this process id, which the watchdog may be about to stop.
    let waited = rustix::io::retry_on_intr(|| {
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
    });
    let end_ns = clock.now_ns();
    let stopped = watchdog.disarm();
    waited.with_context(failed)?;
    let usage = || getrusage(UsageWho::RUSAGE_CHILDREN).with_context(failed);
    let before = usage()?;
    let used = child.wait4().with_context(failed)?;
    let counts = Counts::between(&before, &usage()?);

    if stopped {
        bail!(
            "{}: it did not end within {} s and was stopped; give it longer with `--timeout SECONDS`",
            failed(),
            timeout.as_secs_f64()
        );
    }
    let stdout = kept.as_mut().map(|file| read(file).with_context(failed)).transpose()?;
    let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    Ok(Ended {
        pid: u64::from(child.id()),
        wall_ns: end_ns - start_ns,
        user_ns: ns(used.rusage.utime),
        system_ns: ns(used.rusage.stime),
        max_rss_bytes: used.rusage.maxrss,
        exit_code: exit_code(used.status),
        stdout: stdout.unwrap_or_default(),
        counts,
    })
}

fn read(file: &mut File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(STDOUT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= STDOUT_BYTES_MAX,
        "expected at most {STDOUT_BYTES_MAX} bytes on stdout, found more"
    );
    Ok(bytes)
}

/// As a shell reports it.
pub(crate) fn exit_code(status: ExitStatus) -> u64 {
    let signal = || status.signal().map_or(255, |signal| 128 + signal);
    u64::try_from(status.code().unwrap_or_else(signal)).unwrap_or(255)
}

/// A thread that stops the process group it is told to, unless it is told otherwise in time.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shared: Arc<(Mutex<Watched>, Condvar)>,
}

#[derive(Debug, Default)]
struct Watched {
    /// Who, until when; `None` between runs.
    armed: Option<(Pid, Duration)>,
    /// Runs so far: the run that the thread began to wait for may be over, and another on its way.
    n_runs: u64,
    stopped: bool,
    over: bool,
}

impl Watchdog {
    pub(crate) fn start() -> Self {
        let shared = Arc::new((Mutex::new(Watched::default()), Condvar::new()));
        let theirs = Arc::clone(&shared);
        thread::spawn(move || watch(&theirs.0, &theirs.1));
        Self { shared }
    }

    /// Stops `pid` and its group after `timeout`, unless disarmed before.
    pub(crate) fn arm(&self, pid: Pid, timeout: Duration) {
        let mut watched = lock(&self.shared.0);
        watched.armed = Some((pid, timeout));
        watched.n_runs += 1;
        watched.stopped = false;
        self.shared.1.notify_one();
    }

    /// Whether it was stopped. The process must not be reaped before.
    pub(crate) fn disarm(&self) -> bool {
        let mut watched = lock(&self.shared.0);
        watched.armed = None;
        watched.stopped
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        lock(&self.shared.0).over = true;
        self.shared.1.notify_one();
    }
}

fn watch(mutex: &Mutex<Watched>, changed: &Condvar) {
    let mut watched = lock(mutex);
    while !watched.over {
        let Some((pid, timeout)) = watched.armed else {
            watched = changed.wait(watched).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let n_runs = watched.n_runs;
        // Woken only by another run or the end: a run that ends in time leaves this thread asleep.
        let still = |watched: &mut Watched| watched.n_runs == n_runs && !watched.over;
        let (guard, waited) = changed
            .wait_timeout_while(watched, timeout, still)
            .unwrap_or_else(PoisonError::into_inner);
        watched = guard;
        if waited.timed_out() && watched.n_runs == n_runs && watched.armed.take().is_some() {
            watched.stopped = true;
            // It may have ended this instant; it is not reaped yet, so that the signal meets no other process.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// No code panics while it holds the lock; and a panic elsewhere is no reason to let a process run for ever.
fn lock(mutex: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
