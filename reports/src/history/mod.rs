//! The history of a store as the page shows it: sessions in time, and a track for each series of one class of machine.
//!
//! In: made by `harness` from many records; the changes and margins by `gates`. This crate judges nothing. Out: what the charts,
//! the tables, the terminal and the exports are drawn from, so that they can't disagree.

mod gaps;
mod levels;
mod spark;
pub mod thin;

use baselines::{Digest, metric::Better, unit::Unit};

pub use baselines::interval::{Interval, interval};
pub use gaps::{Gap, gaps};
pub use levels::{Level, levels};
pub use spark::spark;

/// Many records, in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Every session whose record was read, oldest first.
    pub sessions: Vec<Session>,
    /// What may be compared with what: a machine, and how the subject ran on it.
    pub classes: Vec<Class>,
    /// One per workload, metric and class, in the order of their names; of equal names, the class with the latest session first.
    pub tracks: Vec<Track>,
    /// What was done to baselines, oldest first.
    pub events: Vec<Event>,
    /// What was measured of the verdicts' error rates on these machines.
    pub calibrations: Vec<Calibration>,
    /// Records that the store has and no track shows, by reason.
    pub left_out: Vec<LeftOut>,
    /// What `COMMIT` is appended to for a link, where the repository has a page for each commit: `https://…/commit/`.
    pub commit_url: Option<String>,
    /// The command line that makes this page again.
    pub command: String,
}

/// One session: one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the record.
    pub record: Digest,
    /// Start (UTC).
    pub started_at: String,
    /// Commit under test, where the record knows it.
    pub commit: Option<String>,
    /// First line of the commit's message, where the repository was at hand.
    pub subject: Option<String>,
    /// The head of the session that this page is about, beside the store's own.
    pub is_current: bool,
}

/// What must be equal for two times to be comparable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Names the class: SHA-256 over all of it.
    pub digest: Digest,
    /// The machine's processor.
    pub cpu_model: String,
    /// SHA-256 of the machine.
    pub fingerprint: Digest,
    /// Model and settings, or the command, in words.
    pub subject: String,
    /// Sessions of this class.
    pub n_sessions: usize,
}

/// One metric of one workload in one class, over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Workload name.
    pub workload: String,
    /// Metric name.
    pub metric: String,
    /// Kind and parameters of the workload: `decode, iterations 8, tokens 64`. Another definition is another track.
    pub definition: String,
    /// Base unit of all values.
    pub unit: Unit,
    /// Which direction is better.
    pub better: Better,
    /// Place in [`History::classes`].
    pub class: usize,
    /// In the order of time, one per session that has the series.
    pub points: Vec<Point>,
    /// The medians of all processes: of the points one after the other.
    pub processes: Vec<f64>,
    /// Where the level changed, in order.
    pub changes: Vec<Change>,
    /// Why no change was looked for, if none was.
    pub not_searched: Option<String>,
    /// The baseline, where one is set and its record has the series.
    pub reference: Option<Reference>,
    /// Margins that are lifted for a while.
    pub waivers: Vec<Waiver>,
    /// Points left out because no chart can show them: not finite, negative or absurdly large.
    pub n_unusable: usize,
}

/// One session's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Place in [`History::sessions`].
    pub session: usize,
    /// Median of the process medians, base units.
    pub median: f64,
    /// Lower end of the interval of the median ([`interval`]).
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Its processes are `processes[first_process..]`, so many of them.
    pub first_process: usize,
    /// Number of processes.
    pub n_processes: usize,
}

/// A level that was left for another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Place in [`Track::points`] of the first point at the new level.
    pub place: usize,
    /// Place of the last point that every voter puts before the change.
    pub last_good: usize,
    /// Place of the first point that every voter puts after it.
    pub first_bad: usize,
    /// log(new level / old level).
    pub log_ratio: f64,
    /// Its 95 % interval.
    pub interval_95: Option<(f64, f64)>,
}

