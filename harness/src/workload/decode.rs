//! Decode: `tokens` greedy steps after a short prompt of seeded ids, each step timed by itself.
//!
//! Timed: from a sampled token to the next sampled token, one pass through the model and the sampler, which asks for the
//! likeliest token alone. Not timed, and not counted: the prompt, which is read where it is another than that of the iteration
//! before, and otherwise returned to by rewinding the cache; after each step all of its logits, which must lead to the same token,
//! and their digest. The steps go on past an end-of-generation token, so that every iteration has the same number of them.

use anyhow::{Result, ensure};
use baselines::record::{StopReason, WorkloadDef};
use engine::{Sampler, SamplerOptions, Session};

use super::{
    Asked, Bench, Finished, ITERATIONS, PROMPT_TOKENS, Param, Prepared, Sampled, TOKENS, WARMUP,
    Workload,
    asked::Both,
    counts::{add, add_screening},
    output::{LogitsDigest, Once, Repeated},
    param,
    spans::SpanSamples,
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
            screening: engine::Screening::default(),
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
    screening: engine::Screening,
    repeated: Both<Repeated>,
}

impl Decoding<'_> {
    /// Adds up what the session has counted so far.
    fn keep_counts(&mut self) {
        add(&mut self.counters, self.session.counters());
        add_screening(&mut self.screening, self.session.screening());
    }

    /// Brings the prompt into the cache, untimed and not counted; the token it leads to.
    fn go_to(&mut self, asked: Asked) -> Result<u32> {
        if let Some((cached, first)) = self.in_cache
            && cached == asked
        {
            self.session.rewind(self.prompts.of(asked).len());
            return Ok(first);
        }
        self.keep_counts();
        let prompt = self.prompts.of(asked);
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
        let mut spans = SpanSamples::begin(bench, session);
        for _ in 0..*n_tokens {
            let packed = spans.begin_pass(session);
            let mut watch = bench.stopwatch();
            token = sampler.sample_likeliest(session.step_likeliest(token, 1)?)?;
            if let Some(hook) = bench.hooks.after_decode_step {
                hook(watch.stretch_ns(), bench.clock);
            }
            steps_ns.push(watch.stop());
            spans.end_pass(packed, session);
            let logits = session.all_logits()?;
            check_chosen(token, sampler.sample(logits)?, generated.len())?;
            digest.update(logits);
            generated.push(token);
        }
        let (prompt, logits, stop) =
            (prompts.of(asked).clone(), digest.finish(), StopReason::Length);
        repeated.of_mut(asked).take(&Once { prompt, generated, logits, stop })?;
        let mut sampled = vec![("decode_step_ns", steps_ns)];
        sampled.extend(spans.sampled(bench.clock));
        Ok(sampled)
    }

    fn finish(mut self: Box<Self>, def: &WorkloadDef) -> Finished {
        self.keep_counts();
        Finished {
            counters: self.counters,
            screening: self.screening,
            answers: self.repeated.answers(def),
        }
    }
}

/// The token that a timed step found is the one that all of its logits lead to.
fn check_chosen(found: u32, of_all: u32, step: usize) -> Result<()> {
    ensure!(
        found == of_all,
        "step {step}: expected token {of_all}, the likeliest of all logits, found {found} by the bounds of the screened head; they \
         must never differ, so no time of it counts"
    );
    Ok(())
}

/// Always the most likely token; the seed has no say.
pub(super) fn greedy(seed: u64) -> SamplerOptions {
    SamplerOptions { seed, ..SamplerOptions::default() }
}

#[cfg(test)]
mod tests {
    use super::check_chosen;

    #[test]
    fn a_token_that_all_logits_do_not_lead_to_is_an_error() {
        check_chosen(7, 7, 3).unwrap();
        let error = check_chosen(8, 7, 3).unwrap_err().to_string();
        assert!(error.starts_with("step 3: expected token 7"), "{error}");
        assert!(error.contains("found 8"), "{error}");
    }
}
