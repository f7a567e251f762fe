//! The process of a check: started without a shell, waited for, stopped with its children if it takes too long.
//! In: the words of the command. Out: exit code, time, both streams.

use std::{
    io,
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail};
use baselines::check::Captured;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::os::unix::process::CommandExt as _;

use super::stream::{self, Kept};
use crate::{
    command::{Watchdog, exit_code},
    measure::{Clock, timestamp},
    runner,
};

/// How long the streams of a command that has ended are read on: a process that it left behind may hold them open for ever.
const LEFT_BEHIND: Duration = Duration::from_secs(5);

/// How a command ended.
pub(super) struct Ended {
    pub(super) started_at: String,
    /// When the command itself ended; its streams may be open for longer.
    pub(super) ended_at: String,
    pub(super) wall_ns: u64,
    pub(super) exit_code: u64,
    pub(super) stdout: Captured,
    pub(super) stderr: Captured,
}

/// Runs `words` to their end, or for `timeout` at most.
pub(super) fn run(words: &[String], timeout: Duration, clock: &dyn Clock) -> Result<Ended> {
    let (program, args) = words.split_first().context("failed to run a command without words")?;
    let watchdog = Watchdog::start();
    let (started_at, start_ns) = (timestamp(clock.utc()), clock.now_ns());
    let mut child = runner::unshare(&mut Command::new(program))
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that it is stopped with its children.
        .process_group(0)
        .spawn()
        .map_err(|error| not_started(program, error))?;
    let pid = Pid::from_child(&child);
    watchdog.arm(pid, timeout);

    let (over, is_over) = mpsc::channel();
    let (stdout, stderr) = (Arc::<Mutex<Kept>>::default(), Arc::<Mutex<Kept>>::default());
    let streams = (child.stdout.take(), child.stderr.take());
    let (kept, done) = (Arc::clone(&stdout), over.clone());
    thread::spawn(move || {
        streams.0.into_iter().for_each(|stream| stream::copy(stream, &kept));
        let _ = done.send(());
    });
    let kept = Arc::clone(&stderr);
    thread::spawn(move || {
        streams.1.into_iter().for_each(|stream| stream::copy(stream, &kept));
        let _ = over.send(());
    });

    // The end without the reaping: until then nobody else can get this process id, which the watchdog may be about to stop.
    let waited = rustix::io::retry_on_intr(|| {
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
    });
    let (ended_at, end_ns) = (timestamp(clock.utc()), clock.now_ns());
    let stopped = watchdog.disarm();
    for _ in 0..2 {
        let _ = is_over.recv_timeout(LEFT_BEHIND);
    }
    waited.with_context(|| format!("failed to wait for `{program}`"))?;
    let status = child.wait().with_context(|| format!("failed to wait for `{program}`"))?;
    if stopped {
        bail!(
            "failed to check: `{program}` did not end within {} s and was stopped; give it longer with `--timeout SECONDS`",
            timeout.as_secs_f64()
        );
    }
    let captured =
        |kept: &Mutex<Kept>| kept.lock().unwrap_or_else(PoisonError::into_inner).captured();
    Ok(Ended {
        started_at,
        ended_at,
        wall_ns: end_ns - start_ns,
        exit_code: exit_code(status),
        stdout: captured(&stdout),
        stderr: captured(&stderr),
    })
}

fn not_started(program: &str, error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::NotFound => anyhow!(
            "failed to run `{program}`: there is no such program here or on the PATH; no shell is used: give one if you \
             need it (`-- sh -c '…'`)"
        ),
        _ => anyhow::Error::new(error).context(format!("failed to run `{program}`")),
    }
}
