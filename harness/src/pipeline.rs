//! The road, from a model file to a verdict, as one readable function: read this file first.
//!
//! ```text
//! model file ─► worker processes ─► run records ─► evidence ─► verdict, gate files, route, page
//!  engine        session.rs          record.rs      evidence.rs  gates, reports, files.rs
//! ```

use std::path::Path;

use anyhow::{Context as _, Result};
use baselines::{
    RunRecord,
    evidence::Given,
    record::{Mark, MetricDef, Purpose},
    store::DirStore,
};
use gates::{Derived, Policy, Verdict};

use crate::{
    arms::{self, Arms},
    check, command, environment,
    evidence::{self, Brought},
    files, hops,
    measure::{Clock, timestamp},
    policy::Ruling,
    progress::Progress,
    session::{self, Assignment, Subjects},
};

/// What `bench gate` was asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Gate<'a> {
    pub(crate) assignment: &'a Assignment,
    /// The session ends with so many pairs at the latest; `None`: with those of the policy's last look.
    pub(crate) pairs: Option<u64>,
    pub(crate) store: &'a DirStore,
    pub(crate) arms: Arms<'a>,
    pub(crate) ruling: Ruling,
    /// Folder of the gate's files.
    pub(crate) out: &'a Path,
    /// Route document that the hop log is taken from; `None`: the one in that folder.
    pub(crate) hops: Option<&'a Path>,
}

/// Measures base and head in one session, judges, and writes the gate's files.
/// Returns what follows from the evidence, and what a reader must know about the machine's state.
pub(crate) fn gate(
    gate: &Gate<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<(Derived, Vec<Mark>)> {
    // Everything that can fail cheaply fails before the first minute is spent.
    let policy = Policy::parse(&gate.ruling.text).context("failed to read the policy")?;
    // The running program is the head of a stored baseline; what a revision is built from is known after the build.
    let head_commit = match gate.arms {
        Arms::Stored { .. } => environment::tool().commit,
        Arms::Given { .. } => None,
    };
    let brought = bring(gate.out, gate.hops, clock)?;
    check::refuse_stale(&brought.checks, head_commit.as_deref())?;
    let ready = arms::ready(&gate.arms, gate.store, &gate.assignment.model, progress)?;

    let (base, head) = (ready.base.clone(), ready.head.clone());
    let subjects = Subjects::Pair { base, head, looks: looks(&policy, gate.pairs) };
    // Waivers decide with the rest when a session has said enough.
    let lifted = policy.lifted(&timestamp(clock.utc()));
    let goes_on = |base: &RunRecord, head: &RunRecord| gates::goes_on(base, head, &lifted);
    let measured = session::run(gate.assignment, &subjects, &goes_on, clock, progress)?;
    let base = measured.base.context("a paired session has a base")?;

    let history = evidence::history(gate.store, &measured.head)?;
    let source = ready.source(&measured.head.suite)?;
    let evidence = evidence::bundle(
        source,
        base,
        measured.head,
        history,
        gate.ruling.clone(),
        brought,
        timestamp(clock.utc()),
    );
    let (derived, files) = files::derive(&evidence)?;
    keep(gate.store, &evidence.head, derived.verdict)?;
    files::write(gate.out, &evidence, &files)?;
    Ok((derived, evidence.head.marks))
}

/// What `bench gate` was asked to do with two external commands.
#[derive(Clone, Debug)]
pub(crate) struct CommandGate<'a> {
    pub(crate) spec: &'a command::Spec,
    /// As for the engine.
    pub(crate) pairs: Option<u64>,
    /// Text of the policy.
    pub(crate) policy: &'a str,
    /// Folder of the gate's files.
    pub(crate) out: &'a Path,
    /// Route document that the hop log is taken from; `None`: the one in that folder.
    pub(crate) hops: Option<&'a Path>,
}

