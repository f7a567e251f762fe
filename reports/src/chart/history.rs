//! The history of one track: medians with their interval, the levels between changes, baseline and margins.
//! In: a track of a history. Out: sessions from left to right, each the same width, value upwards.

use std::ops::Range;

use baselines::quantile::median;

use super::{
    Drawing, Picture, Tip,
    axis::{Axis, to_f64},
    canvas::{Align, Canvas, Margins, Marker, svg},
};
use crate::{
    Result,
    history::{Change, History, Level, Track, gaps, levels, thin},
    quantity::{Scale, counted, percent, value},
    text::visible,
    theme::{CHART_SIZE, Role},
};

const MARGINS: Margins = Margins { top: 28, bottom: 40, left: 52, right: 10 };

/// Up to here every session has its own mark.
const MOST_MARKS: usize = 60;

/// Up to here every process has its speck.
pub(crate) const MOST_SPECKS: usize = 800;

/// Pixels that a character of a label takes, about.
const CHARACTER_PX: i32 = 7;

/// How to read it.
pub(crate) const DOC: &str = "Line and marks: each session's median over its processes; specks: the processes; band: the interval of \
     the median. Black steps: levels between changes; ▲ and ▼ above: a change to more or less, with its size. Diamonds below: the \
     baseline was recorded or moved. Blue line: the baseline; beyond the unacceptable margin is shaded. Orange triangle: the \
     session of this page. Grey line from top to bottom: a gap in time. Of more than 160 sessions, neighbours are drawn as one step: its line is the \
     median of their medians, its band reaches from their least to their most, and none reaches over a change. The axis doesn't \
     start at zero.";

/// How much of a track is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    /// Specks for processes, where there are few enough.
    pub(crate) specks: bool,
    /// A text for each group of sessions; else only for changes.
    pub(crate) tips: bool,
}

/// What is drawn, gathered once.
struct Scene<'a> {
    history: &'a History,
    track: &'a Track,
    groups: Vec<Group>,
    levels: Vec<Level>,
    gaps: Vec<usize>,
    y: Axis,
}

/// Sessions drawn as one.
struct Group {
    places: Range<usize>,
    median: f64,
    low: f64,
    high: f64,
}

/// Draws `track`.
pub(crate) fn draw(history: &History, track: &Track, detail: Detail) -> Result<Drawing> {
    let Some(scene) = Scene::of(history, track) else {
        return Ok(Drawing::Nothing("no session has a value that can be drawn".to_owned()));
    };
    let mut tips = Vec::new();
    let body =
        svg(MARGINS, Axis { low: 0.0, high: to_f64(track.points.len()) }, scene.y, |canvas| {
            let scale = Scale::of(track.unit, scene.y.high);
            scene.draw_margins(canvas)?;
            canvas.value_axis(&scene.y.ticks(6, scale.divisor), scale.suffix)?;
            scene.draw_band(canvas)?;
            if detail.specks {
                scene.draw_specks(canvas)?;
            }
            scene.draw_reference(canvas)?;
            scene.draw_medians(canvas)?;
            scene.draw_levels(canvas)?;
            scene.draw_changes(canvas)?;
            scene.draw_events(canvas)?;
            scene.draw_dates(canvas)?;
            tips = scene.tips(canvas, detail);
            Ok(())
        })?;
    Ok(Drawing::Picture(Picture { body, size: CHART_SIZE, description: scene.describe(), tips }))
}

impl<'a> Scene<'a> {
    fn of(history: &'a History, track: &'a Track) -> Option<Self> {
        let gaps: Vec<usize> = gaps(history, track).iter().map(|gap| gap.place).collect();
        let bounds: Vec<usize> =
            track.changes.iter().map(|change| change.place).chain(gaps.iter().copied()).collect();
        let groups: Vec<Group> = thin::groups(track.points.len(), &bounds)
            .into_iter()
            .filter_map(|places| Group::of(track, places))
            .collect();
        let reference = track.reference.as_ref().and_then(|r| track.points.get(r.place));
        let values = groups.iter().flat_map(|group| [group.low, group.high]);
        let y = Axis::of_values(values.chain(reference.map(|point| point.median)))?;
        Some(Self { history, track, groups, levels: levels(track), gaps, y })
    }

