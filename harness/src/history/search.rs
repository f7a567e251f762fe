//! The changes of each track, by `gates::history`: on the logs of its medians, with one seed for all.
//! In: tracks with points. Out: the same with their changes, or why none was looked for.

use gates::history;
use rayon::prelude::*;
use reports::history::{Change, Track};

/// Seeds the shuffles of the energy statistic, of every track of every history: the same points have the same changes.
const SEED: u64 = 42;
/// Fewer points have no change: three on each side.
const FEWEST: usize = 2 * history::MIN_SEGMENT;

pub(super) fn search(tracks: &mut [Track]) {
    tracks.par_iter_mut().for_each(|track| match changes(track) {
        Ok(changes) => track.changes = changes,
        Err(why) => track.not_searched = Some(why.to_owned()),
    });
}

fn changes(track: &Track) -> Result<Vec<Change>, &'static str> {
    if track.points.iter().any(|point| point.median <= 0.0) {
        return Err("a value is zero, and has no ratio to another");
    }
    if track.points.len() < FEWEST {
        return Err("fewer than six sessions");
    }
    let points: Vec<history::Point> = (0..)
        .zip(&track.points)
        .map(|(place, point): (usize, _)| history::Point {
            value: libm::log(point.median),
            label: place.to_string(),
        })
        .collect();
    let found = history::changes(&points, SEED).ok_or("a value has no logarithm")?;
    Ok(found.iter().filter_map(change).collect())
}

/// The labels of the points are their places.
fn change(found: &history::Change) -> Option<Change> {
    Some(Change {
        place: found.place,
        last_good: found.last_good.parse().ok()?,
        first_bad: found.first_bad.parse().ok()?,
        log_ratio: found.log_ratio,
        interval_95: found.interval_95,
    })
}
