//! The trend of a gated metric over the stored sessions of a bundle: context, which decides no verdict.
//!
//! In: history points, a workload, a metric. Out: a [`Trend`], with one line for people. Below [`MIN_SESSIONS`] there is none
//! yet. Points are as stored: the store has chosen one suite, model and machine, and no anchor adjusts them.

use baselines::evidence::HistoryPoint;

use super::{Change, Drift, Point, changes};
use crate::text::{change, plain};

/// Sessions from which on a trend is told: ten for the normal approximation of the drift test (`drift.rs`), and a step of
/// 4 SD needs five or six on both sides to be seen (docs/history.md).
pub const MIN_SESSIONS: usize = 12;

/// Of the shuffles: a trend is a function of the history alone.
const SEED: u64 = 1;

/// Characters of a commit.
const SHORT: usize = 12;

/// What the stored sessions say of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    /// Workload name.
    pub workload: String,
    /// Metric name.
    pub metric: String,
    /// Stored sessions that have it.
    pub n_sessions: usize,
    /// What was seen in them; `None` if they are too few.
    pub seen: Option<Seen>,
}

/// Changes and drift of a history that is long enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// All changes, in order.
    pub changes: Vec<Change>,
    /// Drift since the last of them; `None` if too few sessions are at that level.
    pub drift: Option<Drift>,
}

impl Trend {
    /// The trend of one metric over `history`.
    #[must_use]
    pub fn of(history: &[HistoryPoint], workload: &str, metric: &str) -> Self {
        let mut own: Vec<&HistoryPoint> = history
            .iter()
            .filter(|point| point.workload == workload && point.metric == metric)
            .collect();
        own.sort_by(|a, b| a.started_at.cmp(&b.started_at));
        let points: Vec<Point> = own.iter().map(|point| self::point(point)).collect();
        let seen = if points.len() < MIN_SESSIONS { None } else { Seen::of(&points) };
        Self {
            workload: workload.to_owned(),
            metric: metric.to_owned(),
            n_sessions: points.len(),
            seen,
        }
    }

    /// What was seen, in one line.
    #[must_use]
    pub fn text(&self) -> String {
        let n = self.n_sessions;
        match &self.seen {
            None if n < MIN_SESSIONS => format!("no trend yet ({n} of {MIN_SESSIONS} sessions)"),
            None => "no trend: a stored median is not positive".to_owned(),
            Some(seen) => format!("{}; {}", seen.level(n), seen.creep()),
        }
    }
}

impl Seen {
    /// `None` if a median is not positive.
    fn of(points: &[Point]) -> Option<Self> {
        let changes = changes(points, SEED)?;
        let first = changes.last().map_or(0, |change| change.place);
        let since: Vec<f64> = points[first..].iter().map(|point| point.value).collect();
        Some(Self { changes, drift: Drift::of(&since) })
    }

    /// Flat, or the last change.
    fn level(&self, n: usize) -> String {
        let Some(last) = self.changes.last() else { return format!("flat over {n} sessions") };
        let interval = last.interval_95.map_or_else(String::new, |(low, high)| {
            format!(" [{}, {}]", change(low), change(high))
        });
        let earlier = match self.changes.len() - 1 {
            0 => String::new(),
            earlier => format!(", {earlier} before it"),
        };
        format!(
            "last change {}{interval} between {} and {}, {} of {n} sessions ago{earlier}",
            change(last.log_ratio),
            plain(&last.last_good),
            plain(&last.first_bad),
            n - last.place,
        )
    }

    fn creep(&self) -> String {
        let Some(drift) = &self.drift else {
            return "too few sessions since to see a drift".to_owned();
        };
        let (low, high) = drift.interval_95;
        let slope = format!(
            "{} a session [{}, {}], p = {:.3}",
            fine(drift.slope),
            fine(low),
            fine(high),
            drift.p
        );
        if drift.is_significant() {
            format!("drifting by {slope}")
        } else {
            format!("no drift seen ({slope})")
        }
    }
}

/// A slope in percent: to a hundredth, since it adds up.
fn fine(log_ratio: f64) -> String {
    let percent = libm::expm1(log_ratio) * 100.0;
    format!("{:+.2} %", if percent.abs() < 0.005 { 0.0 } else { percent })
}

/// A median as a point, named by its commit, else by its record.
fn point(stored: &HistoryPoint) -> Point {
    let label = stored.commit.as_ref().map_or_else(
        || format!("record {}", stored.record.short()),
        |commit| commit.chars().take(SHORT).collect(),
    );
    Point { value: stored.median.ln(), label }
}
