//! Determinism: one request with a seed at temperature 0.8 in every setting, which must give the same ids in all of them.
//!
//! Settings: threads 1 and 2; every instruction set of this machine; the GPU, where one was chosen; alone and in a batch of four; with and without a kept
//! prefix; all of it once an iteration. Timed: an iteration's generations, together. Not timed: setting up the engines, and the
//! generation with another seed, which must give other ids.

use std::ops::ControlFlow;

use anyhow::{Context as _, Result, ensure};
use baselines::record::WorkloadDef;
use engine::{
    Generated, InferenceEngine, Isa, Prompt, Request, SamplerOptions, Session, SessionOptions,
};

use super::{
    Asked, Bench, Finished, ITERATIONS, PROMPT_TOKENS, Param, Prepared, Sampled, TOKENS, WARMUP,
    Workload, param, prompts, seed,
};

/// Requests in the batch.
const BATCH: usize = 4;

/// See the file's door.
#[derive(Debug)]
pub(super) struct Determinism;

impl Workload for Determinism {
    fn kind(&self) -> &'static str {
        "determinism"
    }

    fn about(&self) -> &'static str {
        "one seeded request in every setting, with the same ids in all of them"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["settings_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[ITERATIONS, PROMPT_TOKENS, TOKENS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let mut drawing = seed::stream(bench.seed, self.kind(), "prompt");
        let prompt = prompts::ids(bench.model, &mut drawing, param(def, PROMPT_TOKENS.name)?)?;
        let max_tokens = param(def, TOKENS.name)?;
        let request = |seed| Request {
            sampler: SamplerOptions { temperature: 0.8, seed, ..SamplerOptions::default() },
            max_tokens,
            ignores_end: true,
            ..Request::new(Prompt::Ids(prompt.clone()))
        };
        let mut settings = Vec::new();
        for isa in Isa::available() {
            for threads in [1, 2] {
                let kernels = bench.hooks.kernels(isa)?;
                let options =
                    SessionOptions { isa, threads, cpus: Vec::new(), ..bench.options.clone() };
                let session = Session::with_kernels(bench.model, &options, kernels)?;
                let engine = InferenceEngine::with_session(bench.model, session, bench.clock)
                    .context("failed to set up the engine")?;
                settings.push((format!("{isa}, {threads} threads"), engine));
            }
        }
        if bench.lane.is_gpu() {
            settings.push((bench.lane.selection().selected.id.to_string(), bench.engine()?));
        }
        let mut repeating = Repeating { bench, settings, request: request(bench.seed), ids: None };
        let (_, engine) = repeating.settings.last_mut().context("no instruction set")?;
        let mut ids = |seed| -> Result<Vec<u32>> {
            let request = Request { max_tokens: max_tokens.max(32), ..request(seed) };
            Ok(engine.generate(&request, |_| ControlFlow::Continue(()))?.ids)
        };
        ensure!(
            ids(bench.seed)? != ids(bench.seed ^ 1)?,
            "expected another seed to give other ids at temperature 0.8, found the same"
        );
        Ok(Box::new(repeating))
    }
}

/// An engine for each number of threads and instruction set.
#[derive(Debug)]
struct Repeating<'a> {
    bench: Bench<'a>,
    settings: Vec<(String, InferenceEngine<'a>)>,
    request: Request,
    /// Those of the first generation.
    ids: Option<Vec<u32>>,
}

impl Repeating<'_> {
    /// Every generation of an iteration, with the setting that it had.
    fn all(&mut self) -> Result<Vec<(String, Generated)>> {
        let goes_on = |_: engine::Token<'_>| ControlFlow::Continue(());
        let mut answers = Vec::new();
        for (setting, engine) in &mut self.settings {
            engine.forget();
            for kept in ["", ", prefix kept"] {
                let answer = engine.generate(&self.request, goes_on)?;
                ensure!(
                    (answer.metrics.reused_tokens > 0) != kept.is_empty(),
                    "{setting}{kept}: found {} tokens of the prompt kept",
                    answer.metrics.reused_tokens
                );
                answers.push((format!("{setting}{kept}"), answer));
            }
            let together = vec![self.request.clone(); BATCH];
            for answer in engine.generate_all(&together, BATCH, |_, token| goes_on(token)) {
                answers.push((format!("{setting}, batch of {BATCH}"), answer?));
            }
        }
        Ok(answers)
    }
}

impl Prepared for Repeating<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        let mut watch = self.bench.stopwatch();
        let answers = self.all()?;
        let settings_ns = watch.stop();
        for (setting, answer) in answers {
            let first = self.ids.get_or_insert_with(|| answer.ids.clone());
            ensure!(
                *first == answer.ids,
                "{setting}: expected the ids of the first generation, found others with the same seed"
            );
        }
        Ok(vec![("settings_ns", vec![settings_ns])])
    }

    fn finish(self: Box<Self>, _: &WorkloadDef) -> Finished {
        Finished::default()
    }
}
