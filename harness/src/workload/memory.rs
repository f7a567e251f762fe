//! Memory: one short generation after another in one process, which must give back all that it asks for.
//!
//! Timed: each generation by the production engine, prompt text to last token's text. Not timed: reading the resident set after
//! it. An iteration fails if a byte asked for during its generations was not given back at its end, or if the resident set grew
//! over them beyond its own noise: the first is exact, the second sees what does not go through the allocator.

use std::ops::ControlFlow;

use anyhow::{Context as _, Result, ensure};
use baselines::record::WorkloadDef;
use engine::{InferenceEngine, Prompt, Request, allocations, set_counting};

use super::{
    Asked, Bench, Finished, ITERATIONS, Param, Prepared, Sampled, TOKENS, WARMUP, Workload, param,
    prompts, seed,
};
use crate::environment;

/// Generations in one iteration.
const GENERATIONS: Param = Param { name: "generations", range: (2, 10_000) };
/// What the resident set may grow by over an iteration besides its noise: the system hands out and counts whole pages, some of
/// them late.
const GROWTH_BYTES: f64 = 65_536.0;

/// See the file's door.
#[derive(Debug)]
pub(super) struct Memory;

impl Workload for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn about(&self) -> &'static str {
        "one of many generations in one process, which gives back all that it asks for"
    }

    fn metrics(&self) -> &'static [&'static str] {
        &["generation_ns", "rss_bytes"]
    }

    fn params(&self) -> &'static [Param] {
        &[GENERATIONS, ITERATIONS, TOKENS, WARMUP]
    }

    fn prepare<'a>(&self, bench: Bench<'a>, def: &WorkloadDef) -> Result<Box<dyn Prepared + 'a>> {
        let text = prompts::text(&mut seed::stream(bench.seed, self.kind(), "prompt"));
        let request = Request {
            max_tokens: param(def, TOKENS.name)?,
            reuses_prefix: false,
            ..Request::new(Prompt::Text(text.to_owned()))
        };
        let mut generating = Generating {
            bench,
            engine: bench.engine()?,
            request,
            ids: Vec::new(),
            n_generations: param(def, GENERATIONS.name)?,
        };
        // The first one fills what is kept from then on: the cache's chunks, the tokenizer's memory.
        generating.ids = generating.generate()?.1;
        Ok(Box::new(generating))
    }
}

/// The engine, and what it puts out each time.
#[derive(Debug)]
struct Generating<'a> {
    bench: Bench<'a>,
    engine: InferenceEngine<'a>,
    request: Request,
    ids: Vec<u32>,
    n_generations: usize,
}

impl Generating<'_> {
    fn generate(&mut self) -> Result<(u64, Vec<u32>)> {
        let mut watch = self.bench.stopwatch();
        let answer = self.engine.generate(&self.request, |_| ControlFlow::Continue(()))?;
        if let Some(hook) = self.bench.hooks.after_generation {
            hook();
        }
        Ok((watch.stop(), answer.ids))
    }

    /// All generations of one iteration: their times, and the resident set after each.
    fn generations(&mut self, times_ns: &mut Vec<u64>, resident: &mut Vec<u64>) -> Result<()> {
        for i in 0..self.n_generations {
            let (time_ns, ids) = self.generate()?;
            ensure!(ids == self.ids, "generation {i}: expected the ids of the first, found others");
            times_ns.push(time_ns);
            let rss = environment::rss_bytes();
            resident.push(rss.context("this system does not say how much memory a process has")?);
        }
        Ok(())
    }
}

impl Prepared for Generating<'_> {
    fn once(&mut self, _: Asked) -> Result<Vec<Sampled>> {
        let n = self.n_generations;
        let (mut times_ns, mut resident) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let before = allocations();
        set_counting(true);
        let done = self.generations(&mut times_ns, &mut resident);
        set_counting(false);
        let live = allocations().since(&before).live();
        done?;
        ensure!(
            live == 0,
            "leak: expected {n} generations to give back all that they ask the allocator for, found {live} bytes that they did \
             not, {} a generation; the rest of the process asked for nothing meanwhile",
            live / i64::try_from(n)?
        );
        let Growth { bytes, noise } = growth(&resident);
        ensure!(
            bytes <= noise + GROWTH_BYTES,
            "leak: the resident set grew by {bytes:.0} bytes over {n} generations, expected at most {:.0}: three standard errors \
             of its slope and {GROWTH_BYTES:.0} more; the allocator has them all back, so look at mappings and threads",
            noise + GROWTH_BYTES
        );
        Ok(vec![("generation_ns", times_ns), ("rss_bytes", resident)])
    }

    fn finish(self: Box<Self>, _: &WorkloadDef) -> Finished {
        Finished::default()
    }
}

/// What a line through the samples rises by from the first to the last, and three standard errors of that.
struct Growth {
    bytes: f64,
    noise: f64,
}

#[expect(clippy::cast_precision_loss, reason = "2^53 bytes are 9 PB")]
fn growth(samples: &[u64]) -> Growth {
    let n = samples.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean = samples.iter().map(|x| *x as f64).sum::<f64>() / n;
    let points = || samples.iter().enumerate().map(|(i, x)| (i as f64 - middle, *x as f64 - mean));
    let spread: f64 = points().map(|(x, _)| x * x).sum();
    let slope = points().map(|(x, y)| x * y).sum::<f64>() / spread;
    let rest: f64 = points().map(|(x, y)| (y - slope * x).powi(2)).sum();
    let error = if n > 2.0 { (rest / (n - 2.0) / spread).sqrt() } else { 0.0 };
    Growth { bytes: slope * (n - 1.0), noise: 3.0 * error * (n - 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_and_noise_is_not_taken_for_one() {
        let rising: Vec<u64> = (0..100).map(|i| 1_000_000 + 1024 * i).collect();
        let Growth { bytes, noise } = growth(&rising);
        assert!((bytes - 101_376.0).abs() < 1e-6 && noise < 1e-3, "{bytes} {noise}");
        assert!(bytes > noise + GROWTH_BYTES, "a kilobyte a generation is seen over a hundred");
        let swinging: Vec<u64> = (0..100).map(|i| 1_000_000 + (i * 7919 % 101) * 4096).collect();
        let Growth { bytes, noise } = growth(&swinging);
        assert!(bytes.abs() < noise, "{bytes} {noise}");
        // One page that came late.
        let step: Vec<u64> = (0..100).map(|i| 1_000_000 + u64::from(i > 60) * 4096).collect();
        let Growth { bytes, noise } = growth(&step);
        assert!(bytes < noise + GROWTH_BYTES, "{bytes} {noise}");
        assert!(growth(&[5, 5]).bytes.abs() < 1e-9);
    }
}
