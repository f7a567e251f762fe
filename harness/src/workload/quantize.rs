//! Quantize: a seeded f32 tensor to `I2_S` and back.
//!
//! The tensor holds -s, 0 and +s, as a trained ternary matrix does, so that the way back is exact: every element is
//! compared, bit for bit, before the time counts. Timed: quantizing and dequantizing. Not timed: drawing, comparing.

use anyhow::{Result, bail};
use baselines::record::WorkloadDef;
use engine::{Drawing, quant::i2_s};

use super::{
    Asked, Bench, Finished, ITERATIONS, Param, Prepared, Sampled, WARMUP, Workload, param, seed,
};

/// The magnitude of the elements that are not zero: a power of two, of the size trained scales have.
const SCALE: f32 = 0.031_25;

/// Elements of the tensor: whole groups of 128.
const VALUES: Param = Param { name: "values", range: (128, 1 << 28) };

/// See the file's door.
#[derive(Debug)]
pub(super) struct Quantize;

impl Workload for Quantize {
    fn kind(&self) -> &'static str {
        "quantize"
    }

    fn about(&self) -> &'static str {
        "quantize and dequantize one seeded f32 tensor"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["quantize_ns"]
    }

    fn params(&self) -> &'static [Param] {
        &[ITERATIONS, VALUES, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let len = param(def, VALUES.name)?;
        let tensor = ternary(&mut seed::stream(bench.seed, self.kind(), "weights"), len);
        Ok(Box::new(Quantizing { bench, tensor, back: vec![0.0; len] }))
    }
}

/// The tensor, and the place it comes back to.
#[derive(Debug)]
struct Quantizing<'a> {
    bench: Bench<'a>,
    tensor: Vec<f32>,
    back: Vec<f32>,
}

impl Prepared for Quantizing<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        let Self { bench, tensor, back } = self;
        back.fill(f32::NAN);
        let mut watch = bench.stopwatch();
        let bytes = i2_s::quantize(tensor)?;
        i2_s::dequantize(&bytes, tensor.len(), back)?;
        let quantize_ns = watch.stop();
        let differ = |(was, is): (&f32, &f32)| was.to_bits() != is.to_bits();
        if let Some(idx) = tensor.iter().zip(back.iter()).position(differ) {
            bail!("element {idx}: expected {} back from i2_s, found {}", tensor[idx], back[idx]);
        }
        Ok(vec![("quantize_ns", vec![quantize_ns])])
    }

    fn finish(self: Box<Self>, _: &WorkloadDef) -> Finished {
        Finished::default()
    }
}

/// `len` elements of {-s, 0, +s}: a quarter, a half, a quarter; sixteen to a drawn word.
fn ternary(drawing: &mut Drawing, len: usize) -> Vec<f32> {
    const ELEMENTS: [f32; 4] = [-SCALE, 0.0, SCALE, 0.0];
    let mut elements = Vec::with_capacity(len + 16);
    while elements.len() < len {
        let word = drawing.next_u32();
        elements.extend((0..16).map(|idx| ELEMENTS[(word >> (2 * idx)) as usize & 3]));
    }
    elements.truncate(len);
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tensor_holds_all_three_values_in_their_shares() {
        let tensor = ternary(&mut Drawing::new(42, "test"), 10_001);
        assert_eq!(tensor.len(), 10_001);
        let share = |of: f32| tensor.iter().filter(|v| v.to_bits() == of.to_bits()).count();
        for (value, expected) in [(-SCALE, 2500), (0.0, 5000), (SCALE, 2500)] {
            assert!(share(value).abs_diff(expected) < 250, "{value}: {}", share(value));
        }
    }
}