    /// Groups that nothing divides: no change, no gap.
    fn stretches(&self) -> Vec<&[Group]> {
        self.groups
            .chunk_by(|_, next| {
                let start = next.places.start;
                let changes = self.track.changes.iter().map(|change| change.place);
                !self.gaps.iter().copied().chain(changes).any(|place| place == start)
            })
            .collect()
    }

    fn draw_margins(&self, canvas: &Canvas<'_>) -> Result<()> {
        let Some((point, (_, m1))) = self.reference() else { return Ok(()) };
        let (left, right) = (0.0, to_f64(self.track.points.len()));
        let bound = point * libm::exp(self.signed(m1));
        let end = if self.track.is_worse(1.0) { self.y.high } else { self.y.low };
        if (end - bound) * (end - point) > 0.0 && (self.y.low..=self.y.high).contains(&bound) {
            canvas.rectangle((left, end), (right, bound), Role::Zone)?;
            canvas.path(vec![(left, bound), (right, bound)], Role::Fail, 1)?;
        }
        Ok(())
    }

    /// Value and margins of the baseline, where a policy gates the series.
    fn reference(&self) -> Option<(f64, (f64, f64))> {
        let reference = self.track.reference.as_ref()?;
        Some((self.track.points.get(reference.place)?.median, reference.margins?))
    }

    /// A margin towards what is worse.
    fn signed(&self, margin: f64) -> f64 {
        if self.track.is_worse(1.0) { margin } else { -margin }
    }

    fn draw_reference(&self, canvas: &Canvas<'_>) -> Result<()> {
        let Some(reference) = &self.track.reference else { return Ok(()) };
        let Some(point) = self.track.points.get(reference.place) else { return Ok(()) };
        let right = to_f64(self.track.points.len());
        canvas.path(vec![(0.0, point.median), (right, point.median)], Role::Base, 1)
    }

    fn draw_band(&self, canvas: &Canvas<'_>) -> Result<()> {
        for stretch in self.stretches() {
            let above = stretch.iter().map(|group| (group.x(), group.high));
            let below = stretch.iter().rev().map(|group| (group.x(), group.low));
            match stretch {
                [one] => {
                    canvas.path(vec![(one.x(), one.low), (one.x(), one.high)], Role::Band, 4)?;
                }
                _ => canvas.area(above.chain(below).collect(), Role::Band)?,
            }
        }
        Ok(())
    }

    fn draw_specks(&self, canvas: &Canvas<'_>) -> Result<()> {
        if self.track.processes.len() > MOST_SPECKS {
            return Ok(());
        }
        for (place, point) in self.track.points.iter().enumerate() {
            for process in self.track.processes_of(point) {
                canvas.point((to_f64(place) + 0.5, *process), Marker::Speck, Role::Faint)?;
            }
        }
        Ok(())
    }

    fn draw_medians(&self, canvas: &Canvas<'_>) -> Result<()> {
        for stretch in self.stretches().into_iter().filter(|stretch| stretch.len() > 1) {
            let line = stretch.iter().map(|group| (group.x(), group.median)).collect();
            canvas.path(line, Role::Muted, 1)?;
        }
        for (place, point) in self.track.points.iter().enumerate() {
            let at = (to_f64(place) + 0.5, point.median);
            if self.history.session(point).is_current {
                canvas.point(at, Marker::Triangle, Role::Head)?;
            } else if self.track.points.len() <= MOST_MARKS {
                canvas.point(at, Marker::Disc, Role::Muted)?;
            }
        }
        Ok(())
    }

    fn draw_levels(&self, canvas: &Canvas<'_>) -> Result<()> {
        if self.track.changes.is_empty() {
            return Ok(());
        }
        for level in &self.levels {
            let ends = (to_f64(level.first), to_f64(level.last + 1));
            canvas.path(vec![(ends.0, level.median), (ends.1, level.median)], Role::Ink, 2)?;
        }
        Ok(())
    }