/// The level that a stored baseline stands for, with what the policy allows beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Name of the baseline.
    pub name: String,
    /// Place of its record in [`Track::points`].
    pub place: usize,
    /// The negligible and the unacceptable margin, as log ratios; `None` where no policy gates the series.
    pub margins: Option<(f64, f64)>,
}

/// A margin that somebody has lifted for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// Why.
    pub reason: String,
    /// Who accepts it.
    pub owner: String,
    /// Last day of its force.
    pub expires: String,
    /// `in force`, `expired`, …
    pub state: String,
    /// The lifted margin, in words: `+20 %`.
    pub ceiling: String,
}

/// What was done to a baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Name of the baseline.
    pub baseline: String,
    /// `record`, `promote`, `expire`, …
    pub action: String,
    /// Whether the name points at the record from here on.
    pub moves: bool,
    /// Place in [`History::sessions`] of its record; `None` where the record was not read.
    pub session: Option<usize>,
    /// SHA-256 of the record.
    pub record: Digest,
    /// When (UTC).
    pub at: String,
    /// Why, as the journal has it.
    pub reason: String,
    /// Who wrote it, and who stands for it.
    pub by: String,
}

/// How often a verdict is wrong on one machine, as `bench calibrate` measured it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// SHA-256 of the machine.
    pub machine: String,
    /// Its processor.
    pub cpu_model: String,
    /// When it was measured (UTC).
    pub ended_at: String,
    /// Whether every demand on the rates was met.
    pub holds: bool,
    /// One line for each slow-down that was planted, and for a build with itself.
    pub rates: Vec<String>,
}

/// Records that were not shown, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Why, as a phrase.
    pub reason: String,
    /// How many.
    pub n: usize,
    /// Some of them, by name, with what the reader said.
    pub examples: Vec<String>,
}

impl Track {
    /// The processes of one of its points.
    #[must_use]
    pub fn processes_of(&self, point: &Point) -> &[f64] {
        let end = point.first_process + point.n_processes;
        self.processes.get(point.first_process..end).unwrap_or_default()
    }

    /// Whether a log ratio above 0 is worse.
    #[must_use]
    pub fn is_worse(&self, log_ratio: f64) -> bool {
        match self.better {
            Better::Lower => log_ratio > 0.0,
            Better::Higher => log_ratio < 0.0,
        }
    }

    /// `workload/metric`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.workload, self.metric)
    }
}

impl History {
    /// The session of a point.
    #[must_use]
    pub fn session(&self, point: &Point) -> &Session {
        &self.sessions[point.session]
    }

    /// How many tracks of its class change together with a change of `track`, that one among them: whose change may lie between
    /// the same two sessions. Many at once are rather the machine's doing than one commit's.
    #[must_use]
    pub fn together(&self, track: &Track, change: &Change) -> usize {
        let span = |track: &Track, change: &Change| {
            (track.points[change.last_good].session, track.points[change.first_bad].session)
        };
        let (after, before) = span(track, change);
        let meets = |other: &Track| {
            other.changes.iter().any(|change| {
                let (first, last) = span(other, change);
                first < before && after < last
            })
        };
        self.tracks.iter().filter(|other| other.class == track.class && meets(other)).count()
    }

    /// Every change of every track: `(track, change)` by place, the largest first; of equal size, the later.
    #[must_use]
    pub fn movers(&self) -> Vec<(usize, usize)> {
        let mut movers: Vec<(usize, usize)> = self
            .tracks
            .iter()
            .enumerate()
            .flat_map(|(track, found)| (0..found.changes.len()).map(move |change| (track, change)))
            .collect();
        let change = |&(track, nth): &(usize, usize)| &self.tracks[track].changes[nth];
        let when = |of: &(usize, usize)| self.tracks[of.0].points[change(of).place].session;
        movers.sort_by(|a, b| {
            let sizes = (change(b).log_ratio.abs(), change(a).log_ratio.abs());
            sizes.0.total_cmp(&sizes.1).then_with(|| when(b).cmp(&when(a))).then_with(|| a.cmp(b))
        });
        movers
    }
}
