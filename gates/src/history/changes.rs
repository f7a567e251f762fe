//! The changes of a history: what two of three detectors see and what stays, with size, interval and commits.
//!
//! In: labelled log values, a seed. Out: changes in order. The size is the difference of the 20 % trimmed means of the two
//! levels, the interval Yuen's; it doesn't count that the place was chosen by the same data.

use super::{blocks, returned, vote::Votes};
use crate::stats::{Location, noise::are_logs};

/// One run in a history: its number and the commit it ran on.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Log of the metric, adjusted by the caller's anchor.
    pub value: f64,
    /// What to call it: a commit.
    pub label: String,
}

/// A level that was left for another.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Place of the first point at the new level.
    pub place: usize,
    /// New level less old, as a log ratio: above 0 is slower.
    pub log_ratio: f64,
    /// 95 % interval of `log_ratio`.
    pub interval_95: Option<(f64, f64)>,
    /// Place of the last point that every voter puts before the change.
    pub after: usize,
    /// Place of the first point that every voter puts after it.
    pub before: usize,
    /// Label of the point at `after`.
    pub last_good: String,
    /// Label of the point at `before`.
    pub first_bad: String,
    /// Who saw it, and where.
    pub votes: Votes,
}

/// The changes of `points`, which are of one fingerprint class and in the order of time. Fewer than six points have none.
/// `None` if a value is no logarithm of a positive number.
#[must_use]
pub fn changes(points: &[Point], seed: u64) -> Option<Vec<Change>> {
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    if !are_logs(&values) {
        return None;
    }
    let agreed = blocks::agreed(&values, seed);
    let places: Vec<usize> = agreed.iter().filter_map(Votes::place).collect();
    let places = returned::staying(&values, &places);
    let staying = agreed.iter().filter(|votes| votes.place().is_some_and(|p| places.contains(&p)));
    staying.enumerate().map(|(nth, votes)| change(points, &values, &places, nth, *votes)).collect()
}

fn change(
    points: &[Point],
    values: &[f64],
    places: &[usize],
    nth: usize,
    votes: Votes,
) -> Option<Change> {
    let place = places[nth];
    let start = if nth == 0 { 0 } else { places[nth - 1] };
    let end = places.get(nth + 1).copied().unwrap_or(values.len());
    let levels = Location::of_groups(&values[start..place], &values[place..end])?;
    let (first, last) = votes.span()?;
    Some(Change {
        place,
        log_ratio: levels.estimate(),
        interval_95: levels.interval_95(),
        after: first - 1,
        before: last,
        last_good: points[first - 1].label.clone(),
        first_bad: points[last].label.clone(),
        votes,
    })
}
