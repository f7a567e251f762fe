//! The trend of each track: chart, then the same in numbers.

use baselines::metric;
use maud::{Markup, html};

use super::{
    super::{figure, table::scroll},
    anchor,
    changes::{interval, size},
    class_name, commit,
};
use crate::{
    Result,
    chart::{
        self, Drawing,
        history::{DOC, Detail, draw},
    },
    history::{History, Level, Track, gaps, levels},
    quantity::{counted, grouped, percent, value},
    text::{self, visible},
};

/// Charts whose every step has a tip; of more, only changes have.
const MOST_TIPPED: usize = 40;

/// Specks of one page: about 2 MB. Where there would be more, none is drawn.
const MOST_SPECKS: usize = 20_000;

/// Charts of one page; the tables have the other tracks.
const MOST_CHARTS: usize = 200;

/// Latest sessions of a track that stand in its table one by one.
const LATEST: usize = 10;

/// One section per track, in their order.
pub(super) fn sections(history: &History) -> Result<Markup> {
    let detail = detail(history);
    let charted = charted(history);
    let sections = history
        .tracks
        .iter()
        .enumerate()
        .map(|(nth, track)| section(history, nth, track, charted[nth].then_some(detail)))
        .collect::<Result<Vec<_>>>()?;
    let n_left = charted.iter().filter(|charted| !**charted).count();
    Ok(html! {
        @if !sections.is_empty() {
            h2 id="trends" { "Trends" }
            p.note { (DOC) }
            @if n_left > 0 {
                p { (counted(n_left, "series has", "series have")) " no chart on this page, which holds " (MOST_CHARTS) ": those with changes, then those of most sessions. "
                    code { "bench report --workload TEXT" } " makes a page of fewer series." }
            }
            div.trends { @for section in &sections { (section) } }
        } @else {
            h2 id="trends" { "Trends" } p { "None." }
        }
    })
}

/// What the charts of this page can show: it stays below 5 MB.
fn detail(history: &History) -> Detail {
    let processes = history.tracks.iter().map(|track| track.processes.len());
    let n_specks: usize = processes.filter(|n| *n <= chart::history::MOST_SPECKS).sum();
    Detail { specks: n_specks <= MOST_SPECKS, tips: history.tracks.len() <= MOST_TIPPED }
}

/// Which tracks have a chart: those with changes first, then those of most sessions.
fn charted(history: &History) -> Vec<bool> {
    let mut order: Vec<usize> = (0..history.tracks.len()).collect();
    let track = |nth: &usize| &history.tracks[*nth];
    order.sort_by_key(|nth| {
        (track(nth).changes.is_empty(), std::cmp::Reverse(track(nth).points.len()), *nth)
    });
    let mut charted = vec![false; order.len()];
    for nth in order.into_iter().take(MOST_CHARTS) {
        charted[nth] = true;
    }
    charted
}

fn section(history: &History, nth: usize, track: &Track, detail: Option<Detail>) -> Result<Markup> {
    let id = anchor(nth);
    let title = format!("History of {}", visible(&track.name()));
    let drawing = detail.map(|detail| draw(history, track, detail)).transpose()?;
    Ok(html! {
        section.series data-name=(visible(&track.name())) aria-labelledby=(id) {
            h3 id=(id) { bdi { (visible(&track.workload)) "/" wbr; (visible(&track.metric)) } }
            p.sub {
                @if history.classes.len() > 1 { (class_name(history, track)) ". " }
                @if let Some(metric) = metric::find(&track.metric) { (metric.meaning) ". " }
                @if !track.definition.is_empty() { (text::cut(&track.definition, 200)) ". " }
                @if track.n_unusable > 0 {
                    strong { (counted(track.n_unusable, "session", "sessions")) " left out of the chart: " }
                    "not finite, negative or beyond any scale. "
                }
            }
            @match drawing {
                Some(Drawing::Picture(picture)) => figure { (figure::svg(&format!("{id}-chart"), &title, &picture)) },
                Some(Drawing::Nothing(reason)) => figure { p.nothing { "Nothing to draw: " (reason) "." } },
                None => p.nothing { "No chart on this page." },
            }
            (numbers(history, track))
        }
    })
}

