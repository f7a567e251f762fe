//! Prefill: a prompt of seeded ids in one go, to the logits of its last token.
//!
//! Timed: all of the prompt's passes through the model. Not timed: drawing the prompts, emptying the cache, the digest.

use anyhow::Result;
use baselines::record::{StopReason, WorkloadDef};
use engine::Session;

use super::{
    Asked, Bench, Finished, ITERATIONS, PROMPT_TOKENS, Param, Prepared, Sampled, WARMUP, Workload,
    asked::Both,
    output::{LogitsDigest, Once, Repeated},
    param,
    spans::SpanSamples,
};

/// See the file's door.
#[derive(Debug)]
pub(super) struct Prefill;

impl Workload for Prefill {
    fn kind(&self) -> &'static str {
        "prefill"
    }

    fn about(&self) -> &'static str {
        "prompt ids to the logits of the last prompt token"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["prefill_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[ITERATIONS, PROMPT_TOKENS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let n_prompt = param(def, PROMPT_TOKENS.name)?;
        let prompts = Both::prompts(bench, self.kind(), n_prompt)?;
        let session = bench.session()?;
        Ok(Box::new(Prefilling { bench, prompts, session, repeated: Both::default() }))
    }
}

/// The cache is emptied before each iteration.
#[derive(Debug)]
struct Prefilling<'a> {
    bench: Bench<'a>,
    prompts: Both<Vec<u32>>,
    session: Session<'a>,
    repeated: Both<Repeated>,
}

impl Prepared for Prefilling<'_> {
    fn once(&mut self, asked: Asked) -> Result<Vec<Sampled>> {
        let Self { bench, prompts, session, repeated } = self;
        let prompt = prompts.of(asked);
        session.rewind(0);
        let mut spans = SpanSamples::begin(bench, session);
        let packed = spans.begin_pass(session);
        let mut watch = bench.stopwatch();
        let logits = session.prefill(prompt)?;
        let prefill_ns = watch.stop();
        let mut digest = LogitsDigest::default();
        digest.update(logits);
        spans.end_pass(packed, session);
        repeated.of_mut(asked).take(&Once {
            prompt: prompt.clone(),
            generated: Vec::new(),
            logits: digest.finish(),
            stop: StopReason::Length,
        })?;
        let mut sampled = vec![("prefill_ns", vec![prefill_ns])];
        sampled.extend(spans.sampled(bench.clock));
        Ok(sampled)
    }

    fn finish(self: Box<Self>, def: &WorkloadDef) -> Finished {
        Finished {
            counters: self.session.counters(),
            answers: self.repeated.answers(def),
            ..Finished::default()
        }
    }
}
