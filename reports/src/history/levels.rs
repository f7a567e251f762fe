//! The levels of a track: what lies between two changes, as rows of a table.
//! In: a track. Out: one row per level, oldest first.

use baselines::quantile::median;

use super::{Change, Track};

/// A stretch of sessions without a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Place of its first point.
    pub first: usize,
    /// Place of its last point.
    pub last: usize,
    /// Median of the points' medians, base units.
    pub median: f64,
    /// The change that led to it; `None` of the first.
    pub change: Option<Change>,
}

/// The levels of `track`; none without points.
#[must_use]
pub fn levels(track: &Track) -> Vec<Level> {
    let starts = std::iter::once((0, None))
        .chain(track.changes.iter().map(|change| (change.place, Some(*change))));
    let ends = track.changes.iter().map(|change| change.place).chain([track.points.len()]);
    let level = |((first, change), end): ((usize, Option<Change>), usize)| {
        let medians: Vec<f64> = track.points.get(first..end)?.iter().map(|p| p.median).collect();
        Some(Level { first, last: end.checked_sub(1)?, median: median(&medians)?, change })
    };
    starts.zip(ends).filter_map(level).collect()
}
