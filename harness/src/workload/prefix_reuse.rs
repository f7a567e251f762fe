//! Prefix reuse: the first token behind a prompt that begins as the one before it did, as in every turn of a conversation.
//!
//! Timed: from the request to its first token, by the production engine, which keeps what both prompts share. Not timed: the
//! request before it, which has another ending. The ids must be those of an engine that reads the whole prompt, and exactly the
//! shared tokens must have been kept.

use std::ops::ControlFlow;

use anyhow::{Context as _, Result, ensure};
use baselines::record::WorkloadDef;
use engine::{InferenceEngine, Prompt, Request};

use super::{
    Asked, Bench, Finished, ITERATIONS, PROMPT_TOKENS, Param, Prepared, Sampled, WARMUP, Workload,
    param, prompts, seed,
};

/// Tokens at the beginning of both prompts.
const SHARED_TOKENS: Param = Param { name: "shared_tokens", range: (1, 1 << 20) };
/// Tokens that are compared with those of an engine that keeps nothing.
const N_COMPARED: usize = 8;

/// See the file's door.
#[derive(Debug)]
pub(super) struct PrefixReuse;

impl Workload for PrefixReuse {
    fn kind(&self) -> &'static str {
        "prefix-reuse"
    }

    fn about(&self) -> &'static str {
        "a prompt that begins as the one before it to its first token"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["ttft_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[ITERATIONS, PROMPT_TOKENS, SHARED_TOKENS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let (n_prompt, n_shared) =
            (param(def, PROMPT_TOKENS.name)?, param(def, SHARED_TOKENS.name)?);
        ensure!(
            n_shared < n_prompt,
            "parameter `shared_tokens`: expected fewer than the {n_prompt} of the prompt, found {n_shared}"
        );
        let n_ctx = bench.model.config().n_ctx;
        ensure!(
            n_prompt + N_COMPARED <= n_ctx,
            "prompt: expected at most {} tokens, as {N_COMPARED} more have to fit the context of this model, found {n_prompt}",
            n_ctx.saturating_sub(N_COMPARED)
        );
        let mut drawing = seed::stream(bench.seed, self.kind(), "prompt");
        let prompt = prompts::ids(bench.model, &mut drawing, n_prompt)?;
        // The one before: the same up to `n_shared`, then another token each.
        let mut before = prompt.clone();
        let tail = prompts::ids(bench.model, &mut drawing, n_prompt + 1)?;
        for (id, other) in before[n_shared..].iter_mut().zip(&tail[1..]) {
            *id = if *id == *other { prompt[n_shared - 1] } else { *other };
        }
        ensure!(before[n_shared] != prompt[n_shared], "the prompts share a token too many");
        let engine = bench.engine()?;
        Ok(Box::new(Reusing { bench, engine, prompt, before, n_shared }))
    }
}

/// Both prompts.
#[derive(Debug)]
struct Reusing<'a> {
    bench: Bench<'a>,
    engine: InferenceEngine<'a>,
    prompt: Vec<u32>,
    before: Vec<u32>,
    n_shared: usize,
}

impl Prepared for Reusing<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        let Self { bench, engine, prompt, before, n_shared } = self;
        let request = |ids: &[u32], max_tokens, reuses_prefix| Request {
            max_tokens,
            ignores_end: true,
            reuses_prefix,
            ..Request::new(Prompt::Ids(ids.to_vec()))
        };
        let goes_on = |_: engine::Token<'_>| ControlFlow::Continue(());
        let whole = engine.generate(&request(prompt, N_COMPARED, false), goes_on)?;
        engine.generate(&request(before, 1, false), goes_on)?;

        let asked = request(prompt, N_COMPARED, true);
        let mut ttft_ns = None;
        let mut watch = bench.stopwatch();
        let answer = engine.generate(&asked, |_| {
            if ttft_ns.is_none() {
                ttft_ns = Some(watch.stop());
            }
            ControlFlow::Continue(())
        })?;
        let reused = answer.metrics.reused_tokens;
        ensure!(reused == *n_shared, "expected {n_shared} tokens to be kept, found {reused}");
        ensure!(
            answer.ids == whole.ids,
            "expected the ids of an engine that reads the whole prompt, found others: what is kept of a prefix is not what was read"
        );
        let ttft_ns = ttft_ns.context("no token came")?;
        Ok(vec![("ttft_ns", vec![ttft_ns])])
    }

    fn finish(self: Box<Self>, _: &WorkloadDef) -> Finished {
        Finished::default()
    }
}
