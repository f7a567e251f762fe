//! Sampling: a token chosen of the logits of the model itself, with every stage of the sampler on.
//!
//! Timed: each draw by itself. Not timed: the logits, which are those behind a seeded prompt, and the sampler's set-up. Every
//! iteration begins the sampler's stream anew and must draw the ids of the first; another seed must draw others.

use anyhow::{Result, ensure};
use baselines::record::WorkloadDef;
use engine::{Sampler, SamplerOptions};

use super::{
    Asked, Bench, Finished, ITERATIONS, PROMPT_TOKENS, Param, Prepared, Sampled, TOKENS, WARMUP,
    Workload, param, prompts, seed,
};

/// See the file's door.
#[derive(Debug)]
pub(super) struct Sampling;

impl Workload for Sampling {
    fn kind(&self) -> &'static str {
        "sampling"
    }

    fn about(&self) -> &'static str {
        "one token chosen of given logits, every stage of the sampler on"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["sample_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[ITERATIONS, PROMPT_TOKENS, TOKENS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let n_draws = param(def, TOKENS.name)?;
        let mut drawing = seed::stream(bench.seed, self.kind(), "prompt");
        let prompt = prompts::ids(bench.model, &mut drawing, param(def, PROMPT_TOKENS.name)?)?;
        let logits = bench.session()?.prefill(&prompt)?.to_vec();
        let mut choosing = Choosing { bench, logits, n_draws, ids: Vec::new() };
        choosing.ids = choosing.draw(bench.seed)?.0;
        let n_other = n_draws.max(64);
        let of = |seed| Choosing { n_draws: n_other, ..choosing.clone() }.draw(seed);
        ensure!(
            of(bench.seed)?.0 != of(bench.seed ^ 1)?.0,
            "expected another seed to draw other tokens, found the same {n_other}"
        );
        Ok(Box::new(choosing))
    }
}

/// The logits, and what is drawn of them.
#[derive(Clone, Debug)]
struct Choosing<'a> {
    bench: Bench<'a>,
    logits: Vec<f32>,
    n_draws: usize,
    /// Of the first time.
    ids: Vec<u32>,
}

impl Choosing<'_> {
    /// The ids that the stream of `seed` draws, and the times.
    fn draw(&self, seed: u64) -> Result<(Vec<u32>, Vec<u64>)> {
        let mut sampler = Sampler::new(every_stage(seed))?;
        let (mut ids, mut times_ns) = (Vec::new(), Vec::new());
        for _ in 0..self.n_draws {
            let mut watch = self.bench.stopwatch();
            let id = sampler.sample(&self.logits)?;
            times_ns.push(watch.stop());
            ids.push(id);
        }
        Ok((ids, times_ns))
    }
}

impl Prepared for Choosing<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        let (ids, times_ns) = self.draw(self.bench.seed)?;
        ensure!(ids == self.ids, "expected the tokens of the first iteration, found others");
        Ok(vec![("sample_ns", times_ns)])
    }

    fn finish(self: Box<Self>, _: &WorkloadDef) -> Finished {
        Finished::default()
    }
}

/// What people set, all at once, and hot: a model can be certain of what follows its prompt, and then no seed has a say.
fn every_stage(seed: u64) -> SamplerOptions {
    SamplerOptions {
        temperature: 2.0,
        top_k: 40,
        top_p: 0.98,
        min_p: 0.001,
        repetition_penalty: 1.1,
        seed,
        ..SamplerOptions::default()
    }
}
