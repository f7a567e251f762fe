//! The history detector on foreign series: changes where nothing changed, and steps planted in them.
//!
//! In: days, or hosted runs. Out: rows. A day is one point, the median of its runs. Real days need not be at one level, so
//! that three rows look at flatness: as they came (nothing is demanded of a machine that nobody watched); whether the other
//! half of the same days' runs shows the change too (a false alarm isn't there); and the same points in a drawn order,
//! where no change can be. Steps are multiples of the series' own SD, planted where no change is seen.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Replay, Row, day::Day, hosted::History, rate::Tally, row::Demand};
use crate::{
    history::{Change, MIN_SEGMENT, Point, Shuffles, TOLERANCE, changes},
    stats::{
        quantile::median,
        yuen::{as_f64, mean},
    },
};

/// Of everything that is drawn.
const SEED: u64 = 7;
/// Orders drawn of each series.
const N_ORDERS: usize = 20;
/// A change of one half of the runs that is smaller than this share of it in the other half is a false alarm.
const CONFIRMED: f64 = 0.5;
/// Series that may have a false change.
const MAX_FALSE: Demand = Demand::AtMost(0.01);
/// Planted steps, in SD of the series' own points.
const STEPS: [f64; 4] = [2.0, 3.0, 4.0, 5.0];
/// Planted steps found.
const MIN_FOUND: Demand = Demand::AtLeast(0.95);
/// Days on both sides of a step from which on something is demanded, and the step.
const DEMAND_FOR_DAYS: (usize, f64) = (5, 4.0);
/// Consecutive runs of one CPU model that are looked at together, and the same for them.
const N_RUNS: usize = 60;
const DEMAND_FOR_RUNS: (usize, f64) = (20, 3.0);
/// Between the planted places of such a window: neighbours tell the same.
const RUNS_APART: usize = 5;

pub(super) fn replay_days(days: &[Day], replay: &mut Replay) {
    let all = series_of(days, |times| times.to_vec());
    if all.is_empty() {
        return;
    }
    let as_they_came: Vec<Vec<Change>> = all.par_iter().map(|points| found(points)).collect();
    let mut with_change = Tally::default();
    as_they_came.iter().for_each(|found| with_change.count(!found.is_empty()));
    replay.rows.extend([
        Row::rate("days as a history: has a change", Demand::Nothing, with_change),
        Row::rate("its odd runs: a change that even runs lack", MAX_FALSE, unconfirmed(days)),
        Row::rate("days in a drawn order: has a change", MAX_FALSE, drawn(&all)),
    ]);
    let flat: Vec<Vec<f64>> = all
        .iter()
        .zip(&as_they_came)
        .filter(|(_, found)| found.is_empty())
        .map(|(points, _)| points.clone())
        .collect();
    let planted = plant(&flat, 1, MIN_SEGMENT);
    replay.rows.extend(rows("days", DEMAND_FOR_DAYS, &planted));
    replay.notes.push(format!(
        "Days as a history: {} benchmarks measured on all {} days, a day's median one point. {} Steps are planted in the {} \
         without a change, at every place with {MIN_SEGMENT} days on both sides; found is one change, within {TOLERANCE} \
         points. {} No test of 13 points can do much better at 3 SD: the largest of all t-tests with pooled variance, at an \
         overall level of 1 %, finds 88 % of such steps in normal noise with 5 points on one side; hence no demand there.",
        all.len(),
        days.len(),
        nights(&as_they_came),
        flat.len(),
        by_distance(&planted),
    ));
}

pub(super) fn replay_hosted(history: &History, replay: &mut Replay) {
    let windows = windows(history);
    if windows.is_empty() {
        return;
    }
    replay.rows.push(Row::rate(
        "runs of one CPU in a drawn order: a change",
        MAX_FALSE,
        drawn(&windows),
    ));
    let flat: Vec<Vec<f64>> =
        windows.par_iter().filter(|points| found(points).is_empty()).cloned().collect();
    let planted = plant(&flat, RUNS_APART, DEMAND_FOR_RUNS.0);
    replay.rows.extend(rows("runs of one CPU", DEMAND_FOR_RUNS, &planted));
    replay.notes.push(format!(
        "Runs of one CPU: each time in each CPU class, in windows of {N_RUNS} runs: {}, of which {} have no change as they \
         came; steps are planted in these. The program really changes, so that only a drawn order is known to be flat.",
        windows.len(),
        flat.len(),
    ));
}

/// Log medians by day of every benchmark that each day has, of those of its runs that `chosen` takes.
fn series_of(days: &[Day], chosen: impl Fn(&[f64]) -> Vec<f64>) -> Vec<Vec<f64>> {
    if days.len() < 2 * MIN_SEGMENT {
        return Vec::new();
    }
    let point = |day: &Day, name: &String| {
        day.benchmarks.get(name).and_then(|times| median(&chosen(times))).map(f64::ln)
    };
    let names = days[0].benchmarks.keys();
    names.filter_map(|name| days.iter().map(|day| point(day, name)).collect()).collect()
}

/// Windows of consecutive runs, by time and CPU model; what is left over at the end of a class is left out.
fn windows(history: &History) -> Vec<Vec<f64>> {
    let mut windows = Vec::new();
    for track in &history.times {
        let mut by_model: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for value in &track.values {
            by_model.entry(value.model).or_default().push(value.log);
        }
        windows.extend(
            by_model.values().flat_map(|logs| logs.chunks_exact(N_RUNS)).map(<[f64]>::to_vec),
        );
    }
    windows
}

