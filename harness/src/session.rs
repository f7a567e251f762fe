//! One session: probes, worker processes in their order, accuracy, probes again; a record for each arm.
//! In: a job. Out: the records. Marks are taken before the first timing; the clock is the caller's.

use anyhow::{Context as _, Result, bail};
use baselines::{
    Digest, RunRecord,
    record::{Accuracy, ProbeWhen, Purpose, Suite},
};

use crate::{
    environment::{self, Busy},
    measure::{Arm, Clock, Slot, order_of_turns, paired, timestamp, unpaired},
    progress::Progress,
    record::{Setting, record},
    subject::Binary,
    worker::{
        Ids, Limits, Report, Worker,
        protocol::{Job, PROTOCOL, Request},
    },
};

/// What every worker of a session is told, and what the record says about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    /// `stories`, or a path.
    pub(crate) model: String,
    pub(crate) suite: Suite,
    pub(crate) seed: u64,
    pub(crate) deterministic: bool,
    pub(crate) isa: Option<String>,
    pub(crate) threads: Option<u64>,
    /// Text for end-to-end workloads in place of their own.
    pub(crate) prompt: Option<String>,
    /// Positions that accuracy is counted over; `None` leaves it out.
    pub(crate) positions: Option<u64>,
}

/// Who runs, and how often.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Subjects {
    /// One binary.
    One { head: Binary, processes: u64, purpose: Purpose },
    /// The baseline's kept binary and the current one, interleaved, up to the last of these numbers of pairs.
    Pair { base: Binary, head: Binary, looks: Vec<u64> },
}

/// Asked at each look but the last: may more pairs change the verdict? In: both arms so far.
pub(crate) type GoesOn<'a> = &'a dyn Fn(&RunRecord, &RunRecord) -> bool;

/// The records of a session.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// The base's arm, in a paired session.
    pub(crate) base: Option<RunRecord>,
    pub(crate) head: RunRecord,
    /// The ids that the head's first process put out, behind the record's digests.
    pub(crate) ids: Vec<Ids>,
}

