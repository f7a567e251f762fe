//! The parent's end: start a worker, give it its turns, hear it out, and never wait for ever.
//! In: a binary, a request and orders. Out: everything the worker reported; or an error with what it said on stderr.

use std::{
    io::{self, BufRead as _, BufReader, Read, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use baselines::{
    Digest,
    record::{
        Accuracy, Allocations, Challenge, Counts, DeviceUse, Ids, ModelInfo, Output, Screening,
        Series, Settings, Taker, Tool, samples_digest,
    },
};
use serde::Serialize;

use super::protocol::{Event, Order, PROTOCOL, Request};
use crate::{
    failure::Reported,
    halt::Halt,
    measure::{Clock, timestamp},
    runner,
};

/// Name of the variable that pads the worker's environment.
const PADDING: &str = "BENCH_PADDING";
/// Longest line a worker may write: 64 MiB, the bound of a whole bundle.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// How much of a worker's stderr an error quotes.
const STDERR_BYTES_MAX: usize = 4096;
/// How often a reason to halt is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a worker may take.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Longest silence between two lines.
    pub(crate) silence: Duration,
    /// What ends it before its time.
    pub(crate) halt: Halt,
}

impl Limits {
    /// Ten times what the slowest workload takes on a slow machine with a model of two billion weights.
    pub(crate) fn generous(halt: &Halt) -> Self {
        Self { silence: Duration::from_secs(300), halt: halt.clone() }
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
    /// Of the series; `None` of a worker that had nothing to time.
    pub(crate) samples_digest: Option<Digest>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) counts: Vec<Counts>,
    pub(crate) screenings: Vec<Screening>,
    pub(crate) allocations: Vec<Allocations>,
    pub(crate) ids: Vec<Ids>,
    pub(crate) challenges: Vec<Challenge>,
    /// The model's own first, then in other formats.
    pub(crate) accuracy: Vec<Accuracy>,
    pub(crate) peak_rss_bytes: Option<u64>,
    pub(crate) weights_huge_bytes: Option<u64>,
    pub(crate) device: Option<DeviceUse>,
}

/// A running worker. Dropped before its end, it is stopped: no error of one arm leaves the other behind.
#[derive(Debug)]
pub(crate) struct Worker {
    binary: PathBuf,
    taker: Taker,
    child: Child,
    /// Closed with the last order.
    orders: Option<ChildStdin>,
    lines: Receiver<io::Result<Vec<u8>>>,
    /// The end of its stderr, once that is closed.
    said: Receiver<String>,
    heard: Heard,
    limits: Limits,
    started_at: String,
    start_ns: u64,
}

impl Worker {
    /// Starts `binary worker` and hands it `request`.
    pub(crate) fn start(
        binary: &Path,
        request: &Request,
        padding_bytes: u32,
        limits: Limits,
        clock: &dyn Clock,
    ) -> Result<Self> {
        let (started_at, start_ns) = (timestamp(clock.utc()), clock.now_ns());
        let mut child = runner::unshare(&mut Command::new(binary))
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
        let lines = lines_of(child.stdout.take().expect("piped above"));
        let orders = child.stdin.take();
        let binary = binary.to_owned();
        let heard = Heard::default();
        let taker = request.taker.clone();
        let mut worker =
            Self { binary, taker, child, orders, lines, said, heard, limits, started_at, start_ns };
        worker.write(request)?;
        Ok(worker)
    }

    /// Waits until every workload is set up and warmed up.
    pub(crate) fn ready(&mut self) -> Result<()> {
        let heard = self.hear(Step::Ready);
        self.explained(heard)
    }

    /// Has the worker carry out the iterations of one workload that fall to `round`, and waits until it has.
    pub(crate) fn take_turn(&mut self, round: u64, workload: usize) -> Result<()> {
        self.write(&Order::Turn { round, workload })?;
        let heard = self.hear(Step::Took { round, workload });
        self.explained(heard)
    }

    /// Ends a worker that has taken all of its turns.
    pub(crate) fn finish(mut self, clock: &dyn Clock) -> Result<Report> {
        self.write(&Order::Finish)?;
        self.wait(clock)
    }

    /// Hears a worker out that waits for no orders.
    pub(crate) fn wait(mut self, clock: &dyn Clock) -> Result<Report> {
        self.orders = None;
        let heard = self.hear(Step::Done).and_then(|()| {
            let status = end_of(&mut self.child, self.limits.silence)?;
            ensure!(status.success(), "it reported `done` and then ended with {status}");
            Ok(())
        });
        self.explained(heard)?;
        let (ended_at, end_ns) = (timestamp(clock.utc()), clock.now_ns());
        let heard = std::mem::take(&mut self.heard);
        heard.report(&self.taker, self.started_at.clone(), ended_at, end_ns - self.start_ns)
    }

    /// Writes one line. A worker that died before reading it says why on its own lines and on stderr: a broken pipe
    /// here says less, so that it is left to the next `hear`.
    fn write(&mut self, line: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        if let Some(orders) = &mut self.orders {
            let _ = orders.write_all(&line).and_then(|()| orders.flush());
        }
        Ok(())
    }

    /// Collects events up to the step that is due.
    fn hear(&mut self, due: Step) -> Result<()> {
        loop {
            self.limits.halt.check()?;
            let line = match self.next_line() {
                Ok(line) => line.context("reading its stdout")?,
                Err(RecvTimeoutError::Timeout) => {
                    self.limits.halt.check()?;
                    bail!("no line within {} s; it was stopped", self.limits.silence.as_secs_f64());
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("it ended without `done` after {} lines", self.heard.n_lines);
                }
            };
            match self.heard.take(&line)? {
                None => {}
                Some(step) if step == due => return Ok(()),
                Some(step) => {
                    bail!("line {}: expected {due:?}, found {step:?}", self.heard.n_lines)
                }
            }
        }
    }

    /// The next line, within the silence that is allowed and before there is a reason to halt.
    fn next_line(&self) -> Result<io::Result<Vec<u8>>, RecvTimeoutError> {
        let mut left = self.limits.silence;
        loop {
            let wait = left.min(LOOK_EVERY);
            match self.lines.recv_timeout(wait) {
                Err(RecvTimeoutError::Timeout)
                    if self.limits.halt.check().is_ok() && left > wait =>
                {
                    left -= wait;
                }
                heard => return heard,
            }
        }
    }

    /// The error with what the worker's end and its stderr add to it. The worker is stopped.
    fn explained(&mut self, result: Result<()>) -> Result<()> {
        let Err(error) = result else { return Ok(()) };
        if self.heard.failed {
            // It said all there is to say, and its stderr says it again.
            return Err(
                error.context(format!("failed to measure: worker `{}`", self.binary.display()))
            );
        }
        // Dropped, the worker is stopped.
        self.limits.halt.check()?;
        // It may be hanging; one that has already ended cannot be killed, which is as well.
        let _ = self.child.kill();
        let status = end_of(&mut self.child, self.limits.silence)?;
        // A process that the worker left behind may hold its stderr open: then there is nothing to quote.
        let stderr = self.said.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
        let said =
            if stderr.is_empty() { String::new() } else { format!("; its stderr: {stderr}") };
        bail!("failed to measure: worker `{}` ({status}): {error:#}{said}", self.binary.display())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both do nothing to a worker that was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a worker has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Ready,
    Took { round: u64, workload: usize },
    Done,
}

/// Reads lines on a thread that ends with the worker's stdout; it is not joined, so that a hang there is none here.
fn lines_of(stdout: ChildStdout) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, lines) = mpsc::channel();
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
    lines
}

