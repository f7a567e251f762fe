//! One session: probes, worker processes in their order, accuracy, probes again; a record for each arm.
//! In: a job. Out: the records. Marks are taken before the first timing; the clock is the caller's.

use anyhow::{Context as _, Result, bail};
use baselines::{
    Digest, RunRecord,
    record::{Accuracy, ProbeWhen, Purpose, Suite, Taker, challenge_seed},
};

use crate::{
    environment::{self, Busy, Machine, Watch},
    measure::{Arm, Clock, Planted, Slot, order_of_turns, paired, timestamp, unpaired},
    nonce,
    progress::Progress,
    record::{Setting, record},
    subject::{Program, device, lane},
    worker::{
        Limits, Report, Worker,
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
    /// What the challenge's prompts come from; drawn where it was not given.
    pub(crate) nonce: Option<String>,
    pub(crate) deterministic: bool,
    pub(crate) isa: Option<String>,
    pub(crate) device: device::Asked,
    pub(crate) threads: Option<u64>,
    /// Bytes that a session of the engine may hold.
    pub(crate) memory_limit: Option<u64>,
    /// Text for end-to-end workloads in place of their own.
    pub(crate) prompt: Option<String>,
    /// Positions that accuracy is counted over; `None` leaves it out.
    pub(crate) positions: Option<u64>,
}

/// Who runs, and how often.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Subjects {
    /// One program.
    One { head: Program, processes: u64, purpose: Purpose },
    /// Two programs, interleaved, up to the last of these numbers of pairs that nothing disturbed.
    Pair { base: Program, head: Program, looks: Vec<u64> },
}

/// One process that ran, and what disturbed its pair.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ran {
    pub(crate) slot: Slot,
    pub(crate) report: Report,
    pub(crate) disturbed: Option<String>,
}

/// Of so many pairs one may be disturbed and measured again: a session gives up where more than a quarter are.
const SPARE: u64 = 3;

/// Pairs that are planned, so that `n_last` undisturbed ones can be reached.
pub(crate) const fn with_spare(n_last: u64) -> u64 {
    n_last + n_last / SPARE
}

/// Asked at each look but the last: may more pairs change the verdict? In: both arms so far.
pub(crate) type GoesOn<'a> = &'a dyn Fn(&RunRecord, &RunRecord) -> bool;

/// The records of a session.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// The base's arm, in a paired session.
    pub(crate) base: Option<RunRecord>,
    pub(crate) head: RunRecord,
}