    fn draw_changes(&self, canvas: &Canvas<'_>) -> Result<()> {
        for gap in &self.gaps {
            canvas.vertical(to_f64(*gap), Role::Grid, 3)?;
        }
        let mut changes: Vec<&Change> = self.track.changes.iter().collect();
        for change in &changes {
            canvas.vertical(to_f64(change.place), self.role(change), 1)?;
            let at = (canvas.px((to_f64(change.place), self.y.high)).0, canvas.y_px.start - 4);
            let marker = if change.log_ratio > 0.0 { Marker::Up } else { Marker::Down };
            canvas.point_px(at, marker, self.role(change))?;
        }
        // The largest first: a label that would cover another is left to the table.
        changes.sort_by(|a, b| b.log_ratio.abs().total_cmp(&a.log_ratio.abs()));
        // The unit stands at the left end of the row.
        let unit = 0..canvas.x_px.start + 4;
        let mut taken = Vec::from([unit]);
        for change in changes {
            let label = percent(change.log_ratio);
            let half = i32::try_from(label.chars().count()).unwrap_or(0) * CHARACTER_PX / 2 + 2;
            let at = canvas.px((to_f64(change.place), self.y.high)).0;
            let at = at.min(canvas.x_px.end - half);
            let room = at - half..at + half;
            if taken.iter().all(|other| room.end <= other.start || other.end <= room.start) {
                canvas.text_px(
                    &label,
                    (at, canvas.y_px.start - 18),
                    Align::Center,
                    self.role(change),
                )?;
                taken.push(room);
            }
        }
        Ok(())
    }

    fn role(&self, change: &Change) -> Role {
        if self.track.is_worse(change.log_ratio) { Role::Fail } else { Role::Pass }
    }

    /// Where a baseline was recorded or moved.
    fn draw_events(&self, canvas: &Canvas<'_>) -> Result<()> {
        let mut drawn = None;
        for place in self.moved_at() {
            let (x, y) = (canvas.px((to_f64(place) + 0.5, self.y.low)).0, canvas.y_px.end);
            if drawn != Some(x) {
                canvas.point_px((x, y), Marker::Diamond, Role::Base)?;
            }
            drawn = Some(x);
        }
        Ok(())
    }