/// Waits for the end of a process that has nothing left to do.
fn end_of(child: &mut Child, silence: Duration) -> Result<ExitStatus> {
    const NAP: Duration = Duration::from_millis(1);
    let mut naps_left = silence.as_millis();
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

/// What has been heard so far.
#[derive(Debug, Default)]
struct Heard {
    n_lines: u64,
    /// Whether it reported a failure by itself.
    failed: bool,
    pid: Option<u64>,
    tool: Option<Tool>,
    model: Option<ModelInfo>,
    settings: Option<Settings>,
    series: Vec<Series>,
    samples_digest: Option<Digest>,
    outputs: Vec<Output>,
    challenges: Vec<Challenge>,
    counts: Vec<Counts>,
    screenings: Vec<Screening>,
    allocations: Vec<Allocations>,
    ids: Vec<Ids>,
    accuracy: Vec<Accuracy>,
    peak_rss_bytes: Option<u64>,
    weights_huge_bytes: Option<u64>,
    device: Option<DeviceUse>,
}

impl Heard {
    /// Takes one line; says which step the worker has come to, if it is one of those that are waited for.
    fn take(&mut self, line: &[u8]) -> Result<Option<Step>> {
        self.n_lines += 1;
        let text = String::from_utf8_lossy(line);
        let event: Event = serde_json::from_str(&text).map_err(|error| {
            let shown: String = text.trim_end().chars().take(80).collect();
            anyhow!(
                "line {}: expected an event of protocol {PROTOCOL}, found {shown:?} ({error})",
                self.n_lines
            )
        })?;
        let mut step = None;
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
            Event::Ready => step = Some(Step::Ready),
            Event::Took { round, workload } => step = Some(Step::Took { round, workload }),
            Event::Series(series) => self.series.push(series),
            Event::Output(output) => self.outputs.push(output),
            Event::Counts(counts) => self.counts.push(counts),
            Event::Screening(screening) => self.screenings.push(screening),
            Event::Allocations(allocations) => self.allocations.push(allocations),
            Event::Device(used) => self.device = Some(used),
            Event::Ids(ids) => self.ids.push(ids),
            Event::Challenge(challenge) => self.challenges.push(challenge),
            Event::SamplesDigest(digest) => self.samples_digest = Some(digest),
            Event::Accuracy(accuracy) => self.accuracy.push(accuracy),
            Event::Done { peak_rss_bytes, weights_huge_bytes } => {
                self.peak_rss_bytes = peak_rss_bytes;
                self.weights_huge_bytes = weights_huge_bytes;
                step = Some(Step::Done);
            }
            Event::Failed { message, kind } => {
                self.failed = true;
                return Err(Reported { kind, message }.into());
            }
        }
        ensure!(self.pid.is_some(), "line 1: expected `hello`");
        Ok(step)
    }

    fn report(
        self,
        taker: &Taker,
        started_at: String,
        ended_at: String,
        wall_ns: u64,
    ) -> Result<Report> {
        let missing = |event| format!("failed to measure: the worker never sent `{event}`");
        let digest = (!self.series.is_empty()).then(|| samples_digest(taker, &self.series));
        ensure!(
            digest == self.samples_digest,
            "failed to measure: the worker's samples did not arrive as it sent them: their digest differs"
        );
        Ok(Report {
            pid: self.pid.with_context(|| missing("hello"))?,
            started_at,
            ended_at,
            wall_ns,
            tool: self.tool.with_context(|| missing("tool"))?,
            model: self.model.with_context(|| missing("model"))?,
            settings: self.settings.with_context(|| missing("settings"))?,
            series: self.series,
            samples_digest: self.samples_digest,
            outputs: self.outputs,
            counts: self.counts,
            screenings: self.screenings,
            allocations: self.allocations,
            ids: self.ids,
            challenges: self.challenges,
            accuracy: self.accuracy,
            peak_rss_bytes: self.peak_rss_bytes,
            weights_huge_bytes: self.weights_huge_bytes,
            device: self.device,
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

    use baselines::{Digest, record::Suite};

    use super::*;
    use crate::{measure::SystemClock, worker::protocol::Job};

    /// A shell script in the place of a worker.
    fn script_at(folder: &Path, script: &str) -> PathBuf {
        let path = folder.join("worker");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn request() -> Request {
        let suite = Suite {
            name: "none".to_owned(),
            digest: Digest::of(b""),
            rounds: 1,
            workloads: Vec::new(),
            metrics: Vec::new(),
        };
        Request {
            protocol: PROTOCOL,
            job: Job::Suite,
            model: "stories".to_owned(),
            taker: Taker { session: String::new(), order: 0, binary: Digest::of(b"") },
            seed: 42,
            challenge_seed: 43,
            isa: None,
            device: "cpu".to_owned(),
            strict_device: false,
            memory_limit: None,
            threads: None,
            pin: false,
            prompt: None,
            suite,
            positions: 0,
            planted_share: 0.0,
            spans: false,
        }
    }

    /// Has `script` take one turn and end; returns the error it gives.
    fn error_of(script: &str, silence: Duration) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = script_at(folder.path(), script);
        let clock = SystemClock::new();
        let turn = |mut worker: Worker| {
            worker.ready()?;
            worker.take_turn(0, 0)?;
            worker.finish(&clock)
        };
        let report = Worker::start(
            &path,
            &request(),
            100,
            Limits { silence, halt: Halt::default() },
            &clock,
        )
        .and_then(turn);
        format!("{:#}", report.unwrap_err())
    }

    const SOON: Duration = Duration::from_secs(20);
    /// A worker up to the end of its one turn, and its last line.
    const TURN: &str = r#"echo '{"hello":{"protocol":11,"pid":1}}'; echo '"ready"'; echo '{"took":{"round":0,"workload":0}}'"#;
    const DONE: &str = r#"echo '{"done":{"peak_rss_bytes":null}}'"#;

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
            error.contains("line 1: expected an event of protocol 11, found \"hello world\""),
            "{error}"
        );
    }

    #[test]
    fn another_protocol_is_refused_with_a_way_out() {
        let error = error_of("echo '{\"hello\":{\"protocol\":99,\"pid\":1}}'", SOON);
        assert!(error.contains("expected protocol 11, found 99"), "{error}");
        assert!(error.contains("bench baseline record"), "{error}");
    }

    #[test]
    fn silence_ends_in_an_error_not_in_a_hang() {
        let error = error_of("exec sleep 60", Duration::from_millis(300));
        assert!(error.contains("no line within 0.3 s"), "{error}");
    }

    #[test]
    fn a_worker_that_reports_failure_is_quoted() {
        let failed = r#"{"failed":{"message":"no model","kind":"gguf"}}"#;
        let error = error_of(&format!("{TURN}; echo '{failed}'"), SOON);
        assert!(error.ends_with("worker`: no model"), "{error}");
    }

    #[test]
    fn done_without_a_model_is_no_report() {
        let error = error_of(&format!("{TURN}; {DONE}"), SOON);
        assert!(error.contains("never sent `tool`"), "{error}");
    }

    #[test]
    fn an_answer_to_a_turn_that_was_not_ordered_is_an_error() {
        let error = error_of(&TURN.replace("\"round\":0", "\"round\":1"), SOON);
        assert!(
            error
                .contains("line 3: expected Took { round: 0, workload: 0 }, found Took { round: 1"),
            "{error}"
        );
    }

    #[test]
    fn a_worker_that_is_given_up_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = script_at(folder.path(), "exec sleep 600");
        let limits = Limits { silence: SOON, halt: Halt::default() };
        let mut worker = Worker::start(&path, &request(), 0, limits, &SystemClock::new()).unwrap();
        assert!(worker.child.try_wait().unwrap().is_none(), "it is running");
        let proc = PathBuf::from(format!("/proc/{}", worker.child.id()));
        drop(worker);
        assert!(!proc.exists(), "{} is still there", proc.display());
    }

    #[test]
    fn done_and_then_a_bad_end_is_an_error() {
        let error = error_of(&format!("{TURN}; {DONE}; exit 9"), SOON);
        assert!(error.contains("reported `done` and then ended with exit status: 9"), "{error}");
    }
}
