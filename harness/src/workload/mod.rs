//! Workloads: one kind a file, each saying what is timed and what is not. Instances are data (`workloads/*.toml`).
//! In: an open model, a definition. Out: the trace of one process: samples, output digests, counts.

mod asked;
mod batch;
mod counts;
mod decode;
mod determinism;
mod end_to_end;
mod gemm;
mod load;
mod load_file;
mod matmul;
mod memory;
mod output;
mod prefill;
mod prefix_reuse;
mod prompts;
mod quantize;
mod rounds;
mod sampling;
mod seed;
mod spans;
mod tokenize;

use std::fmt::Debug;

use anyhow::{Context as _, Result, bail, ensure};
use baselines::record::{
    Allocations, Challenge, Counts, Ids, Output, Screening, Series, WorkloadDef,
};
use engine::{
    InferenceEngine, Model, Session, SessionOptions,
    quant::{self, BlockFormat},
};

use crate::{
    Hooks,
    measure::{Clock, Planted, Stopwatch, Tally},
    nearest::suggestion,
    subject::{engine::Source, lane::Lane},
};

/// One kind of workload.
pub(crate) trait Workload: Debug + Sync {
    /// Kebab-case name of the kind.
    fn kind(&self) -> &'static str;

    /// One sentence: what one sample is.
    #[cfg_attr(not(test), expect(dead_code, reason = "the register's test holds every kind to it"))]
    fn about(&self) -> &'static str;

    /// The metrics it samples, the one that it is named for first.
    fn metrics(&self) -> &'static [&'static str];

    /// Its parameters.
    fn params(&self) -> &'static [Param];

    /// Sets up everything that is not timed.
    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>>;
}

/// A workload that is set up: iterations can be asked for one by one, with other workloads in between.
pub(crate) trait Prepared {
    /// One iteration: its samples by metric, and the check that it put out what the others with this prompt did. Kinds
    /// without a prompt of ids have no other one to ask.
    fn once(&mut self, asked: Asked) -> Result<Vec<Sampled>>;

    /// What is known after the last iteration of the workload `def`.
    fn finish(self: Box<Self>, def: &WorkloadDef) -> Finished;
}

/// The samples of one metric in one iteration, in nanoseconds.
pub(crate) type Sampled = (&'static str, Vec<u64>);

/// What a workload found besides times.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    /// Outputs and ids, where it generates.
    answers: Answers,
    /// What the dispatcher counted.
    counters: Vec<engine::Count>,
    /// How much of the output matrix was looked at, where nothing but screened steps was counted.
    screening: engine::Screening,
}

pub(crate) use asked::Asked;
pub(crate) use output::Answers;
pub(crate) use rounds::Workloads;

/// All kinds, sorted.
pub(crate) const WORKLOADS: &[&dyn Workload] = &[
    &batch::Batch,
    &decode::Decode,
    &determinism::Determinism,
    &end_to_end::EndToEnd,
    &gemm::Gemm,
    &load::Load,
    &load_file::LoadFile::Cold,
    &load_file::LoadFile::Warm,
    &matmul::Matmul,
    &memory::Memory,
    &prefill::Prefill,
    &prefix_reuse::PrefixReuse,
    &quantize::Quantize,
    &sampling::Sampling,
    &tokenize::Tokenize,
];

/// One parameter of a kind; all are whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    /// Least and largest allowed value.
    pub(crate) range: (u64, u64),
}

const WARMUP: Param = Param { name: "warmup", range: (0, 1_000) };
const ITERATIONS: Param = Param { name: "iterations", range: (1, crate::measure::ITERATIONS_MAX) };
const PROMPT_TOKENS: Param = Param { name: "prompt_tokens", range: (1, 1 << 20) };
const TOKENS: Param = Param { name: "tokens", range: (1, 1 << 20) };
/// A storage format, by its type number in GGUF files.
const FORMAT: Param = Param { name: "format", range: (0, 255) };
const ROWS: Param = Param { name: "rows", range: (1, 1 << 20) };
const COLS: Param = Param { name: "cols", range: (1, 1 << 20) };