/// Runs a session of one subject, or of a pair as long as it `goes_on`.
pub(crate) fn run(
    assignment: &Assignment,
    subjects: &Subjects,
    goes_on: GoesOn<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Measured> {
    let started_at = timestamp(clock.utc());
    let (head, purpose) = match subjects {
        Subjects::One { head, purpose, .. } => (head, *purpose),
        Subjects::Pair { head, .. } => (head, Purpose::Paired),
    };
    let session = session_id(clock, head.digest);
    let host = environment::host();
    let mut marks = environment::marks(&host, &environment::tool());
    let busy_before = Busy::now();
    let threads = assignment.threads.unwrap_or(host.cpus);
    let slots = match subjects {
        Subjects::One { processes, .. } => unpaired(*processes, assignment.seed, &session),
        Subjects::Pair { looks, .. } => paired(looks, assignment.seed, &session),
    };

    // One step for each pair or process, two for the probes, one for accuracy.
    let n_steps = slots.chunk_by(|a, b| a.pair == b.pair).count() as u64;
    progress.begin(n_steps + 3);
    let mut probes = environment::probe(threads, ProbeWhen::Before, clock)?;
    progress.step("probes before");
    let crowded =
        busy_before.zip(Busy::now()).is_some_and(|(before, now)| now.is_crowded_since(&before));
    let request = request(assignment, !crowded);
    let mut setting = Setting {
        session,
        purpose,
        ended_at: started_at.clone(),
        started_at,
        seed: assignment.seed,
        deterministic: assignment.deterministic,
        suite: assignment.suite.clone(),
        host,
        marks: Vec::new(),
        probes: Vec::new(),
    };
    let mut reports: Vec<(Slot, Report)> = Vec::new();
    for pair in slots.chunk_by(|a, b| a.pair == b.pair) {
        if let Subjects::Pair { base, head, looks } = subjects
            && looks.contains(&pair[0].pair)
        {
            let (base, head) = arms(&setting, base, head, &reports)?;
            if !goes_on(&base, &head) {
                break;
            }
        }
        reports.extend(replicate(&request, subjects, pair, clock, progress)?);
    }
    let accuracy = score(assignment, &request, head, clock)?;
    progress.step(if accuracy.is_some() { "accuracy" } else { "accuracy left out" });
    probes.extend(environment::probe(threads, ProbeWhen::After, clock)?);
    progress.step("probes after");
    progress.end();
    if let (Some(before), Some(after)) = (busy_before, Busy::now()) {
        marks.extend(after.marks_since(&before));
    }

    setting = Setting { ended_at: timestamp(clock.utc()), marks, probes, ..setting };
    head.check_unchanged()?;
    let first_of_head = reports.iter().find(|(slot, _)| slot.arm == Arm::Head);
    let ids = first_of_head.map(|(_, report)| report.ids.clone()).unwrap_or_default();
    match subjects {
        Subjects::One { .. } => {
            let head = RunRecord { accuracy, ..record(&setting, head, reports)? };
            Ok(Measured { base: None, head, ids })
        }
        Subjects::Pair { base, .. } => {
            base.check_unchanged()?;
            let (base, of_head) = arms(&setting, base, head, &reports)?;
            Ok(Measured { base: Some(base), head: RunRecord { accuracy, ..of_head }, ids })
        }
    }
}

/// The records of both arms.
fn arms(
    setting: &Setting,
    base: &Binary,
    head: &Binary,
    reports: &[(Slot, Report)],
) -> Result<(RunRecord, RunRecord)> {
    let (of_base, of_head): (Vec<_>, Vec<_>) =
        reports.iter().cloned().partition(|(slot, _)| slot.arm == Arm::Base);
    Ok((record(setting, base, of_base)?, record(setting, head, of_head)?))
}

/// Runs the workers of one pair, or one process by itself: all of them at once, by turns.
fn replicate(
    request: &Request,
    subjects: &Subjects,
    pair: &[Slot],
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Vec<(Slot, Report)>> {
    let suite = &request.suite;
    let mut workers = Vec::with_capacity(pair.len());
    for slot in pair {
        let binary = match (subjects, slot.arm) {
            (Subjects::Pair { base, .. }, Arm::Base) => base,
            (Subjects::One { head, .. } | Subjects::Pair { head, .. }, _) => head,
        };
        let (path, padding) = (&binary.path, slot.padding_bytes);
        let mut worker = Worker::start(path, request, padding, Limits::generous(), clock)?;
        worker.ready()?;
        workers.push(worker);
    }
    for round in 0..suite.rounds {
        for workload in 0..suite.workloads.len() {
            for idx in order_of_turns(workers.len(), round) {
                workers[idx].take_turn(round, workload)?;
            }
        }
    }
    let mut reports = Vec::with_capacity(pair.len());
    for (slot, worker) in pair.iter().zip(workers) {
        reports.push((*slot, worker.finish(clock)?));
    }
    let wall_ns = reports.iter().map(|(_, report)| report.wall_ns).max();
    let (what, n) = match subjects {
        Subjects::One { .. } => ("process", pair[0].order + 1),
        Subjects::Pair { .. } => ("pair", pair[0].pair + 1),
    };
    progress.step(&format!("{what} {n}: {} ms", wall_ns.unwrap_or(0) / 1_000_000));
    Ok(reports)
}

/// Accuracy of the head, in a process of its own: its memory and its threads stay out of every other number.
fn score(
    assignment: &Assignment,
    request: &Request,
    head: &Binary,
    clock: &dyn Clock,
) -> Result<Option<Accuracy>> {
    if assignment.positions.is_none() {
        return Ok(None);
    }
    let request = Request { job: Job::Accuracy, ..request.clone() };
    let report = Worker::start(&head.path, &request, 0, Limits::generous(), clock)?.wait(clock)?;
    report.accuracy.map(Some).context("failed to measure: the worker never sent `accuracy`")
}

/// What every worker of the session is told. `pin`: whether threads are to stay where they are put.
fn request(assignment: &Assignment, pin: bool) -> Request {
    Request {
        protocol: PROTOCOL,
        job: Job::Suite,
        model: assignment.model.clone(),
        seed: assignment.seed,
        isa: assignment.isa.clone(),
        threads: assignment.threads,
        pin,
        prompt: assignment.prompt.clone(),
        suite: assignment.suite.clone(),
        positions: assignment.positions.unwrap_or(0),
    }
}

/// 32 hex digits that no other session has: from the time, the process and the binary.
fn session_id(clock: &dyn Clock, binary: Digest) -> String {
    let text = format!("{} {} {} {binary}", clock.utc(), clock.now_ns(), std::process::id());
    Digest::of(text.as_bytes()).to_string()[..32].to_owned()
}

/// Refuses a number of pairs or processes that no statistics could use.
pub(crate) fn check_count(what: &str, n: u64, least: u64) -> Result<()> {
    const MOST: u64 = 1_000;
    if (least..=MOST).contains(&n) {
        return Ok(());
    }
    bail!("failed to plan the session: `--{what}`: expected {least} to {MOST}, found {n}")
}
