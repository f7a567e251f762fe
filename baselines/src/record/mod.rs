//! The run record: one arm of one session, with every raw sample.
//! In: what `harness` measured. Out: the value that `gates` and `reports` read, and that `wire` turns into JSON.

mod challenge;
mod command;
mod environment;
mod fingerprint;
mod pair;
mod process;
mod subject;
mod suite;
mod version;
pub mod wire;

pub use challenge::{Challenge, NONCE_DIGITS, challenge_seed, is_challenged, n_challenged};
pub use command::{BenchTarget, CommandInfo, Runs};
pub use environment::{Host, Mark, Probe, ProbeKind, ProbeWhen};
pub use pair::pair_log_ratio;
pub use process::{
    Allocations, Counts, DeviceUse, Ids, Output, Process, Screening, Series, StopReason, Taker,
    samples_digest,
};
pub use subject::{Engine, Layout, Linear, ModelInfo, Settings, Subject, Tool, What};
pub use suite::{Accuracy, MetricDef, Suite, WorkloadDef};
pub use version::{SCHEMA_VERSION, SchemaVersion};

use crate::Digest;

/// Why a session was run; says how its record may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `bench run`: one subject, nothing compared.
    Run,
    /// `bench baseline record`: the record and its binary go to a store.
    Baseline,
    /// One arm of a paired session of `bench gate`.
    Paired,
    /// One arm of a session of `bench calibrate`, whose head may be slowed on purpose: no evidence, and never kept.
    Calibration,
    /// One arm of a session of `bench triage`, whose passes are stamped span by span: no evidence of a gate, and never kept.
    Triage,
}

/// One arm of one session: a subject, the suite it ran, and all its processes.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// The schema this record was written in.
    pub version: SchemaVersion,
    /// Names the session: both arms of a paired session share it. 32 hex digits, drawn once per session.
    pub session: String,
    /// Why the session was run.
    pub purpose: Purpose,
    /// UTC start of the session, RFC 3339 with milliseconds and `Z`.
    pub started_at: String,
    /// UTC end of the session, same form; never before `started_at` or any process.
    pub ended_at: String,
    /// The effective root seed: prompts, sampling and the order of pairs come from it.
    pub seed: u64,
    /// Whether deterministic mode was asked for (`BITNET_DETERMINISTIC=1` or `--deterministic`).
    pub deterministic: bool,
    /// The program that measured.
    pub tool: Tool,
    /// What was measured.
    pub subject: Subject,
    /// The workloads that every process ran.
    pub suite: Suite,
    /// The machine.
    pub host: Host,
    /// Facts about the environment that a reader must know, taken before timings were read.
    pub marks: Vec<Mark>,
    /// What the machine could do in this session: bandwidth and int8 peak, before and after.
    pub probes: Vec<Probe>,
    /// 32 hex digits that nobody could know before the session began: its challenge comes from them. `None` of a command.
    pub nonce: Option<String>,
    /// The ids behind the output digests, one entry per generating workload: the same in every process of this arm.
    pub ids: Vec<Ids>,
    /// One entry per worker process of this arm, in the order they ran.
    pub processes: Vec<Process>,
    /// Output quality of this subject against its own float-activation run; once per session.
    pub accuracy: Option<Accuracy>,
    /// The same of its model converted to each other ternary format that the suite has workloads of: the int8-activation run of
    /// the converted model against the float-activation run of the model itself.
    pub format_accuracy: Vec<Accuracy>,
}

impl RunRecord {
    /// The samples of `metric` on `workload`, one slice per process that has them, in process order.
    pub fn samples<'a>(
        &'a self,
        workload: &'a str,
        metric: &'a str,
    ) -> impl Iterator<Item = (&'a Process, &'a [f64])> {
        self.processes.iter().filter_map(move |process| {
            process
                .series
                .iter()
                .find(|series| series.workload == workload && series.metric == metric)
                .map(|series| (process, series.samples.as_slice()))
        })
    }

    /// The GPU that computed, where one did: that of the first process that had one.
    #[must_use]
    pub fn gpu(&self) -> Option<&DeviceUse> {
        self.processes.iter().find_map(|process| process.device.as_ref())
    }

    /// The commit of the repository that was measured, where it was built from a clean one: the tool's own where the engine was
    /// measured, that of a bench target; of other commands none is known.
    #[must_use]
    pub fn commit_under_test(&self) -> Option<&str> {
        match &self.subject.what {
            What::Engine(_) => self.tool.commit.as_deref(),
            What::Command(command) => command.bench.as_ref()?.commit.as_deref(),
        }
    }

    /// What the digest of the samples of one of its processes must be.
    #[must_use]
    pub fn samples_digest(&self, process: &Process) -> Digest {
        let layout =
            usize::try_from(process.layout).ok().and_then(|nth| self.subject.layouts.get(nth));
        let binary = layout.map_or(self.subject.binary, |layout| layout.binary);
        let taker = Taker { session: self.session.clone(), order: process.order, binary };
        samples_digest(&taker, &process.series)
    }

    /// The record with the digest of each process's samples: where the program that writes it took them itself.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        let digests: Vec<Digest> =
            self.processes.iter().map(|process| self.samples_digest(process)).collect();
        for (process, digest) in self.processes.iter_mut().zip(digests) {
            process.samples_digest = Some(digest);
        }
        self
    }
}
