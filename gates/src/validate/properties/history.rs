//! Histories without a change, and how often one is seen. In: a plan. Out: a line for each kind of noise.

use rayon::prelude::*;

use super::key;
use crate::{
    history::{Point, changes},
    validate::{
        Plan,
        line::{Demand, Line},
        noise::Noise,
    },
};

/// Points of a history: a run a night for a season.
const N_POINTS: usize = 100;

/// SD of a point; nothing depends on it, since all detectors are free of scale.
const SD: f64 = 0.015;

/// A name, and one point in units of its SD.
type Kind = (&'static str, fn(&mut Noise) -> f64);

/// Kinds of noise about one level.
const KINDS: [Kind; 3] = [
    ("normal", Noise::normal),
    ("log-normal", |noise| libm::exp(noise.normal())),
    // At 1.5 % an excursion of 25 %.
    ("stragglers", |noise| noise.normal() + if noise.uniform() < 0.1 { 15.0 } else { 0.0 }),
];

pub(super) fn history_noise(plan: Plan) -> Vec<Line> {
    // A history is shuffled 999 times: it takes as long as several sessions.
    let n_histories = plan.sessions / 4;
    let line = |(place, (name, draw)): (usize, Kind)| {
        let has_change = |history: &u32| {
            let mut noise = Noise::new(plan.seed, key(14, place), *history);
            let point = |nth: usize, noise: &mut Noise| Point {
                value: SD * draw(noise),
                label: nth.to_string(),
            };
            let points: Vec<Point> = (0..N_POINTS).map(|nth| point(nth, &mut noise)).collect();
            // A history that could not be judged is no proof of anything.
            changes(&points, plan.seed).is_none_or(|found| !found.is_empty())
        };
        let hits = (0..n_histories).into_par_iter().filter(has_change).count() as u64;
        let cell = format!("{name}, {N_POINTS} points");
        Line::new("history-noise", cell, Demand::at_most(0.01), hits, n_histories.into())
    };
    KINDS.into_iter().enumerate().map(line).collect()
}