/// What the chart shows, in numbers.
fn numbers(history: &History, track: &Track) -> Markup {
    let levels = levels(track);
    let gaps = gaps(history, track);
    html! {
        @if let Some(reason) = &track.not_searched { p.note { "No change was looked for: " (reason) "." } }
        @if let Some(reference) = &track.reference {
            p.note {
                "Baseline " code { (visible(&reference.name)) } ": "
                @if let Some(point) = track.points.get(reference.place) { (value(point.median, track.unit)) ", " (commit::session(history, history.session(point))) }
                @if let Some((m0, m1)) = reference.margins { "; margins " (percent(m0)) " and " (percent(m1)) }
                "."
            }
        }
        @for waiver in &track.waivers {
            p.note { "Waiver (" (visible(&waiver.state)) ") up to " (visible(&waiver.ceiling)) " until " (visible(&waiver.expires)) ", by " bdi { (visible(&waiver.owner)) } ": " bdi { (visible(&waiver.reason)) } }
        }
        @for gap in &gaps {
            p.note { "Nothing for " (counted(usize::try_from(gap.days).unwrap_or(0), "day", "days")) " before " (commit::session(history, history.session(&track.points[gap.place]))) "." }
        }
        details {
            summary { "In numbers" }
            (scroll("Levels", &html! {
                table {
                    thead { tr {
                        th scope="col" { "Level from" }
                        th scope="col" { "to" }
                        th.number scope="col" { "Sessions" }
                        th.number scope="col" { "Median" }
                        th.number scope="col" { "Change" }
                        th.number scope="col" { "95\u{a0}% interval" }
                    } }
                    tbody { @for level in &levels { (level_row(history, track, level)) } }
                }
            }))
            (scroll("Latest sessions", &html! {
                table {
                    thead { tr {
                        th scope="col" { "Session" }
                        th.number scope="col" { "Median" }
                        th.number scope="col" { "Interval of the median" }
                        th.number scope="col" { "Processes" }
                    } }
                    tbody { @for point in track.points.iter().rev().take(LATEST) {
                        tr {
                            th.session scope="row" { (commit::session(history, history.session(point))) }
                            td.number { (value(point.median, track.unit)) }
                            td.number { (value(point.low, track.unit)) " … " (value(point.high, track.unit)) }
                            td.number { (point.n_processes) }
                        }
                    } }
                }
            }))
            @if track.points.len() > LATEST {
                p.note { "The latest " (LATEST) " of " (grouped(track.points.len() as u64)) " sessions; " code { "bench export --csv" } " has them all." }
            }
        }
    }
}

fn level_row(history: &History, track: &Track, level: &Level) -> Markup {
    let at = |place: usize| commit::session(history, history.session(&track.points[place]));
    html! {
        tr {
            th.session scope="row" { (at(level.first)) }
            td.session { (at(level.last)) }
            td.number { (level.last + 1 - level.first) }
            td.number { (value(level.median, track.unit)) }
            td.number { @match &level.change { Some(change) => (size(track.is_worse(change.log_ratio), change)), None => "–" } }
            td.number { (level.change.as_ref().map_or_else(|| "–".to_owned(), interval)) }
        }
    }
}

/// One track's chart as a file of its own, in the light colours.
pub(crate) fn track_svg(history: &History, track: &Track) -> Result<String> {
    let title = format!("History of {}", visible(&track.name()));
    Ok(match draw(history, track, Detail { specks: true, tips: true })? {
        Drawing::Picture(picture) => figure::file(&title, &picture),
        Drawing::Nothing(reason) => figure::file(
            &title,
            &chart::Picture {
                body: String::new(),
                size: crate::theme::CHART_SIZE,
                description: format!("Nothing to draw: {reason}."),
                tips: Vec::new(),
            },
        ),
    })
}
