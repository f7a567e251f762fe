//! Batch: several sequences decoded together, one pass over the weights a step, after a short prompt of seeded ids each.
//!
//! Timed: from the sampled tokens of all sequences to their next ones. Not timed: as in `decode`. Every sequence of the fixed
//! prompts must put out what it puts out alone, which is computed once and not timed.

use anyhow::{Result, ensure};
use baselines::record::{StopReason, WorkloadDef};
use engine::{Sampler, SequenceId, Session};

use super::{
    Asked, Bench, Finished, ITERATIONS, PROMPT_TOKENS, Param, Prepared, Sampled, TOKENS, WARMUP,
    Workload,
    asked::Both,
    counts::add,
    decode::greedy,
    output::{LogitsDigest, Once, Repeated},
    param,
    spans::SpanSamples,
};

/// Sequences in one batch.
const SEQUENCES: Param = Param { name: "sequences", range: (1, 64) };

/// See the file's door.
#[derive(Debug)]
pub(super) struct Batch;

impl Workload for Batch {
    fn kind(&self) -> &'static str {
        "batch"
    }

    fn about(&self) -> &'static str {
        "one decode step of several sequences together"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["batch_step_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[ITERATIONS, PROMPT_TOKENS, SEQUENCES, TOKENS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let (n_sequences, n_tokens) = (param(def, SEQUENCES.name)?, param(def, TOKENS.name)?);
        let n_prompt = param(def, PROMPT_TOKENS.name)?;
        let mut session = bench.session()?;
        ensure!(
            n_prompt + n_tokens <= session.n_ctx(),
            "expected at most {} tokens a sequence, the context of this model, found a prompt of {n_prompt} and {n_tokens} to \
             decode; lower `--tokens`",
            session.n_ctx(),
        );
        // Each from a stream of its own.
        let mut prompts: Both<Vec<Vec<u32>>> = Both::default();
        for i in 0..n_sequences {
            let both = Both::prompts(bench, &format!("{}/{i}", self.kind()), n_prompt)?;
            for asked in [Asked::Fixed, Asked::Challenge] {
                prompts.of_mut(asked).push(both.of(asked).clone());
            }
        }
        let mut sequences = vec![SequenceId::FIRST];
        sequences.extend((1..n_sequences).map(|_| session.join()));
        let mut decoding = Decoding {
            bench,
            prompts,
            in_cache: None,
            n_tokens,
            session,
            sequences,
            sampler: Sampler::new(greedy(bench.seed))?,
            counters: Vec::new(),
            alone: Vec::new(),
            repeated: Both::default(),
        };
        decoding.alone = decoding.alone()?;
        Ok(Box::new(decoding))
    }
}

/// The prompts are in the cache; each iteration that has the same goes on from them.
#[derive(Debug)]
struct Decoding<'a> {
    bench: Bench<'a>,
    prompts: Both<Vec<Vec<u32>>>,
    /// The prompts in the cache, and the tokens that they lead to.
    in_cache: Option<(Asked, Vec<u32>)>,
    n_tokens: usize,
    session: Session<'a>,
    sequences: Vec<SequenceId>,
    sampler: Sampler,
    /// Counts of the steps before the prompts that are in the cache were read.
    counters: Vec<engine::Count>,
    /// What each sequence of the fixed prompts puts out by itself.
    alone: Vec<Vec<u32>>,
    repeated: Both<Repeated>,
}

impl Decoding<'_> {
    fn alone(&mut self) -> Result<Vec<Vec<u32>>> {
        let mut session = self.bench.session()?;
        let mut alone = Vec::new();
        for prompt in self.prompts.of(Asked::Fixed) {
            session.rewind(0);
            let mut token = self.sampler.sample(session.prefill(prompt)?)?;
            let mut ids = Vec::new();
            for _ in 0..self.n_tokens {
                token = self.sampler.sample(session.step(token)?)?;
                ids.push(token);
            }
            alone.push(ids);
        }
        Ok(alone)
    }

    /// Brings the prompts into the cache, untimed and not counted; the tokens they lead to.
    fn go_to(&mut self, asked: Asked) -> Result<Vec<u32>> {
        let prompts = self.prompts.of(asked);
        if let Some((cached, first)) = &self.in_cache
            && *cached == asked
        {
            for (sequence, prompt) in self.sequences.iter().zip(prompts) {
                self.session.rewind_of(*sequence, prompt.len())?;
            }
            return Ok(first.clone());
        }
        add(&mut self.counters, self.session.counters());
        let mut first = Vec::new();
        for (sequence, prompt) in self.sequences.iter().zip(prompts) {
            self.session.rewind_of(*sequence, 0)?;
            first.push(self.sampler.sample(self.session.prefill_into(*sequence, prompt)?)?);
        }
        self.session.reset_counters();
        self.in_cache = Some((asked, first.clone()));
        Ok(first)
    }
}

impl Prepared for Decoding<'_> {
    fn once(&mut self, asked: Asked) -> Result<Vec<Sampled>> {
        let mut tokens = self.go_to(asked)?;
        let Self { bench, prompts, n_tokens, session, sequences, sampler, alone, repeated, .. } =
            self;
        let n_vocab = bench.model.config().n_vocab;
        let mut generated: Vec<Vec<u32>> = vec![Vec::new(); sequences.len()];
        let mut digest = LogitsDigest::default();
        let mut steps_ns = Vec::with_capacity(*n_tokens);
        let mut spans = SpanSamples::begin(bench, session);
        let mut rows = Vec::with_capacity(sequences.len());
        for _ in 0..*n_tokens {
            rows.clear();
            rows.extend(sequences.iter().copied().zip(tokens.iter().copied()));
            let packed = spans.begin_pass(session);
            let mut watch = bench.stopwatch();
            let logits = session.step_all(&rows)?;
            for (token, logits) in tokens.iter_mut().zip(logits.chunks_exact(n_vocab)) {
                *token = sampler.sample(logits)?;
            }
            steps_ns.push(watch.stop());
            digest.update(logits);
            spans.end_pass(packed, session);
            for (generated, token) in generated.iter_mut().zip(&tokens) {
                generated.push(*token);
            }
        }
        if asked == Asked::Fixed
            && let Some(i) = generated.iter().zip(&*alone).position(|(a, b)| a != b)
        {
            anyhow::bail!(
                "sequence {i}: expected the ids that it puts out alone, found others: the sequences of a batch are not kept apart"
            );
        }
        repeated.of_mut(asked).take(&Once {
            prompt: prompts.of(asked).concat(),
            generated: generated.concat(),
            logits: digest.finish(),
            stop: StopReason::Length,
        })?;
        let mut sampled = vec![("batch_step_ns", steps_ns)];
        sampled.extend(spans.sampled(bench.clock));
        Ok(sampled)
    }

    fn finish(mut self: Box<Self>, def: &WorkloadDef) -> Finished {
        add(&mut self.counters, self.session.counters());
        Finished {
            counters: self.counters,
            answers: self.repeated.answers(def),
            ..Finished::default()
        }
    }
}
