//! Decode: `tokens` greedy steps after a short prompt of seeded ids, each step timed by itself.
//!
//! Timed: from a sampled token to the next sampled token, one pass through the model and the sampler. Not timed, and not
//! counted: the prompt, which is read once and returned to by rewinding the cache; the digest of each step's logits. The
//! steps go on past an end-of-generation token, so that every iteration has the same number of them.

use anyhow::{Result, ensure};
use baselines::record::{StopReason, WorkloadDef};
use engine::{Sampler, SamplerOptions, Session};

use super::{
    Bench, Finished, ITERATIONS, PROMPT_TOKENS, Param, Prepared, Sampled, TOKENS, WARMUP, Workload,
    output::{LogitsDigest, Once, Repeated},
    param, prompts, seed,
};

/// See the file's door.
#[derive(Debug)]
pub(super) struct Decode;

impl Workload for Decode {
    fn kind(&self) -> &'static str {
        "decode"
    }

    fn about(&self) -> &'static str {
        "one decode step: from a sampled token to the next sampled token"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["decode_step_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[ITERATIONS, PROMPT_TOKENS, TOKENS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let n_tokens = param(def, TOKENS.name)?;
        let mut drawing = seed::stream(bench.seed, self.kind(), "prompt");
        let prompt = prompts::ids(bench.model, &mut drawing, param(def, PROMPT_TOKENS.name)?)?;
        let mut session = bench.session()?;
        ensure!(
            prompt.len() + n_tokens <= session.n_ctx(),
            "expected at most {} tokens, the context of this model, found a prompt of {} and {n_tokens} to decode; \
             lower `--tokens`",
            session.n_ctx(),
            prompt.len()
        );
        let mut sampler = Sampler::new(greedy(bench.seed))?;
        let first = sampler.sample(session.prefill(&prompt)?)?;
        session.reset_counters();
        let repeated = Repeated::default();
        Ok(Box::new(Decoding { bench, prompt, first, n_tokens, session, sampler, repeated }))
    }
}

/// The prompt is in the cache; each iteration goes on from it.
#[derive(Debug)]
struct Decoding<'a> {
    bench: Bench<'a>,
    prompt: Vec<u32>,
    /// The token that the prompt leads to.
    first: u32,
    n_tokens: usize,
    session: Session<'a>,
    sampler: Sampler,
    repeated: Repeated,
}

impl Prepared for Decoding<'_> {
    fn once(&mut self) -> Result<Vec<Sampled>> {
        let Self { bench, prompt, first, n_tokens, session, sampler, repeated } = self;
        session.rewind(prompt.len());
        let mut token = *first;
        let mut generated = Vec::with_capacity(*n_tokens);
        let mut digest = LogitsDigest::default();
        let mut steps_ns = Vec::with_capacity(*n_tokens);
        for _ in 0..*n_tokens {
            let mut watch = bench.stopwatch();
            let logits = session.step(token)?;
            token = sampler.sample(logits)?;
            if let Some(hook) = bench.hooks.after_decode_step {
                hook(watch.stretch_ns(), bench.clock);
            }
            steps_ns.push(watch.stop());
            digest.update(logits);
            generated.push(token);
        }
        let (logits, stop) = (digest.finish(), StopReason::Length);
        repeated.take(&Once { prompt: prompt.clone(), generated, logits, stop })?;
        Ok(vec![("decode_step_ns", steps_ns)])
    }

    fn finish(self: Box<Self>) -> Finished {
        Finished { counters: self.session.counters(), repeated: self.repeated }
    }
}

/// Always the most likely token; the seed has no say.
pub(super) fn greedy(seed: u64) -> SamplerOptions {
    SamplerOptions { temperature: 0.0, top_k: 0, top_p: 1.0, seed }
}
