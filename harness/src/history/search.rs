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
    let point = |median| history::Point { value: libm::log(median), label: String::new() };
    let points: Vec<history::Point> =
        track.points.iter().map(|found| point(found.median)).collect();
    let found = history::changes(&points, SEED).ok_or("a value has no logarithm")?;
    Ok(found.iter().map(change).collect())
}

fn change(found: &history::Change) -> Change {
    Change {
        place: found.place,
        last_good: found.after,
        first_bad: found.before,
        log_ratio: found.log_ratio,
        interval_95: found.interval_95,
    }
}