/// What a workload finds when its process starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) source: &'a Source,
    pub(crate) model: &'a Model,
    pub(crate) options: &'a SessionOptions,
    /// Where sessions run.
    pub(crate) lane: &'a Lane,
    /// Root seed.
    pub(crate) seed: u64,
    /// Root seed of the challenge's prompts.
    pub(crate) challenge_seed: u64,
    /// The user's prompt, in place of the seeded one.
    pub(crate) prompt: Option<&'a str>,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) hooks: &'a Hooks,
    /// A slowdown of every timed stretch: none but for `bench calibrate`.
    pub(crate) planted: Planted,
    /// Counts what timed stretches ask of the allocator, when it is told to.
    pub(crate) tally: &'a Tally,
    /// Whether passes are stamped: for `bench triage` alone.
    pub(crate) spans: bool,
}

impl<'a> Bench<'a> {
    fn session(&self) -> Result<Session<'a>> {
        let kernels = self.hooks.kernels(self.options.isa)?;
        let mut session = self.lane.session(self.model, self.options, kernels)?;
        if self.spans {
            session.time_spans(self.clock);
        }
        Ok(session)
    }

    /// A production engine over a session of its own.
    fn engine(&self) -> Result<InferenceEngine<'a>> {
        InferenceEngine::with_session(self.model, self.session()?, self.clock)
            .context("failed to set up the engine")
    }

    /// Starts to time a stretch.
    fn stopwatch(&self) -> Stopwatch<'a> {
        Stopwatch::start(self.clock, self.planted, self.tally)
    }
}

/// What one workload found in one process.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Trace {
    pub(crate) series: Vec<Series>,
    pub(crate) output: Option<Output>,
    /// The ids behind it.
    pub(crate) ids: Option<Ids>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) counts: Vec<Counts>,
    pub(crate) screening: Option<Screening>,
    pub(crate) allocations: Option<Allocations>,
}

/// The kind called `kind`.
pub(crate) fn find(kind: &str) -> Result<&'static dyn Workload> {
    if let Some(workload) = WORKLOADS.iter().find(|workload| workload.kind() == kind) {
        return Ok(*workload);
    }
    let kinds: Vec<&str> = WORKLOADS.iter().map(|workload| workload.kind()).collect();
    bail!("workload kind `{kind}` is unknown; {}", suggestion(kind, &kinds))
}

/// What the workload `def` puts out in one untimed iteration.
pub(crate) fn answer(bench: Bench<'_>, def: &WorkloadDef, asked: Asked) -> Result<Answers> {
    let mut prepared = find(&def.kind)?.prepare(bench, def)?;
    prepared.once(asked)?;
    Ok(prepared.finish(def).answers)
}

/// Checks that `def` has every parameter of its kind, each in range. `warmup` and `iterations` have defaults.
pub(crate) fn check(workload: &dyn Workload, def: &WorkloadDef) -> Result<()> {
    for param in workload.params() {
        let (least, most) = param.range;
        match def.params.get(param.name) {
            None if param.name == WARMUP.name || param.name == ITERATIONS.name => {}
            None => bail!("parameter `{}` is missing", param.name),
            Some(value) => ensure!(
                (least..=most).contains(value),
                "parameter `{}`: expected {least} to {most}, found {value}",
                param.name
            ),
        }
    }
    Ok(())
}

/// The storage format that a workload names.
fn format(def: &WorkloadDef) -> Result<&'static dyn BlockFormat> {
    let id = param(def, FORMAT.name)?;
    let found = u32::try_from(id).ok().and_then(quant::by_id);
    found.with_context(|| {
        let known: Vec<String> =
            quant::FORMATS.iter().map(|f| format!("{} ({})", f.id(), f.name())).collect();
        format!("parameter `format`: expected one of {}, found {id}", known.join(", "))
    })
}

/// The value of a parameter.
fn param(def: &WorkloadDef, name: &str) -> Result<usize> {
    let value = def.params.get(name).with_context(|| format!("parameter `{name}` is missing"))?;
    usize::try_from(*value).with_context(|| format!("parameter `{name}`: {value} is too large"))
}

#[cfg(test)]
mod tests;
