//! How much past sessions vary, level by level, and the repetitions that would make best use of their time.
//!
//! In: stored records of one machine. Out: per series the variance components and a [`RepetitionPlan`] for the time that a
//! session takes now. A process costs its wall time less all that it timed; an iteration, its own samples.

use baselines::{RunRecord, record::Process};

use super::samples;
use crate::stats::{
    VarianceComponents,
    repetition::{Costs, RepetitionPlan},
    yuen::{as_f64, mean},
};

/// One series of the newest record, over all sessions that have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Workload name.
    pub workload: String,
    /// Metric name.
    pub metric: String,
    /// Variances of logs between sessions, processes and iterations, and how many there are.
    pub components: VarianceComponents,
    /// Iterations a process and processes for the same time; `None` where a level was never repeated.
    pub plan: Option<RepetitionPlan>,
}

/// The series of the newest of `records`, in its order.
#[must_use]
pub fn spreads(records: &[RunRecord]) -> Vec<Spread> {
    let Some(first) = records.first().and_then(|newest| newest.processes.first()) else {
        return Vec::new();
    };
    let one = |(workload, metric): (&String, &String)| {
        let sessions: Vec<Vec<Vec<f64>>> = records
            .iter()
            .filter_map(|record| samples::iterations(record, workload, metric))
            .collect();
        let components = VarianceComponents::of(&sessions)?;
        let plan = components.process.zip(components.iteration).and_then(|(s_p2, s_e2)| {
            RepetitionPlan::of(costs(records.first()?, workload, metric)?, s_p2, s_e2)
        });
        Some(Spread { workload: workload.clone(), metric: metric.clone(), components, plan })
    };
    first.series.iter().filter_map(|series| one((&series.workload, &series.metric))).collect()
}

/// What a session of `record` costs, as far as this series is concerned.
fn costs(record: &RunRecord, workload: &str, metric: &str) -> Option<Costs> {
    let of_process = |process: &Process| {
        let series = process
            .series
            .iter()
            .find(|series| series.workload == workload && series.metric == metric)?;
        let timed: f64 = process
            .series
            .iter()
            .filter(|series| !is_part(&series.metric))
            .flat_map(|series| &series.samples)
            .sum();
        let own: f64 = series.samples.iter().sum();
        let n_iterations = series.samples.len().div_ceil(samples::per_iteration(series));
        #[expect(
            clippy::cast_precision_loss,
            reason = "nanoseconds of a process are far below 2^53"
        )]
        let overhead = process.wall_ns as f64 - timed;
        Some((overhead, own, own / as_f64(n_iterations)))
    };
    let all: Vec<_> = record.processes.iter().filter_map(of_process).collect();
    if all.is_empty() {
        return None;
    }
    let mean_of =
        |part: fn(&(f64, f64, f64)) -> f64| mean(&all.iter().map(part).collect::<Vec<_>>());
    let (process, own, iteration) = (mean_of(|c| c.0), mean_of(|c| c.1), mean_of(|c| c.2));
    Some(Costs { process, iteration, budget: as_f64(all.len()) * (process + own) })
}

/// A time that lies within that of another series of the same iteration.
fn is_part(metric: &str) -> bool {
    metric == "ttft_ns"
}
