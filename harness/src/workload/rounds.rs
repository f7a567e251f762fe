//! The workloads of one process in turns: a few iterations of each, then the next, several rounds of all.
//!
//! Other work on a machine comes in bursts of some tens of milliseconds. Iterations in one go would put a short workload
//! within one burst or outside of it, and its median would be a coin toss; spread over the life of the process, every
//! workload meets the same weather. The first iteration of a turn finds the caches as the others left them.

use anyhow::{Context as _, Result};
use baselines::record::{Counts, Series, WorkloadDef};

use super::{Bench, Finished, Prepared, Sampled, Trace, find};
use crate::measure::Plan;

/// Turns that each workload gets; those with fewer iterations get one turn for each.
const ROUNDS: u64 = 10;

/// Measures `defs` in turns. `alive` is called after each turn.
pub(crate) fn measure(
    bench: Bench<'_>,
    defs: &[WorkloadDef],
    mut alive: impl FnMut() -> Result<()>,
) -> Result<Vec<Trace>> {
    let failed = |def: &WorkloadDef| format!("failed to measure workload `{}`", def.name);
    let mut turns = Vec::with_capacity(defs.len());
    for def in defs {
        turns.push(Turns::prepare(bench, def).with_context(|| failed(def))?);
        alive()?;
    }
    for round in 0..ROUNDS {
        for turn in &mut turns {
            turn.take(round).with_context(|| failed(turn.def))?;
            alive()?;
        }
    }
    Ok(turns.into_iter().map(Turns::trace).collect())
}

/// One workload, and what its turns gave so far.
struct Turns<'a, 'd> {
    def: &'d WorkloadDef,
    plan: Plan,
    prepared: Box<dyn Prepared + 'a>,
    series: Vec<Series>,
}

impl<'a, 'd> Turns<'a, 'd> {
    /// Sets up and warms up: the warm-up is carried out and checked like the rest, and not recorded.
    fn prepare(bench: Bench<'a>, def: &'d WorkloadDef) -> Result<Self> {
        let plan = Plan::of(def)?;
        let mut prepared = find(&def.kind)?.prepare(bench, def)?;
        for _ in 0..plan.warmup {
            prepared.once()?;
        }
        Ok(Self { def, plan, prepared, series: Vec::new() })
    }

    /// The iterations of one round.
    fn take(&mut self, round: u64) -> Result<()> {
        for _ in 0..in_round(self.plan.iterations, round) {
            for (metric, samples_ns) in self.prepared.once()? {
                self.record((metric, samples_ns));
            }
        }
        Ok(())
    }

    fn record(&mut self, (metric, samples_ns): Sampled) {
        #[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
        let samples = samples_ns.iter().map(|ns| *ns as f64);
        match self.series.iter_mut().find(|series| series.metric == metric) {
            Some(series) => series.samples.extend(samples),
            None => self.series.push(Series {
                workload: self.def.name.clone(),
                metric: metric.to_owned(),
                per_iteration: samples_ns.len() as u64,
                samples: samples.collect(),
            }),
        }
    }

    fn trace(self) -> Trace {
        let Finished { repeated, counters } = self.prepared.finish();
        let (output, ids) = repeated.output(self.def);
        let counts = counters
            .iter()
            .map(|count| Counts {
                workload: self.def.name.clone(),
                linear: count.linear.to_owned(),
                kernel: count.kernel.to_owned(),
                products: count.products,
                macs: count.macs,
                bytes: count.bytes,
            })
            .collect();
        Trace { series: self.series, output, ids, counts }
    }
}

/// How many of `iterations` fall to `round`, as evenly as whole numbers allow.
const fn in_round(iterations: u64, round: u64) -> u64 {
    iterations * (round + 1) / ROUNDS - iterations * round / ROUNDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rounds_share_all_iterations_evenly() {
        for iterations in [1, 2, 5, 7, 8, 20, 1000] {
            let shares: Vec<u64> = (0..ROUNDS).map(|round| in_round(iterations, round)).collect();
            assert_eq!(shares.iter().sum::<u64>(), iterations);
            let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
            assert!(most - least <= 1, "{iterations}: {shares:?}");
        }
    }
}