/// Measures two commands in one session, judges, and writes the gate's files. No store stands behind it: the base is measured,
/// never remembered.
pub(crate) fn gate_commands(
    gate: &CommandGate<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<(Derived, Vec<Mark>)> {
    let metrics: Vec<MetricDef> =
        gate.spec.metrics.iter().map(|metric| metric.def.clone()).collect();
    let policy = Policy::parse_with(gate.policy, &metrics).context("failed to read the policy")?;
    let brought = bring(gate.out, gate.hops, clock)?;
    let looks = looks(&policy, gate.pairs);
    // Waivers decide with the rest when a session has said enough.
    let lifted = policy.lifted(&timestamp(clock.utc()));
    let goes_on = |base: &RunRecord, head: &RunRecord| gates::goes_on(base, head, &lifted);
    let arms = command::measure(gate.spec, Purpose::Paired, &looks, &goes_on, clock, progress)?;
    let given = Given { asked: gate.spec.base.clone(), commit: None };
    close(arms, given, brought, Ruling::of_text(gate.policy.to_owned()), gate.out, clock)
}

/// What `bench gate` was asked to do with two builds of a Criterion bench target.
pub(crate) struct BenchGate<'a> {
    pub(crate) spec: &'a command::BenchSpec,
    /// Base and head.
    pub(crate) arms: [command::BenchArm; 2],
    pub(crate) given: Given,
    /// As for the engine.
    pub(crate) pairs: Option<u64>,
    /// The policy for a target with these benchmarks.
    pub(crate) policy: &'a dyn Fn(&[&str]) -> Result<Ruling>,
    /// Folder of the gate's files.
    pub(crate) out: &'a Path,
    /// Route document that the hop log is taken from; `None`: the one in that folder.
    pub(crate) hops: Option<&'a Path>,
}

/// The same for two builds of a bench target. Which benchmarks there are is known after a first run of both.
pub(crate) fn gate_benches(
    gate: BenchGate<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<(Derived, Vec<Mark>)> {
    let brought = bring(gate.out, gate.hops, clock)?;
    check::refuse_stale(&brought.checks, None)?;
    let session = command::BenchSession::open(gate.spec, gate.arms, clock, progress)?;
    let ruling = (gate.policy)(&session.names())?;
    let policy = Policy::parse(&ruling.text).context("failed to read the policy")?;
    // Waivers decide with the rest when a session has said enough.
    let lifted = policy.lifted(&timestamp(clock.utc()));
    let goes_on = |base: &RunRecord, head: &RunRecord| gates::goes_on(base, head, &lifted);
    let arms = session.measure(&looks(&policy, gate.pairs), &goes_on, progress)?;
    close(arms, gate.given, brought, ruling, gate.out, clock)
}

/// Opens the folder of a gate: takes what earlier gates and checks left there, and removes their verdicts.
fn bring(out: &Path, log: Option<&Path>, clock: &dyn Clock) -> Result<Brought> {
    let hops = hops::take_over(out, log, &timestamp(clock.utc()))?;
    Ok(Brought { hops, checks: check::read(out)? })
}

/// Judges two records that no store stands behind, and writes the gate's files.
fn close(
    (base, head): (RunRecord, RunRecord),
    given: Given,
    brought: Brought,
    ruling: Ruling,
    out: &Path,
    clock: &dyn Clock,
) -> Result<(Derived, Vec<Mark>)> {
    let (source, closed_at) = (evidence::Source::Given(given), timestamp(clock.utc()));
    let evidence = evidence::bundle(source, base, head, Vec::new(), ruling, brought, closed_at);
    let (derived, files) = files::derive(&evidence)?;
    files::write(out, &evidence, &files)?;
    Ok((derived, evidence.head.marks))
}

/// Numbers of pairs at which the session may end: the policy's looks, as far as `most` allows. Fewer than the first look are
/// measured as asked for, and decide nothing.
fn looks(policy: &Policy, most: Option<u64>) -> Vec<u64> {
    let looks = policy.pairs.looks.iter().map(|pairs| *pairs as u64);
    let looks: Vec<u64> = looks.filter(|pairs| most.is_none_or(|most| *pairs <= most)).collect();
    if looks.is_empty() { most.into_iter().collect() } else { looks }
}

/// Adds the head to the store's history. A record that does not hold is none; the baseline pointer is never moved here.
fn keep(store: &DirStore, head: &RunRecord, verdict: Verdict) -> Result<()> {
    if verdict != Verdict::Invalid {
        store.put_record(head).context("failed to add the record to the store's history")?;
    }
    Ok(())
}