/// Runs a session of one subject, or of a pair as long as it `goes_on`.
pub(crate) fn run(
    assignment: &Assignment,
    subjects: &Subjects,
    goes_on: GoesOn<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Measured> {
    let purpose = match subjects {
        Subjects::One { purpose, .. } => *purpose,
        Subjects::Pair { .. } => Purpose::Paired,
    };
    run_as(purpose, Planted::none(), assignment, subjects, goes_on, clock, progress)
}

/// Runs a paired session whose head is slowed by what is `planted`. Its records say so in their purpose, by which no
/// store keeps them and every check of evidence refuses them.
pub(crate) fn calibrate(
    planted: Planted,
    assignment: &Assignment,
    subjects: &Subjects,
    goes_on: GoesOn<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Measured> {
    run_as(Purpose::Calibration, planted, assignment, subjects, goes_on, clock, progress)
}

/// Runs a paired session whose passes are stamped, span by span: its times are a little longer than those of a gate. Its
/// records say so in their purpose, by which no store keeps them and no gate is derived from them.
pub(crate) fn triage(
    assignment: &Assignment,
    subjects: &Subjects,
    goes_on: GoesOn<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Measured> {
    run_as(Purpose::Triage, Planted::none(), assignment, subjects, goes_on, clock, progress)
}

fn run_as(
    purpose: Purpose,
    planted: Planted,
    assignment: &Assignment,
    subjects: &Subjects,
    goes_on: GoesOn<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Measured> {
    let started_at = timestamp(clock.utc());
    let (Subjects::One { head, .. } | Subjects::Pair { head, .. }) = subjects;
    let session = session_id(clock, head.first().digest);
    let host = environment::host();
    let mut marks = environment::marks(&host, &environment::tool());
    let busy_before = Busy::now();
    let threads = assignment.threads.unwrap_or(host.cpus);
    let slots = match subjects {
        Subjects::One { processes, .. } => unpaired(*processes, assignment.seed, &session),
        Subjects::Pair { base, head, looks } => {
            let n_layouts = (base.n_layouts(), head.n_layouts());
            let n_last = looks.last().copied().unwrap_or(0);
            paired(with_spare(n_last), n_layouts, assignment.seed, &session)
        }
    };

    // One step for each pair or process, two for the probes, one for accuracy.
    let n_steps = match subjects {
        Subjects::One { processes, .. } => *processes,
        Subjects::Pair { looks, .. } => looks.last().copied().unwrap_or(0),
    };
    progress.begin(n_steps + 3);
    let mut probes = environment::probe(threads, ProbeWhen::Before, clock)?;
    probes.extend(lane::probes(assignment.device, ProbeWhen::Before)?);
    progress.step("probes before");
    let crowded =
        busy_before.zip(Busy::now()).is_some_and(|(before, now)| now.is_crowded_since(&before));
    let taker = Taker { session: session.clone(), order: 0, binary: head.first().digest };
    let request = Request {
        planted_share: planted.share(),
        spans: purpose == Purpose::Triage,
        ..request(assignment, taker, !crowded)
    };
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
        nonce: assignment.nonce.clone().map_or_else(nonce::draw, Ok)?,
    };
    let mut ran: Vec<Ran> = Vec::new();
    let mut n_kept = 0;
    for pair in slots.chunk_by(|a, b| a.pair == b.pair) {
        let challenge_seed = challenge_seed(&setting.nonce, pair[0].pair);
        let request = Request { challenge_seed, ..request.clone() };
        let both = replicate(&request, subjects, pair, clock, progress)?;
        let kept = both.iter().all(|ran| ran.disturbed.is_none());
        n_kept += u64::from(kept);
        if ran.is_empty() {
            warn_of_fallback(&both, progress);
        }
        ran.extend(both);
        if let Subjects::Pair { base, head, looks } = subjects
            && (looks.last() == Some(&n_kept)
                || kept
                    && looks.contains(&n_kept)
                    && !still_open(&setting, base, head, &ran, goes_on)?)
        {
            break;
        }
    }
    let scored = score(assignment, &request, head, clock, progress)?;
    progress.step(if scored.is_some() { "accuracy" } else { "accuracy left out" });
    let (accuracy, format_accuracy) = scored.unzip();
    let format_accuracy = format_accuracy.unwrap_or_default();
    probes.extend(environment::probe(threads, ProbeWhen::After, clock)?);
    probes.extend(lane::probes(assignment.device, ProbeWhen::After)?);
    // A GPU that computed nothing bounds nothing.
    let on_gpu = ran.iter().any(|ran| ran.report.device.is_some());
    probes.retain(|probe| on_gpu || !probe.kind.is_of_device());
    warn_of_loss(&ran, progress);
    progress.step("probes after");
    progress.end();
    if let (Some(before), Some(after)) = (busy_before, Busy::now()) {
        marks.extend(after.marks_since(&before));
    }

    setting = Setting { ended_at: timestamp(clock.utc()), marks, probes, ..setting };
    head.check_unchanged()?;
    match subjects {
        Subjects::One { .. } => {
            let head = RunRecord { accuracy, format_accuracy, ..record(&setting, head, ran)? };
            Ok(Measured { base: None, head })
        }
        Subjects::Pair { base, .. } => {
            base.check_unchanged()?;
            let (base, of_head) = arms(&setting, base, head, &ran)?;
            let head = RunRecord { accuracy, format_accuracy, ..of_head };
            Ok(Measured { base: Some(base), head })
        }
    }
}

/// Says which device runs in place of the one that was asked for.
fn warn_of_fallback(ran: &[Ran], progress: &Progress) {
    let Some(settings) = ran.first().map(|ran| &ran.report.settings) else { return };
    if let Some(fallback) = &settings.fallback {
        let (requested, selected) = (&settings.device_requested, &settings.device_selected);
        progress.note(&device::warning(requested, selected, fallback));
    }
}

/// Says why the CPU went on in place of a GPU, and in how many processes.
fn warn_of_loss(ran: &[Ran], progress: &Progress) {
    let lost = |ran: &Ran| ran.report.device.as_ref().and_then(|used| used.lost.clone());
    let mut all = ran.iter().filter_map(lost);
    if let Some(why) = all.next() {
        let (n, of) = (all.count() + 1, ran.len());
        let selected = &ran[0].report.settings.device_selected;
        progress.note(&format!(
            "warning: device `{selected}` was lost in {n} of {of} processes, the CPU went on: {why}"
        ));
    }
}

/// Whether more pairs can change the verdict.
fn still_open(
    setting: &Setting,
    base: &Program,
    head: &Program,
    ran: &[Ran],
    goes_on: GoesOn<'_>,
) -> Result<bool> {
    let (base, head) = arms(setting, base, head, ran)?;
    Ok(goes_on(&base, &head))
}

/// The records of both arms.
fn arms(
    setting: &Setting,
    base: &Program,
    head: &Program,
    ran: &[Ran],
) -> Result<(RunRecord, RunRecord)> {
    let (of_base, of_head): (Vec<_>, Vec<_>) =
        ran.iter().cloned().partition(|ran| ran.slot.arm == Arm::Base);
    Ok((record(setting, base, of_base)?, record(setting, head, of_head)?))
}

/// Runs the workers of one pair, or one process by itself: all of them at once, by turns.
fn replicate(
    request: &Request,
    subjects: &Subjects,
    pair: &[Slot],
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Vec<Ran>> {
    let suite = &request.suite;
    let machine = Machine::here();
    let watch = Watch::start(&machine);
    let mut workers = Vec::with_capacity(pair.len());
    for slot in pair {
        let program = match (subjects, slot.arm) {
            (Subjects::Pair { base, .. }, Arm::Base) => base,
            (Subjects::One { head, .. } | Subjects::Pair { head, .. }, _) => head,
        };
        let (layout, padding) = (program.layout(slot.layout), slot.padding_bytes);
        let taker = Taker { order: slot.order, binary: layout.digest, ..request.taker.clone() };
        // Whatever is planted slows the head alone.
        let planted_share = if slot.arm == Arm::Head { request.planted_share } else { 0.0 };
        let request = Request { planted_share, taker, ..request.clone() };
        let mut worker = Worker::start(
            &layout.path,
            &request,
            padding,
            Limits::generous(progress.halt()),
            clock,
        )?;
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
    // Before the workers are asked for their times: what is left out is left out whatever they say.
    let disturbed = match subjects {
        Subjects::One { .. } => None,
        Subjects::Pair { .. } => watch.disturbed(&machine),
    };
    let mut ran = Vec::with_capacity(pair.len());
    for (slot, worker) in pair.iter().zip(workers) {
        let report = worker.finish(clock)?;
        ran.push(Ran { slot: *slot, report, disturbed: disturbed.clone() });
    }
    let wall_ns = ran.iter().map(|ran| ran.report.wall_ns).max();
    let (what, n) = match subjects {
        Subjects::One { .. } => ("process", pair[0].order + 1),
        Subjects::Pair { .. } => ("pair", pair[0].pair + 1),
    };
    let said = format!("{what} {n}: {} ms", wall_ns.unwrap_or(0) / 1_000_000);
    match disturbed {
        Some(why) => progress.note(&format!("{said}, left out ({why})")),
        None => progress.step(&said),
    }
    Ok(ran)
}

/// Accuracy of the head, in a process of its own: its memory and its threads stay out of every other number.
fn score(
    assignment: &Assignment,
    request: &Request,
    head: &Program,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Option<(Accuracy, Vec<Accuracy>)>> {
    if assignment.positions.is_none() {
        return Ok(None);
    }
    let request = Request { job: Job::Accuracy, ..request.clone() };
    let limits = Limits::generous(progress.halt());
    let report = Worker::start(&head.first().path, &request, 0, limits, clock)?.wait(clock)?;
    let mut scored = report.accuracy.into_iter();
    let own = scored.next().context("failed to measure: the worker never sent `accuracy`")?;
    Ok(Some((own, scored.collect())))
}

/// What every worker of the session is told, whatever its pair. `pin`: whether threads are to stay where they are put.
fn request(assignment: &Assignment, taker: Taker, pin: bool) -> Request {
    Request {
        protocol: PROTOCOL,
        job: Job::Suite,
        model: assignment.model.clone(),
        taker,
        seed: assignment.seed,
        challenge_seed: 0,
        isa: assignment.isa.clone(),
        device: assignment.device.device.to_string(),
        strict_device: assignment.device.is_strict,
        threads: assignment.threads,
        memory_limit: assignment.memory_limit,
        pin,
        prompt: assignment.prompt.clone(),
        suite: assignment.suite.clone(),
        positions: assignment.positions.unwrap_or(0),
        planted_share: 0.0,
        spans: false,
    }
}

/// 32 hex digits that no other session has: from the time, the process and the binary.
pub(crate) fn session_id(clock: &dyn Clock, binary: Digest) -> String {
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
