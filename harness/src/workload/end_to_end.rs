//! End to end: from a prompt's text to the last token's text, by the production engine.
//!
//! Timed: tokenize, prefill, sample, every step, detokenize as the tokens come. Not timed: emptying the cache, the digest
//! of each step's logits. An end-of-generation token ends the iteration and is declared as the reason to stop.

use std::ops::ControlFlow;

use anyhow::{Context as _, Result, bail, ensure};
use baselines::record::{StopReason, WorkloadDef};
use engine::{Count, InferenceEngine, Prompt, Request, Stop};

use super::{
    Asked, Bench, Finished, ITERATIONS, Param, Prepared, Sampled, TOKENS, WARMUP, Workload,
    asked::Both,
    counts::add,
    decode::greedy,
    output::{LogitsDigest, Once, Repeated},
    param, prompts, seed,
};

/// See the file's door.
#[derive(Debug)]
pub(super) struct EndToEnd;

impl Workload for EndToEnd {
    fn kind(&self) -> &'static str {
        "end-to-end"
    }

    fn about(&self) -> &'static str {
        "prompt text to the last token's text: tokenize, prefill, decode, detokenize"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["e2e_ns", "ttft_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[ITERATIONS, TOKENS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let tokenizer = bench.model.tokenizer().context("failed to read the tokenizer")?;
        let mut drawing = seed::stream(bench.seed, self.kind(), "prompt");
        let text = bench.prompt.unwrap_or_else(|| prompts::text(&mut drawing));
        let n_tokens = param(def, TOKENS.name)?;
        let engine = bench.engine()?;
        let n_prompt = tokenizer.encode(text, tokenizer.adds_bos())?.len();
        let n_ctx = engine.session().n_ctx();
        ensure!(
            n_prompt + n_tokens <= n_ctx,
            "expected at most {n_ctx} tokens, the context of this model, found a prompt of {n_prompt} and {n_tokens} to generate; \
             shorten `--prompt` or lower `--tokens`"
        );
        let request = Request {
            sampler: greedy(bench.seed),
            max_tokens: n_tokens,
            reuses_prefix: false,
            ..Request::new(Prompt::Text(text.to_owned()))
        };
        let repeated = Both::default();
        Ok(Box::new(Answering { bench, engine, request, counters: Vec::new(), repeated }))
    }
}

/// The cache is emptied before each iteration.
#[derive(Debug)]
struct Answering<'a> {
    bench: Bench<'a>,
    engine: InferenceEngine<'a>,
    request: Request,
    counters: Vec<Count>,
    /// Its prompt is a text, whose length in tokens varies: there is no other one of the same work.
    repeated: Both<Repeated>,
}

impl Prepared for Answering<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        let Self { bench, engine, request, counters, repeated } = self;
        engine.forget();
        let mut digest = LogitsDigest::default();
        let mut ttft_ns = None;
        let mut watch = bench.stopwatch();
        let answer = engine.generate(request, |token| {
            let so_far_ns = watch.stop();
            ttft_ns.get_or_insert(so_far_ns);
            digest.update_chosen(token.logits);
            watch.resume();
            ControlFlow::Continue(())
        })?;
        let e2e_ns = watch.stop();
        std::hint::black_box(&answer.text);
        let stop = match answer.stop {
            Stop::Length => StopReason::Length,
            Stop::EndOfGeneration(_) => StopReason::EndOfGeneration,
            other => bail!("expected all tokens or the model's own end, found {}", other.name()),
        };
        add(counters, answer.metrics.counts);
        let (prompt, generated) = (answer.prompt, answer.ids);
        repeated.of_mut(Asked::Fixed).take(&Once {
            prompt,
            generated,
            logits: digest.finish(),
            stop,
        })?;
        let ttft_ns = ttft_ns.context("no token came")?;
        Ok(vec![("e2e_ns", vec![e2e_ns]), ("ttft_ns", vec![ttft_ns])])
    }

    fn finish(self: Box<Self>, def: &WorkloadDef) -> Finished {
        Finished {
            counters: self.counters,
            answers: self.repeated.answers(def),
            ..Finished::default()
        }
    }
}
