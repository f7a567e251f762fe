//! End to end: from a prompt's text to the last token's text.
//!
//! Timed: tokenize, prefill, sample, every step, detokenize as the tokens come. Not timed: emptying the cache, the digest
//! of each step's logits. An end-of-generation token ends the iteration and is declared as the reason to stop.

use anyhow::{Context as _, Result, ensure};
use baselines::record::{StopReason, WorkloadDef};
use engine::{Sampler, Session, Tokenizer};

use super::{
    Asked, Bench, Finished, ITERATIONS, Param, Prepared, Sampled, TOKENS, WARMUP, Workload,
    asked::Both,
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
        Ok(Box::new(Answering {
            bench,
            tokenizer,
            text: bench.prompt.unwrap_or_else(|| prompts::text(&mut drawing)),
            n_tokens: param(def, TOKENS.name)?,
            session: bench.session()?,
            sampler: Sampler::new(greedy(bench.seed))?,
            repeated: Both::default(),
        }))
    }
}

/// The cache is emptied before each iteration.
#[derive(Debug)]
struct Answering<'a> {
    bench: Bench<'a>,
    tokenizer: &'a Tokenizer,
    text: &'a str,
    n_tokens: usize,
    session: Session<'a>,
    sampler: Sampler,
    /// Its prompt is a text, whose length in tokens varies: there is no other one of the same work.
    repeated: Both<Repeated>,
}

impl Prepared for Answering<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        let Self { bench, tokenizer, text, n_tokens, session, sampler, repeated } = self;
        session.rewind(0);
        let (once, e2e_ns, ttft_ns) =
            generate(session, tokenizer, sampler, text, *n_tokens, bench)?;
        repeated.of_mut(Asked::Fixed).take(&once)?;
        Ok(vec![("e2e_ns", vec![e2e_ns]), ("ttft_ns", vec![ttft_ns])])
    }

    fn finish(self: Box<Self>, def: &WorkloadDef) -> Finished {
        Finished { counters: self.session.counters(), answers: self.repeated.answers(def) }
    }
}

/// One iteration: what it put out, the time to the last token's text, and to the first token.
fn generate(
    session: &mut Session<'_>,
    tokenizer: &Tokenizer,
    sampler: &mut Sampler,
    text: &str,
    n_tokens: usize,
    bench: &Bench<'_>,
) -> Result<(Once, u64, u64)> {
    let mut digest = LogitsDigest::default();
    let mut generated = Vec::with_capacity(n_tokens);
    let mut written = String::new();
    let mut stop = StopReason::Length;

    let mut watch = bench.stopwatch();
    let prompt = tokenizer.encode(text, true)?;
    ensure!(
        prompt.len() + n_tokens <= session.n_ctx(),
        "expected at most {} tokens, the context of this model, found a prompt of {} and {n_tokens} to generate; \
         shorten `--prompt` or lower `--tokens`",
        session.n_ctx(),
        prompt.len()
    );
    let mut stream = tokenizer.stream();
    let mut logits = session.prefill(&prompt)?;
    let mut ttft_ns = None;
    loop {
        let token = sampler.sample(logits)?;
        let so_far_ns = watch.stop();
        ttft_ns.get_or_insert(so_far_ns);
        digest.update(logits);
        generated.push(token);
        watch.resume();
        if tokenizer.is_end_of_generation(token) {
            stop = StopReason::EndOfGeneration;
            break;
        }
        written.extend(stream.push(token)?);
        if generated.len() == n_tokens {
            break;
        }
        logits = session.step(token)?;
    }
    written.extend(stream.finish()?);
    let e2e_ns = watch.stop();
    std::hint::black_box(&written);
    let ttft_ns = ttft_ns.expect("at least one token was sampled");
    Ok((Once { prompt, generated, logits: digest.finish(), stop }, e2e_ns, ttft_ns))
}
