//! Quantize: a seeded f32 matrix to a format of ternary weights and back.
//!
//! The matrix holds -s, 0 and +s, as a trained ternary matrix does, so that the way back is exact: every element is
//! compared, bit for bit, before the time counts. Timed: quantizing and dequantizing. Not timed: drawing, comparing.

use anyhow::{Result, bail, ensure};
use baselines::record::WorkloadDef;
use engine::{
    Pool,
    quant::{self, BlockFormat, Shape},
};

use super::{
    Asked, Bench, COLS, FORMAT, Finished, ITERATIONS, Param, Prepared, ROWS, Sampled, WARMUP,
    Workload, format, param, seed,
};

/// The magnitude of the elements that are not zero: a power of two, of the size trained scales have.
const SCALE: f32 = 0.031_25;

/// Threads that share the work; 0 for the engine's own.
const THREADS: Param = Param { name: "threads", range: (0, 1024) };

/// See the file's door.
#[derive(Debug)]
pub(super) struct Quantize;

impl Workload for Quantize {
    fn kind(&self) -> &'static str {
        "quantize"
    }

    fn about(&self) -> &'static str {
        "quantize and dequantize one seeded f32 matrix"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["quantize_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[COLS, FORMAT, ITERATIONS, ROWS, THREADS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let format = format(def)?;
        ensure!(format.ternary().is_some(), "{} is no format of ternary weights", format.name());
        let shape = Shape::new(param(def, ROWS.name)?, param(def, COLS.name)?);
        format.fits(shape)?;
        let tensor = seed::stream(bench.seed, self.kind(), "weights")
            .ternary(shape.rows * shape.cols, SCALE);
        let back = vec![0.0; tensor.len()];
        let pool = match (param(def, THREADS.name)?, bench.options.cpus.as_slice()) {
            (0, []) => Pool::new(bench.options.threads),
            (0, cpus) => Pool::on_cpus(cpus),
            (threads, _) => Pool::new(threads),
        };
        Ok(Box::new(Quantizing { bench, format, shape, pool, tensor, back }))
    }
}

/// The matrix, and the place it comes back to.
#[derive(Debug)]
struct Quantizing<'a> {
    bench: Bench<'a>,
    format: &'static dyn BlockFormat,
    shape: Shape,
    pool: Pool,
    tensor: Vec<f32>,
    back: Vec<f32>,
}

impl Prepared for Quantizing<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        let Self { bench, format, shape, pool, tensor, back } = self;
        back.fill(f32::NAN);
        let mut watch = bench.stopwatch();
        let bytes = quant::quantize(*format, tensor, *shape, pool)?;
        quant::dequantize(*format, &bytes, *shape, pool, back)?;
        let quantize_ns = watch.stop();
        let differ = |(was, is): (&f32, &f32)| was.to_bits() != is.to_bits();
        if let Some(idx) = tensor.iter().zip(back.iter()).position(differ) {
            let name = format.name();
            bail!("element {idx}: expected {} back from {name}, found {}", tensor[idx], back[idx]);
        }
        Ok(vec![("quantize_ns", vec![quantize_ns])])
    }

    fn finish(self: Box<Self>, _: &WorkloadDef) -> Finished {
        Finished::default()
    }
}
