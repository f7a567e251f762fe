//! Matmul: one token through every linear of one layer, at the model's shapes.
//!
//! Timed: the products and the quantization of their inputs. Not timed: making the input. The checksum of every iteration
//! must be that of the first.

use anyhow::{Result, ensure};
use baselines::record::WorkloadDef;
use engine::bench::LayerMatmul;

use super::{Bench, Finished, ITERATIONS, Param, Prepared, Sampled, WARMUP, Workload};
use crate::measure::Clock;

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

    fn params(&self) -> &'static [Param] {
        &[ITERATIONS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, _: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let layer = LayerMatmul::new(bench.model, bench.options)?;
        Ok(Box::new(Multiplying { clock: bench.clock, layer, first: None }))
    }
}

/// The layer, and the checksum of its first run.
#[derive(Debug)]
struct Multiplying<'a> {
    clock: &'a dyn Clock,
    layer: LayerMatmul<'a>,
    first: Option<u64>,
}

impl Prepared for Multiplying<'_> {
    fn once(&mut self) -> Result<Vec<Sampled>> {
        let start_ns = self.clock.now_ns();
        let checksum = self.layer.run();
        let matmul_ns = self.clock.now_ns() - start_ns;
        let first = *self.first.get_or_insert(checksum);
        ensure!(
            first == checksum,
            "expected checksum {first}, found {checksum}: the products changed"
        );
        Ok(vec![("matmul_ns", vec![matmul_ns])])
    }

    fn finish(self: Box<Self>) -> Finished {
        Finished { counters: self.layer.counters(), ..Finished::default() }
    }
}
