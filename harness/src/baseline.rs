//! Baselines: a stored record, the binary that made it, and the journal that names them.
//!
//! Only `bench baseline record` writes one. Where `bench gate` needs one first, it starts that command as its own process.

mod settle;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use baselines::{
    Digest, RunRecord,
    evidence::{BaselineOutput, BaselineRef},
    record::{Purpose, Suite},
    store::{DirStore, Entry, check_text},
};
use gates::Policy;

use crate::{
    agreement::Row,
    failure::Failure,
    measure::{Clock, timestamp},
    progress::Progress,
    runner,
    session::{self, Assignment, Subjects},
    subject::{Binary, Program},
};

/// A baseline is a statement about a build: fewer processes say too little about it.
pub(crate) const PROCESSES_LEAST: u64 = 10;

/// What a name points at, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Baseline {
    pub(crate) reference: BaselineRef,
    pub(crate) record: RunRecord,
    pub(crate) binary: Binary,
}

impl Baseline {
    /// The reference as a session of `suite` can use it: outputs of workloads that `suite` defines alike.
    pub(crate) fn reference_for(&self, suite: &Suite) -> BaselineRef {
        let mut reference = self.reference.clone();
        reference.outputs.retain(|output| {
            let of = |suite: &Suite| {
                suite.workloads.iter().find(|def| def.name == output.workload).cloned()
            };
            // The same name with other parameters asks another question.
            of(suite).is_some() && of(suite) == of(&self.record.suite)
        });
        reference
    }
}

/// The baseline called `name`, if the store has one: record and binary are checked against their digests.
pub(crate) fn find(store: &DirStore, name: &str, bootstrap: bool) -> Result<Option<Baseline>> {
    let journal = store.journal(name)?;
    let Some((journal, current)) =
        journal.as_ref().and_then(|journal| Some((journal, journal.current()?)))
    else {
        return Ok(None);
    };
    if let Some(expiry) = journal.expiry_of(current.record) {
        return Err(expired(store, expiry).into());
    }
    let at_fault =
        || format!("failed to read baseline `{name}` of store `{}`", store.root().display());
    let record = store.get_record(current.record).with_context(at_fault)?;
    let binary = store.binary_path(current.binary).with_context(at_fault)?;
    let outputs = record.processes.first().map_or_else(Vec::new, |process| {
        let output = |output: &baselines::record::Output| BaselineOutput {
            workload: output.workload.clone(),
            prompt_ids_digest: output.prompt_ids_digest,
            output_ids_digest: output.output_ids_digest,
            logits_digest: output.logits_digest,
        };
        process.outputs.iter().map(output).collect()
    });
    let reference = BaselineRef {
        name: current.name.clone(),
        record: current.record,
        binary: current.binary,
        model: current.model,
        fingerprint: current.fingerprint,
        recorded_at: current.recorded_at.clone(),
        bootstrap,
        outputs,
    };
    Ok(Some(Baseline { reference, record, binary: Binary::at(&binary)? }))
}

/// What a new baseline is called, and by whom and why it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) name: String,
    pub(crate) reason: String,
    pub(crate) recorded_by: String,
    pub(crate) approved_by: Option<String>,
    /// Whether it is taken even if it does not agree with an earlier one of the same build.
    pub(crate) accept: bool,
}

/// A baseline that was recorded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) digest: Digest,
    pub(crate) record: RunRecord,
    /// The earlier record of the same build, and how far the two agree.
    pub(crate) earlier: Option<(Entry, Vec<Row>)>,
}

/// Measures the running program and points the baseline at the result.
pub(crate) fn record(
    store: &DirStore,
    assignment: &Assignment,
    processes: u64,
    order: &Order,
    policy: &Policy,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Recorded> {
    session::check_count("processes", processes, PROCESSES_LEAST)?;
    // A journal that does not hold takes no entry: that is known before the first minute is spent.
    store.journal(&order.name)?;
    // Measured is the kept copy, so that a build meanwhile changes nothing.
    let kept = store.put_binary(&Binary::current()?.path)?;
    let head = Binary::at(&store.binary_path(kept)?)?;
    let head = Program::single(head);
    let subjects = Subjects::One { head, processes, purpose: Purpose::Baseline };
    let record = session::run(assignment, &subjects, &|_, _| false, clock, progress)?.head;
    let refusals = gates::check_record(&record);
    if let Some(refusal) = refusals.first() {
        return Err(Failure::invalid(format!(
            "failed to record a baseline: its own record does not hold: rule `{}`: {}: expected {}, found {}; {}",
            refusal.rule, refusal.field, refusal.expected, refusal.found, refusal.way_out
        ))
        .into());
    }
    let digest = store.put_record(&record)?;
    let at = timestamp(clock.utc());
    let earlier = settle::settle(store, digest, &record, order, policy, at)?;
    Ok(Recorded { digest, record, earlier })
}

/// Refuses an option that is to say something and does not.
pub(crate) fn check_said(option: &str, text: &str) -> Result<()> {
    check_text(option, text).map_err(|error| anyhow::anyhow!("failed to read the options: {error}"))
}

/// Why a baseline that was taken out of use is not compared with.
pub(crate) fn expired(store: &DirStore, expiry: &Entry) -> Failure {
    let name = &expiry.name;
    Failure::incomparable(format!(
        "failed to use baseline `{name}` of store `{}`: expected one in use, found one that expired {}: {}; record another \
         with `bench baseline record --name {name}` on the revision to compare with, or take an earlier one with \
         `bench baseline promote`",
        store.root().display(),
        expiry.at,
        expiry.reason
    ))
}

/// Starts `bench baseline record` as a process of its own: the process that compares cannot write a baseline.
pub(crate) fn record_elsewhere(args: &[String]) -> Result<()> {
    let program = std::env::current_exe().context("failed to find the running program")?;
    let status = runner::unshare(&mut Command::new(&program))
        .args(["baseline", "record"])
        .args(args)
        .stdin(Stdio::null())
        // Its summary is no data of this command.
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("failed to start `{}`", program.display()))?;
    if status.success() {
        return Ok(());
    }
    let message =
        format!("failed to record a first baseline: `bench baseline record` ended with {status}");
    match status.code() {
        Some(4) => Err(Failure::invalid(message).into()),
        _ => bail!(message),
    }
}

/// Where a store's folder is, for the sentence that explains a missing baseline.
pub(crate) fn missing(store: &Path, name: &str) -> Failure {
    Failure::incomparable(format!(
        "failed to gate: store `{}` has no baseline `{name}`, and under `CI=true` none is recorded on the way: a gate that \
         compares a build with itself would be green whatever it holds. Run `bench baseline record --name {name}` on the \
         revision to compare with, or give the store that has it with `--store`",
        store.display()
    ))
}
