//! The workloads of one process in turns: a few iterations of each, then the next, several rounds of all.
//!
//! Other work on a machine comes in bursts of some tens of milliseconds. Iterations in one go would put a short workload
//! within one burst or outside of it, and its median would be a coin toss; spread over the life of the process, every
//! workload meets the same weather. Whose turn it is, is the parent's to say: between two turns of this process the
//! other process of its pair takes its own. The first iteration of a turn finds the caches as the others left them.

use anyhow::{Context as _, Result, bail};
use baselines::record::{Allocations, Counts, Screening, Series, Suite, WorkloadDef};

use super::{Asked, Bench, Finished, Prepared, Sampled, Trace, find, output::Answers};
use crate::measure::Plan;

/// Every workload of a suite, set up and warmed up.
pub(crate) struct Workloads<'a, 's> {
    suite: &'s Suite,
    turns: Vec<Turns<'a, 's>>,
}

impl<'a, 's> Workloads<'a, 's> {
    /// Sets up and warms up every workload of `suite`. `alive` is called after each.
    pub(crate) fn prepare(
        bench: Bench<'a>,
        suite: &'s Suite,
        mut alive: impl FnMut() -> Result<()>,
    ) -> Result<Self> {
        let mut turns = Vec::with_capacity(suite.workloads.len());
        for def in &suite.workloads {
            turns.push(Turns::prepare(bench, def).with_context(|| failed(def))?);
            alive()?;
        }
        Ok(Self { suite, turns })
    }

    /// The iterations of workload `idx` that fall to `round`.
    pub(crate) fn take_turn(&mut self, round: u64, idx: usize) -> Result<()> {
        let n = self.turns.len();
        let Some(turns) = self.turns.get_mut(idx) else {
            bail!("expected a turn of one of {n} workloads, found one of workload {idx}");
        };
        let iterations = self.suite.in_round(turns.plan.iterations, round);
        turns.take(iterations).with_context(|| failed(turns.def))
    }

    /// What each workload gave.
    pub(crate) fn traces(self) -> Vec<Trace> {
        self.turns.into_iter().map(Turns::trace).collect()
    }
}

fn failed(def: &WorkloadDef) -> String {
    format!("failed to measure workload `{}`", def.name)
}

/// One workload, and what its turns gave so far.
struct Turns<'a, 'd> {
    def: &'d WorkloadDef,
    plan: Plan,
    prepared: Box<dyn Prepared + 'a>,
    /// Timed iterations so far.
    n_timed: u64,
    series: Vec<Series>,
    /// `None` without a warm-up.
    allocations: Option<Allocations>,
}

impl<'a, 'd> Turns<'a, 'd> {
    /// Sets up and warms up: the warm-up is carried out and checked like the rest, and not recorded, but for what its last
    /// iteration asks of the allocator.
    fn prepare(bench: Bench<'a>, def: &'d WorkloadDef) -> Result<Self> {
        let plan = Plan::of(def)?;
        let mut prepared = find(&def.kind)?.prepare(bench, def)?;
        let mut allocations = None;
        for nth in 1..=plan.warmup {
            if nth < plan.warmup {
                prepared.once(Asked::Fixed)?;
                continue;
            }
            let (done, asked) = bench.tally.of(|| prepared.once(Asked::Fixed));
            done?;
            let workload = def.name.clone();
            allocations =
                Some(Allocations { workload, requests: asked.requests, bytes: asked.bytes });
        }
        Ok(Self { def, plan, prepared, n_timed: 0, series: Vec::new(), allocations })
    }

    /// The iterations of one turn.
    fn take(&mut self, iterations: u64) -> Result<()> {
        for _ in 0..iterations {
            for sampled in self.prepared.once(Asked::in_iteration(self.n_timed))? {
                self.record(sampled);
            }
            self.n_timed += 1;
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
        let Finished { answers, counters, screening } = self.prepared.finish(self.def);
        let Answers { output, ids, challenge } = answers;
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
        let screening = (screening.rows > 0).then(|| Screening {
            workload: self.def.name.clone(),
            screened_rows: screening.rows,
            refined_rows: screening.refined,
            rescored_rows: screening.rescored,
        });
        Trace {
            series: self.series,
            output,
            ids,
            challenge,
            counts,
            screening,
            allocations: self.allocations,
        }
    }
}
