//! The parent's end: start a worker, hear it out, and never wait for ever.
//! In: a binary and a request. Out: everything the worker reported; or an error with what it said on stderr.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use baselines::record::{Accuracy, Counts, ModelInfo, Output, Series, Settings, Tool};

use super::protocol::{Event, Ids, PROTOCOL, Request};
use crate::measure::{Clock, timestamp};

/// Name of the variable that pads the worker's environment.
const PADDING: &str = "BENCH_PADDING";
/// Longest line a worker may write: 64 MiB, the bound of a whole bundle.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// How much of a worker's stderr an error quotes.
const STDERR_BYTES_MAX: usize = 4096;

/// What a worker may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Longest silence between two lines.
    pub(crate) silence: Duration,
}

impl Limits {
    /// Ten times what the slowest workload takes on a slow machine with a model of two billion weights.
    pub(crate) const fn generous() -> Self {
        Self { silence: Duration::from_secs(300) }
    }
}

/// Everything one worker reported, with the parent's own times around it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    pub(crate) pid: u64,
    pub(crate) started_at: String,
    pub(crate) ended_at: String,
    pub(crate) wall_ns: u64,
    pub(crate) tool: Tool,
    pub(crate) model: ModelInfo,
    pub(crate) settings: Settings,
    pub(crate) series: Vec<Series>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) counts: Vec<Counts>,
    pub(crate) ids: Vec<Ids>,
    pub(crate) accuracy: Option<Accuracy>,
    pub(crate) peak_rss_bytes: Option<u64>,
}

/// Starts `binary worker`, hands it `request` and hears it out.
pub(crate) fn run(
    binary: &Path,
    request: &Request,
    padding_bytes: u32,
    limits: Limits,
    clock: &dyn Clock,
) -> Result<Report> {
    let (started_at, start_ns) = (timestamp(clock.utc()), clock.now_ns());
    let mut child = Command::new(binary)
        .arg("worker")
        .env(PADDING, "x".repeat(padding_bytes as usize))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start worker `{}`", binary.display()))?;
    let stderr = child.stderr.take().expect("piped above");
    let (sender, said) = mpsc::channel();
    thread::spawn(move || sender.send(read_tail(stderr)));

    let heard = converse(&mut child, request, limits);
    if heard.is_err() {
        // It may be hanging; a worker that has already ended cannot be killed, which is as well.
        let _ = child.kill();
    }
    let status = end_of(&mut child, limits)?;
    let (ended_at, end_ns) = (timestamp(clock.utc()), clock.now_ns());
    // A process that the worker left behind may hold its stderr open: then there is nothing to quote.
    let stderr = said.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    let checked = heard.and_then(|heard| {
        ensure!(status.success(), "it reported `done` and then ended with {status}");
        Ok(heard)
    });
    let heard = checked.map_err(|error| {
        let said =
            if stderr.is_empty() { String::new() } else { format!("; its stderr: {stderr}") };
        anyhow!("failed to measure: worker `{}` ({status}): {error:#}{said}", binary.display())
    })?;
    heard.report(started_at, ended_at, end_ns - start_ns)
}

/// Waits for the end of a process that has nothing left to do.
fn end_of(child: &mut Child, limits: Limits) -> Result<ExitStatus> {
    const NAP: Duration = Duration::from_millis(1);
    let mut naps_left = limits.silence.as_millis();
    loop {
        if let Some(status) = child.try_wait().context("failed to wait for the worker")? {
            return Ok(status);
        }
        if naps_left == 0 {
            let _ = child.kill();
            return child.wait().context("failed to wait for the worker");
        }
        naps_left -= 1;
        thread::sleep(NAP);
    }
}

/// Writes the request, then collects events up to `done`.
fn converse(child: &mut Child, request: &Request, limits: Limits) -> Result<Heard> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    let mut stdin = child.stdin.take().expect("piped at the start");
    // A worker that died before reading says why on its own lines and on stderr: a broken pipe here says less.
    let _ = stdin.write_all(&line);
    drop(stdin);

    let stdout = child.stdout.take().expect("piped at the start");
    let (sender, lines) = mpsc::channel();
    // The thread ends with the worker's stdout; it is not joined, so that a hang there is none here.
    thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        loop {
            let mut line = Vec::new();
            match (&mut stdout).take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) => return,
                read => {
                    let failed = read.is_err();
                    if sender.send(read.map(|_| line)).is_err() || failed {
                        return;
                    }
                }
            }
        }
    });

    let mut heard = Heard::default();
    loop {
        let line = match lines.recv_timeout(limits.silence) {
            Ok(line) => line.context("reading its stdout")?,
            Err(RecvTimeoutError::Timeout) => {
                bail!("no line within {} s; it was stopped", limits.silence.as_secs_f64());
            }
            Err(RecvTimeoutError::Disconnected) => {
                bail!("it ended without `done` after {} lines", heard.n_lines);
            }
        };
        if heard.take(&line)? {
            return Ok(heard);
        }
    }
}

/// What has been heard so far.
#[derive(Debug, Default)]
struct Heard {
    n_lines: u64,
    pid: Option<u64>,
    tool: Option<Tool>,
    model: Option<ModelInfo>,
    settings: Option<Settings>,
    series: Vec<Series>,
    outputs: Vec<Output>,
    counts: Vec<Counts>,
    ids: Vec<Ids>,
    accuracy: Option<Accuracy>,
    peak_rss_bytes: Option<u64>,
}

