//! Loading: from the model's bytes to a session that can take its first token.
//!
//! Timed: opening the model, building its tokenizer, setting up a session with its cache and threads; on a GPU, moving the weights
//! there. Not timed: the digest of the file, which proves which model it was; the GPU's context and kernels, which the process has.
//! A file is warm in the page cache after the warm-up.

use anyhow::{Result, ensure};
use baselines::record::WorkloadDef;

use super::{Asked, Bench, Finished, ITERATIONS, Param, Prepared, Sampled, WARMUP, Workload};
use crate::subject::engine::Source;

/// See the file's door.
#[derive(Debug)]
pub(super) struct Load;

impl Workload for Load {
    fn kind(&self) -> &'static str {
        "load"
    }

    fn about(&self) -> &'static str {
        "model bytes to a session ready for its first token"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["load_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[ITERATIONS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, _: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        Ok(Box::new(Loading { bench }))
    }
}

/// The model is loaded anew in each iteration.
#[derive(Debug)]
struct Loading<'a> {
    bench: Bench<'a>,
}

impl Prepared for Loading<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        let load_ns = timed(&self.bench, self.bench.source)?;
        Ok(vec![("load_ns", vec![load_ns])])
    }

    fn finish(self: Box<Self>, _: &WorkloadDef) -> Finished {
        Finished::default()
    }
}

/// One load of the model at `source`, timed.
pub(super) fn timed(bench: &Bench<'_>, source: &Source) -> Result<u64> {
    let mut watch = bench.stopwatch();
    let model = source.open()?;
    // A model without a tokenizer is ready for its first token, if not for its first text.
    let _ = model.tokenizer();
    let kernels = bench.hooks.kernels(bench.options.isa)?;
    let session = bench.lane.session(&model, bench.options, kernels)?;
    let load_ns = watch.stop();
    ensure!(
        session.n_ctx() > 0 && model.bytes().len() == bench.model.bytes().len(),
        "the model changed while it was measured: expected {} bytes, found {}",
        bench.model.bytes().len(),
        model.bytes().len()
    );
    Ok(load_ns)
}
