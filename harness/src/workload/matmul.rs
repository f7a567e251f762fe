//! Matmul: one token through every linear of one layer, at the model's shapes.
//!
//! Timed: the products and the quantization of their inputs. Not timed: making the input. The checksum of every iteration
//! must be that of the first.

use anyhow::{Result, ensure};
use baselines::record::WorkloadDef;
use engine::bench::LayerMatmul;

use super::{Asked, Bench, Finished, ITERATIONS, Param, Prepared, Sampled, WARMUP, Workload};

/// See the file's door.
#[derive(Debug)]
pub(super) struct Matmul;

impl Workload for Matmul {
    fn kind(&self) -> &'static str {
        "matmul"
    }

    fn about(&self) -> &'static str {
        "one token through every linear of one layer, at the model's shapes"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["matmul_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[ITERATIONS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, _: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let layer = LayerMatmul::new(bench.model, bench.options)?;
        Ok(Box::new(Multiplying { bench, layer, first: None }))
    }
}

/// The layer, and the checksum of its first run.
#[derive(Debug)]
struct Multiplying<'a> {
    bench: Bench<'a>,
    layer: LayerMatmul<'a>,
    first: Option<u64>,
}

impl Prepared for Multiplying<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        let mut watch = self.bench.stopwatch();
        let checksum = self.layer.run();
        let matmul_ns = watch.stop();
        let first = *self.first.get_or_insert(checksum);
        ensure!(
            first == checksum,
            "expected checksum {first}, found {checksum}: the products changed"
        );
        Ok(vec![("matmul_ns", vec![matmul_ns])])
    }

    fn finish(self: Box<Self>, _: &WorkloadDef) -> Finished {
        Finished { counters: self.layer.counters(), ..Finished::default() }
    }
}