impl Heard {
    /// Takes one line; true after the last.
    fn take(&mut self, line: &[u8]) -> Result<bool> {
        self.n_lines += 1;
        let text = String::from_utf8_lossy(line);
        let event: Event = serde_json::from_str(&text).map_err(|error| {
            let shown: String = text.trim_end().chars().take(80).collect();
            anyhow!(
                "line {}: expected an event of protocol {PROTOCOL}, found {shown:?} ({error})",
                self.n_lines
            )
        })?;
        match event {
            Event::Hello { protocol, pid } => {
                ensure!(
                    protocol == PROTOCOL,
                    "expected protocol {PROTOCOL}, found {protocol}: the binary is of another version; \
                     `bench baseline record` keeps one that this build can talk to"
                );
                self.pid = Some(pid);
            }
            Event::Tool(tool) => self.tool = Some(tool),
            Event::Model(model) => self.model = Some(model),
            Event::Linear(linear) => {
                self.model.as_mut().context("`linear` before `model`")?.linears.push(linear);
            }
            Event::Settings(settings) => self.settings = Some(settings),
            Event::Alive => {}
            Event::Series(series) => self.series.push(series),
            Event::Output(output) => self.outputs.push(output),
            Event::Counts(counts) => self.counts.push(counts),
            Event::Ids(ids) => self.ids.push(ids),
            Event::Accuracy(accuracy) => self.accuracy = Some(accuracy),
            Event::Done { peak_rss_bytes } => {
                self.peak_rss_bytes = peak_rss_bytes;
                return Ok(true);
            }
            Event::Failed { message } => bail!("{message}"),
        }
        ensure!(self.pid.is_some(), "line 1: expected `hello`");
        Ok(false)
    }

    fn report(self, started_at: String, ended_at: String, wall_ns: u64) -> Result<Report> {
        let missing = |event| format!("failed to measure: the worker never sent `{event}`");
        Ok(Report {
            pid: self.pid.with_context(|| missing("hello"))?,
            started_at,
            ended_at,
            wall_ns,
            tool: self.tool.with_context(|| missing("tool"))?,
            model: self.model.with_context(|| missing("model"))?,
            settings: self.settings.with_context(|| missing("settings"))?,
            series: self.series,
            outputs: self.outputs,
            counts: self.counts,
            ids: self.ids,
            accuracy: self.accuracy,
            peak_rss_bytes: self.peak_rss_bytes,
        })
    }
}

/// The end of what a stream says, as text.
fn read_tail(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is still worth showing.
    let _ = from.read_to_end(&mut bytes);
    let start = bytes.len().saturating_sub(STDERR_BYTES_MAX);
    String::from_utf8_lossy(&bytes[start..]).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::{measure::SystemClock, worker::protocol::Job};

    /// Runs a shell script in the place of a worker and returns the error it gives.
    fn error_of(script: &str, silence: Duration) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("worker");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let request = Request {
            protocol: PROTOCOL,
            job: Job::Suite,
            model: "stories".to_owned(),
            seed: 42,
            isa: None,
            threads: None,
            prompt: None,
            workloads: Vec::new(),
            positions: 0,
        };
        let report = run(&path, &request, 100, Limits { silence }, &SystemClock::new());
        format!("{:#}", report.unwrap_err())
    }

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn a_crash_carries_the_workers_stderr() {
        let error = error_of("echo 'out of cheese' >&2; exit 3", SOON);
        assert!(error.contains("ended without `done`"), "{error}");
        assert!(error.contains("out of cheese") && error.contains("exit status: 3"), "{error}");
    }

    #[test]
    fn a_garbage_line_is_quoted() {
        let error = error_of("echo 'hello world'", SOON);
        assert!(
            error.contains("line 1: expected an event of protocol 1, found \"hello world\""),
            "{error}"
        );
    }

    #[test]
    fn another_protocol_is_refused_with_a_way_out() {
        let error = error_of("echo '{\"hello\":{\"protocol\":99,\"pid\":1}}'", SOON);
        assert!(error.contains("expected protocol 1, found 99"), "{error}");
        assert!(error.contains("bench baseline record"), "{error}");
    }

    #[test]
    fn silence_ends_in_an_error_not_in_a_hang() {
        let error = error_of("exec sleep 60", Duration::from_millis(300));
        assert!(error.contains("no line within 0.3 s"), "{error}");
    }

    #[test]
    fn a_worker_that_reports_failure_is_quoted() {
        let script = "echo '{\"hello\":{\"protocol\":1,\"pid\":1}}'; echo '{\"failed\":{\"message\":\"no model\"}}'; exit 1";
        let error = error_of(script, SOON);
        assert!(error.contains("no model"), "{error}");
    }

    #[test]
    fn done_without_a_model_is_no_report() {
        let script = "echo '{\"hello\":{\"protocol\":1,\"pid\":1}}'; echo '{\"done\":{\"peak_rss_bytes\":null}}'";
        let error = error_of(script, SOON);
        assert!(error.contains("never sent `tool`"), "{error}");
    }

    #[test]
    fn done_and_then_a_bad_end_is_an_error() {
        let script = "echo '{\"hello\":{\"protocol\":1,\"pid\":1}}'; echo '{\"done\":{\"peak_rss_bytes\":null}}'; exit 9";
        let error = error_of(script, SOON);
        assert!(error.contains("reported `done` and then ended with exit status: 9"), "{error}");
    }
}