fn found(points: &[f64]) -> Vec<Change> {
    let point = |value: &f64| Point { value: *value, label: String::new() };
    let points: Vec<Point> = points.iter().map(point).collect();
    changes(&points, SEED).unwrap_or_default()
}

/// Series whose odd runs have a change that their even runs don't show.
fn unconfirmed(days: &[Day]) -> Tally {
    let half = |first: usize| {
        series_of(days, move |times| times[first..].iter().step_by(2).copied().collect())
    };
    let (odd, even) = (half(0), half(1));
    let mut tally = Tally::default();
    // A benchmark with one run has no even ones: its series would stand beside another's.
    if odd.len() == even.len() {
        let lacks = |(odd, even): (&Vec<f64>, &Vec<f64>)| {
            found(odd).iter().any(|change| {
                let step = median(&even[change.place..]).zip(median(&even[..change.place]));
                step.is_none_or(|(after, before)| (after - before) / change.log_ratio < CONFIRMED)
            })
        };
        odd.iter().zip(&even).for_each(|both| tally.count(lacks(both)));
    }
    tally
}

/// How many have a change when the order of their points is drawn.
fn drawn(series: &[Vec<f64>]) -> Tally {
    let has_change = |nth: usize| {
        let mut shuffled = series[nth % series.len()].clone();
        Shuffles::new(SEED, nth, usize::MAX).shuffle(&mut shuffled);
        !found(&shuffled).is_empty()
    };
    let n = series.len() * N_ORDERS;
    let hits = (0..n).into_par_iter().filter(|nth| has_change(*nth)).count() as u64;
    Tally { hits, n: n as u64 }
}

/// By step and points to the nearer end: how many of the planted steps are found, and nothing else.
type Planted = BTreeMap<(usize, usize), Tally>;

/// Plants each of [`STEPS`] at places `apart` from another that leave at least `least` points on both sides.
fn plant(series: &[Vec<f64>], apart: usize, least: usize) -> Planted {
    let of_one = |points: &Vec<f64>| {
        let n = points.len();
        let places = (least..=n - least).step_by(apart);
        let cases = places.flat_map(|place| (0..STEPS.len()).map(move |nth| (nth, place)));
        let case = |(nth, place): (usize, usize)| {
            ((nth, place.min(n - place)), is_found(points, place, STEPS[nth]))
        };
        cases.map(case).collect::<Vec<_>>()
    };
    let all: Vec<_> = series.par_iter().flat_map_iter(of_one).collect();
    let mut planted = Planted::new();
    for (case, hit) in all {
        planted.entry(case).or_default().count(hit);
    }
    planted
}

/// Whether a step of so many SD is found within the tolerance, and nothing else is.
fn is_found(points: &[f64], place: usize, step: f64) -> bool {
    let sd = sd(points);
    let mut stepped = points.to_vec();
    stepped[place..].iter_mut().for_each(|value| *value += step * sd);
    let found = found(&stepped);
    matches!(&found[..], [change] if change.place.abs_diff(place) <= TOLERANCE)
}

fn sd(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (squares / as_f64(values.len() - 1)).sqrt()
}

/// A row for each step: places with enough points on both sides.
fn rows(name: &str, (least, from): (usize, f64), planted: &Planted) -> Vec<Row> {
    let row = |(nth, step): (usize, &f64)| {
        let enough = planted.iter().filter(|((of, distance), _)| *of == nth && *distance >= least);
        let tally = enough.fold(Tally::default(), |sum, (_, tally)| sum.plus(*tally));
        let demand = if *step >= from { MIN_FOUND } else { Demand::Nothing };
        Row::rate(format!("{name} + {step} SD, {least} on both sides: found"), demand, tally)
    };
    STEPS.iter().enumerate().map(row).collect()
}

/// What is found of each step by points to the nearer end.
fn by_distance(planted: &Planted) -> String {
    let of_step = |(nth, step): (usize, &f64)| {
        let shares: Vec<String> = planted
            .iter()
            .filter(|((of, _), _)| *of == nth)
            .map(|((_, distance), tally)| format!("{distance}: {:.0} %", 100.0 * tally.share()))
            .collect();
        format!("{step} SD {}", shares.join(", "))
    };
    let steps: Vec<String> = STEPS.iter().enumerate().map(of_step).collect();
    format!("By points to the nearer end: {}.", steps.join("; "))
}

/// Where the changes lie: one night that many share is an event of the machine.
fn nights(found: &[Vec<Change>]) -> String {
    let mut nights: BTreeMap<usize, usize> = BTreeMap::new();
    found.iter().flatten().for_each(|change| *nights.entry(change.place).or_default() += 1);
    if nights.is_empty() {
        return "None has a change.".to_owned();
    }
    let counts: Vec<String> =
        nights.iter().map(|(place, n)| format!("{n} before day {}", place + 1)).collect();
    format!("Changes: {}.", counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{DEMAND_FOR_DAYS, DEMAND_FOR_RUNS, STEPS};

    #[test]
    fn steps_rise_and_each_demand_is_on_one_of_them() {
        assert!(STEPS.windows(2).all(|two| two[0] < two[1]));
        for (_, step) in [DEMAND_FOR_DAYS, DEMAND_FOR_RUNS] {
            assert!(STEPS.contains(&step), "{step}");
        }
    }
}
