//! Gemm: a few tokens through one seeded matrix in one storage format, at any shape; with one token it is a GEMV.
//!
//! Timed: packing the activations and multiplying. Not timed: drawing, encoding, and the check that holds every output against
//! a product without kernels. The checksum of every iteration must be that of the first.

use anyhow::{Context as _, Result, ensure};
use baselines::record::WorkloadDef;
use engine::{bench, quant::Shape};

use super::{
    Asked, Bench, COLS, FORMAT, Finished, ITERATIONS, Param, Prepared, ROWS, Sampled, WARMUP,
    Workload, format, param,
};

/// Tokens that share the matrix.
const TOKENS: Param = Param { name: "tokens", range: (1, 4096) };

/// See the file's door.
#[derive(Debug)]
pub(super) struct Gemm;

impl Workload for Gemm {
    fn kind(&self) -> &'static str {
        "gemm"
    }

    fn about(&self) -> &'static str {
        "some tokens through one matrix in one storage format"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["gemm_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[COLS, FORMAT, ITERATIONS, ROWS, TOKENS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let format = format(def)?;
        let shape = Shape::new(param(def, ROWS.name)?, param(def, COLS.name)?);
        let kernels = bench.hooks.kernels(bench.options.isa)?;
        let tokens = param(def, TOKENS.name)?;
        let gemm =
            bench::Gemm::with_kernels(format, shape, tokens, bench.options, bench.seed, kernels)
                .context("failed to set up the product")?;
        Ok(Box::new(Multiplying { bench, gemm, first: None }))
    }
}

/// The product, and the checksum of its first run.
#[derive(Debug)]
struct Multiplying<'a> {
    bench: Bench<'a>,
    gemm: bench::Gemm,
    first: Option<u64>,
}

impl Prepared for Multiplying<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        let mut watch = self.bench.stopwatch();
        let checksum = self.gemm.run();
        let gemm_ns = watch.stop();
        let first = *self.first.get_or_insert(checksum);
        ensure!(
            first == checksum,
            "expected checksum {first}, found {checksum}: the product changed"
        );
        Ok(vec![("gemm_ns", vec![gemm_ns])])
    }

    fn finish(self: Box<Self>, _: &WorkloadDef) -> Finished {
        Finished::default()
    }
}
