//! Decode: `tokens` greedy steps after a short prompt of seeded ids, each step timed by itself.
//!
//! Timed: from a sampled token to the next sampled token, one pass through the model and the sampler. Not timed, and not
//! counted: the prompt, which is read where it is another than that of the iteration before, and otherwise returned to by
//! rewinding the cache; the digest of each step's logits. The steps go on past an end-of-generation token, so that every iteration has the same number of them.

use anyhow::{Result, ensure};
use baselines::record::{StopReason, WorkloadDef};
use engine::{Sampler, SamplerOptions, Session};

use super::{
    Asked, Bench, Finished, ITERATIONS, PROMPT_TOKENS, Param, Prepared, Sampled, TOKENS, WARMUP,
    Workload,
    asked::Both,
    counts::add,
    output::{LogitsDigest, Once, Repeated},
    param,
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
        let n_prompt = param(def, PROMPT_TOKENS.name)?;
        let prompts = Both::prompts(bench, self.kind(), n_prompt)?;
        let session = bench.session()?;
        ensure!(
            n_prompt + n_tokens <= session.n_ctx(),
            "expected at most {} tokens, the context of this model, found a prompt of {n_prompt} and {n_tokens} to decode; \
             lower `--tokens`",
            session.n_ctx(),
        );
        let sampler = Sampler::new(greedy(bench.seed))?;
        Ok(Box::new(Decoding {
            bench,
            prompts,
            in_cache: None,
            n_tokens,
            session,
            sampler,
            counters: Vec::new(),
            repeated: Both::default(),
        }))
    }
}

/// A prompt is in the cache; each iteration that has the same goes on from it.
#[derive(Debug)]
struct Decoding<'a> {
    bench: Bench<'a>,
    prompts: Both<Vec<u32>>,
    /// The prompt in the cache, and the token that it leads to.
    in_cache: Option<(Asked, u32)>,
    n_tokens: usize,
    session: Session<'a>,
    sampler: Sampler,
    /// Counts of the steps before the prompt that is in the cache was read.
    counters: Vec<engine::Count>,
    repeated: Both<Repeated>,
}

impl Decoding<'_> {
    /// Brings the prompt into the cache, untimed and not counted; the token it leads to.
    fn go_to(&mut self, asked: Asked) -> Result<u32> {
        let prompt = self.prompts.of(asked);
        if let Some((cached, first)) = self.in_cache
            && cached == asked
        {
            self.session.rewind(prompt.len());
            return Ok(first);
        }
        add(&mut self.counters, self.session.counters());
        self.session.rewind(0);
        let first = self.sampler.sample(self.session.prefill(prompt)?)?;
        self.session.reset_counters();
        self.in_cache = Some((asked, first));
        Ok(first)
    }
}

impl Prepared for Decoding<'_> {
    fn once(&mut self, asked: Asked) -> Result<Vec<Sampled>> {
        let mut token = self.go_to(asked)?;
        let Self { bench, prompts, n_tokens, session, sampler, repeated, .. } = self;
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
        let (prompt, logits, stop) =
            (prompts.of(asked).clone(), digest.finish(), StopReason::Length);
        repeated.of_mut(asked).take(&Once { prompt, generated, logits, stop })?;
        Ok(vec![("decode_step_ns", steps_ns)])
    }

    fn finish(mut self: Box<Self>, def: &WorkloadDef) -> Finished {
        add(&mut self.counters, self.session.counters());
        Finished { counters: self.counters, answers: self.repeated.answers(def) }
    }
}

/// Always the most likely token; the seed has no say.
pub(super) fn greedy(seed: u64) -> SamplerOptions {
    SamplerOptions { seed, ..SamplerOptions::default() }
}