    /// Places of the records that a baseline was moved to, in order.
    fn moved_at(&self) -> Vec<usize> {
        let moves = self.history.events.iter().filter(|event| event.moves);
        let of_track =
            |session| self.track.points.binary_search_by_key(&session, |p| p.session).ok();
        let mut places: Vec<usize> = moves.filter_map(|event| of_track(event.session?)).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    fn draw_dates(&self, canvas: &Canvas<'_>) -> Result<()> {
        let n = self.track.points.len();
        let (left, right) = (canvas.x_px.start, canvas.x_px.end);
        let (row_1, row_2) = (canvas.y_px.end + 16, canvas.y_px.end + 32);
        let (first, last) = (self.day(0), self.day(n - 1));
        if first == last {
            canvas.text_px(
                &first,
                (i32::midpoint(left, right), row_1),
                Align::Center,
                Role::Muted,
            )?;
        } else {
            canvas.text_px(&first, (left, row_1), Align::Left, Role::Muted)?;
            canvas.text_px(&last, (right, row_1), Align::Right, Role::Muted)?;
        }
        let label = self.n_sessions();
        canvas.text_px(&label, (i32::midpoint(left, right), row_2), Align::Center, Role::Muted)
    }

    /// `40 sessions`; of more than are drawn one by one, `1,000 sessions, each step up to 7`.
    fn n_sessions(&self) -> String {
        let sessions = counted(self.track.points.len(), "session", "sessions");
        match self.groups.iter().map(|group| group.places.len()).max() {
            Some(most) if most > 1 => format!("{sessions}, each step up to {most}"),
            _ => sessions,
        }
    }

    fn day(&self, place: usize) -> String {
        day(self.history, self.track, place)
    }

    fn tips(&self, canvas: &Canvas<'_>, detail: Detail) -> Vec<Tip> {
        let (top, height) = (canvas.y_px.start, canvas.y_px.end - canvas.y_px.start);
        let x = |place: usize| canvas.px((to_f64(place), self.y.low)).0;
        let of_group = |group: &Group| {
            let (left, right) = (x(group.places.start), x(group.places.end));
            Tip { at: (left, top, (right - left).max(1), height), text: self.text_of(group) }
        };
        let of_change = |change: &Change| {
            let text = format!(
                "{} {}",
                percent(change.log_ratio),
                range(self.history, self.track, change)
            );
            Tip { at: (x(change.place) - 6, 0, 12, top), text }
        };
        let groups = self.groups.iter().filter(|_| detail.tips).map(of_group);
        groups.chain(self.track.changes.iter().map(of_change)).collect()
    }

    fn text_of(&self, group: &Group) -> String {
        let figures = format!(
            "{} ({} … {})",
            value(group.median, self.track.unit),
            value(group.low, self.track.unit),
            value(group.high, self.track.unit)
        );
        let (first, last) = (group.places.start, group.places.end - 1);
        if first == last {
            let point = &self.track.points[first];
            let processes = counted(point.n_processes, "process", "processes");
            format!("{}: {figures}, {processes}", place_name(self.history, self.track, first))
        } else {
            let n = counted(group.places.len(), "session", "sessions");
            format!("{} to {}: {figures}, {n}", self.day(first), self.day(last))
        }
    }

    fn describe(&self) -> String {
        let track = self.track;
        let n = track.points.len();
        let mut parts = vec![format!(
            "{} from {} to {}, the latest with median {}.",
            counted(n, "session", "sessions"),
            self.day(0),
            self.day(n - 1),
            value(track.points[n - 1].median, track.unit)
        )];
        parts.push(match (&track.not_searched, track.changes.as_slice()) {
            (Some(reason), _) => format!("No change was looked for: {reason}."),
            (None, []) => "No change of level.".to_owned(),
            (None, changes) => {
                let all: Vec<String> = changes
                    .iter()
                    .map(|c| format!("{} {}", percent(c.log_ratio), range(self.history, track, c)))
                    .collect();
                format!("{}: {}.", counted(changes.len(), "change", "changes"), all.join("; "))
            }
        });
        if let Some(reference) = &track.reference {
            parts.push(format!("Baseline {}: {}.", visible(&reference.name), {
                track
                    .points
                    .get(reference.place)
                    .map_or_else(|| "no value".to_owned(), |point| value(point.median, track.unit))
            }));
        }
        parts.join(" ")
    }
}

impl Group {
    /// `None` where a value has no place in an order.
    fn of(track: &Track, places: Range<usize>) -> Option<Self> {
        let points = track.points.get(places.clone())?;
        let medians: Vec<f64> = points.iter().map(|point| point.median).collect();
        Some(Self {
            places,
            median: median(&medians)?,
            low: points.iter().map(|point| point.low).fold(f64::INFINITY, f64::min),
            high: points.iter().map(|point| point.high).fold(f64::NEG_INFINITY, f64::max),
        })
    }

    fn x(&self) -> f64 {
        f64::midpoint(to_f64(self.places.start), to_f64(self.places.end))
    }
}

/// The day of a point's session, `2026-01-31`.
pub(crate) fn day(history: &History, track: &Track, place: usize) -> String {
    let point = &track.points[place];
    visible(&history.session(point).started_at.chars().take(10).collect::<String>())
}

/// A point's session as people name it: its day and commit.
pub(crate) fn place_name(history: &History, track: &Track, place: usize) -> String {
    let session = history.session(&track.points[place]);
    let commit = session.commit.as_deref().map_or_else(String::new, |commit| {
        format!(", {}", visible(&commit.chars().take(12).collect::<String>()))
    });
    format!("{}{commit}", day(history, track, place))
}

/// `after 2026-01-30, 0a1b2c, by 2026-01-31, 3d4e5f`: the sessions that a change lies between.
pub(crate) fn range(history: &History, track: &Track, change: &Change) -> String {
    format!(
        "after {}, by {}",
        place_name(history, track, change.last_good),
        place_name(history, track, change.first_bad)
    )
}
