//! Gaps: stretches of time in which nothing was measured, so that nobody reads two neighbours as two days.
//! In: a track. Out: the places after a gap. A gap is at least a week long, and ten times the usual distance of sessions.

use baselines::{quantile::median, timestamp::parse_ms};

use super::{History, Track};

const WEEK_MS: f64 = 7.0 * 86_400_000.0;

/// How many usual distances a gap is at least.
const TIMES_USUAL: f64 = 10.0;

/// Nothing was measured before a point for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Place in [`Track::points`] of the first point after it.
    pub place: usize,
    /// Whole days without a session.
    pub days: i64,
}

/// The gaps of `track`, in order. A time that can't be read is no end of one.
#[must_use]
pub fn gaps(history: &History, track: &Track) -> Vec<Gap> {
    let times: Vec<Option<i64>> =
        track.points.iter().map(|point| parse_ms(&history.session(point).started_at)).collect();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a calendar are below 2^53")]
    let distance = |two: &[Option<i64>]| Some((two[1]? - two[0]?) as f64);
    let distances: Vec<Option<f64>> = times.windows(2).map(distance).collect();
    let known: Vec<f64> = distances.iter().copied().flatten().collect();
    let Some(usual) = median(&known) else { return Vec::new() };
    let least = WEEK_MS.max(TIMES_USUAL * usual);
    let long = distances.iter().enumerate().filter(|(_, ms)| ms.is_some_and(|ms| ms >= least));
    #[expect(clippy::cast_possible_truncation, reason = "days between two dates of a calendar")]
    long.filter_map(|(before, ms)| {
        Some(Gap { place: before + 1, days: ((*ms)? / 86_400_000.0) as i64 })
    })
    .collect()
}
