//! Tokenizing: a seeded text of a given size to ids, by the model's own tokenizer.
//!
//! Timed: text to ids. Not timed: drawing the text, and the checks: the ids give the text back, and are those of the first
//! iteration. Most of the text is plain prose; every eighth sentence has figures, accents, other scripts and an emoji.

use anyhow::{Context as _, Result, ensure};
use baselines::record::WorkloadDef;
use engine::Tokenizer;

use super::{
    Asked, Bench, Finished, ITERATIONS, Param, Prepared, Sampled, WARMUP, Workload, param, prompts,
    seed,
};

/// Bytes of the text, or a sentence more.
const BYTES: Param = Param { name: "bytes", range: (1, 1 << 26) };

/// See the file's door.
#[derive(Debug)]
pub(super) struct Tokenize;

impl Workload for Tokenize {
    fn kind(&self) -> &'static str {
        "tokenize"
    }

    fn about(&self) -> &'static str {
        "a text of a given size to token ids"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["tokenize_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[BYTES, ITERATIONS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let tokenizer = bench.model.tokenizer().context("failed to read the tokenizer")?;
        let n_bytes = param(def, BYTES.name)?;
        let text = prompts::long_text(&mut seed::stream(bench.seed, self.kind(), "text"), n_bytes);
        let ids = tokenizer.encode(&text, false)?;
        let back = tokenizer.decode(&ids)?;
        ensure!(
            back == text,
            "expected the text back from its {} ids, found another one; the tokenizer loses what it reads",
            ids.len()
        );
        Ok(Box::new(Tokenizing { bench, tokenizer, text, ids }))
    }
}

/// The text, and its ids.
#[derive(Debug)]
struct Tokenizing<'a> {
    bench: Bench<'a>,
    tokenizer: &'a Tokenizer,
    text: String,
    ids: Vec<u32>,
}

impl Prepared for Tokenizing<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        let mut watch = self.bench.stopwatch();
        let ids = self.tokenizer.encode(&self.text, false)?;
        let tokenize_ns = watch.stop();
        ensure!(ids == self.ids, "expected the ids of the first time, found others");
        Ok(vec![("tokenize_ns", vec![tokenize_ns])])
    }

    fn finish(self: Box<Self>, _: &WorkloadDef) -> Finished {
        Finished::default()
    }
}
