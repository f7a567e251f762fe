//! What the numbers beside a verdict are worth: the interval, and the unit of replication.
//! In: a plan. Out: a line for each cell.

use rayon::prelude::*;

use super::{key, shipped};
use crate::{
    stats::{YuenWelch, quantile::median, student},
    validate::{
        Fault, Plan,
        cell::cell,
        line::{Demand, Line},
        noise::Noise,
        simulate::{count, tried},
    },
};

/// Ten processes of twenty iterations in each arm, one arm after the other: processes of SD 1 %, iterations of SD 2 %.
pub(super) fn process_as_unit(plan: Plan) -> Vec<Line> {
    const PROCESSES: usize = 10;
    const ITERATIONS: usize = 20;
    let fires = |base: &[f64], head: &[f64]| {
        YuenWelch::of(base, head).is_some_and(|found| {
            let (estimate, se, df) = (found.estimate, found.standard_error, found.df);
            let above = student::p_above(estimate, 0.0, se, df);
            2.0 * above.min(1.0 - above) <= 0.05
        })
    };
    let session = |session: u32| -> (u64, u64) {
        let mut noise = Noise::new(plan.seed, key(10, 0), session);
        let mut arm = || -> Vec<f64> {
            let mut process = || {
                let level = 0.01 * noise.normal();
                (0..ITERATIONS).map(|_| level + 0.02 * noise.normal()).collect::<Vec<f64>>()
            };
            (0..PROCESSES).flat_map(|_| process()).collect()
        };
        let (base, head) = (arm(), arm());
        let medians =
            |arm: &[f64]| -> Vec<f64> { arm.chunks(ITERATIONS).filter_map(median).collect() };
        let of_processes = fires(&medians(&base), &medians(&head));
        (u64::from(of_processes), u64::from(fires(&base, &head)))
    };
    let (of_processes, of_iterations) = (0..plan.sessions)
        .into_par_iter()
        .map(session)
        .reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    let line = |cell: &str, demand, hits| {
        Line::new("process-as-unit", cell.to_owned(), demand, hits, u64::from(plan.sessions))
    };
    let wrong = plan.fault == Some(Fault::Iterations);
    vec![
        line(
            "10 processes of 20 iterations, one number a process",
            Demand::Within(0.035, 0.065),
            if wrong { of_iterations } else { of_processes },
        ),
        line("the same, every iteration a number", Demand::Shown, of_iterations),
    ]
}

pub(super) fn coverage(plan: Plan) -> Vec<Line> {
    let locate = tried(plan, shipped()).locate;
    let covers = |pairs: &[f64]| {
        locate(pairs)
            .and_then(|found| found.interval_95())
            .is_some_and(|(low, high)| low <= 0.0 && 0.0 <= high)
    };
    let mut lines = Vec::new();
    // Heavier tails than the normal's make the interval wider than it need be, and never too narrow.
    for (name, demand) in [
        ("normal", Demand::Within(0.94, 0.96)),
        ("log-normal", Demand::Within(0.94, 0.96)),
        ("stragglers", Demand::AtLeast(0.94)),
        ("bimodal", Demand::AtLeast(0.94)),
        ("correlated-pairs", Demand::Shown),
    ] {
        for n_pairs in [16, 40] {
            let hits = count(plan, key(11, lines.len()), cell(name), 0.04, n_pairs, covers);
            let text = format!("{name}, SD 4 %, {n_pairs} pairs");
            lines.push(Line::new("coverage", text, demand, hits, u64::from(plan.sessions)));
        }
    }
    lines
}
