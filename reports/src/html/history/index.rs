//! Every series at a glance: where it stands now, against its baseline, and what moved last.

use maud::{Markup, html};

use super::{super::table::scroll, anchor, changes::size, name};
use crate::{
    history::{History, Track, levels},
    quantity::{grouped, percent, value},
    text::visible,
};

pub(super) fn section(history: &History) -> Markup {
    html! {
        section aria-labelledby="series" {
            h2 id="series" { "Series" }
            @if history.tracks.is_empty() {
                p { "None." }
            } @else {
                (scroll("Series", &html! {
                    table data-sort {
                        thead { tr {
                            th scope="col" { "Series" }
                            th.number scope="col" { "Sessions" }
                            th.number scope="col" { "Latest" }
                            th.number scope="col" { "Level" }
                            th.number scope="col" { "Against baseline" }
                            th.number scope="col" { "Last change" }
                            th scope="col" { "Since" }
                        } }
                        tbody { @for (nth, track) in history.tracks.iter().enumerate() { (row(history, nth, track)) } }
                    }
                }))
                p.note { "Latest: median of the last session. Level: median of the sessions since the last change. Against baseline: level ÷ the baseline's own session." }
            }
        }
    }
}

fn row(history: &History, nth: usize, track: &Track) -> Markup {
    let levels = levels(track);
    let level = levels.last().map(|level| level.median);
    let latest = track.points.last().map(|point| point.median);
    let against = against(track, level);
    let change = track.changes.last();
    let since = levels.last().map(|level| &history.session(&track.points[level.first]).started_at);
    let number = |x: Option<f64>| x.map_or_else(String::new, |x| x.to_string());
    let text = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), |x| value(x, track.unit));
    html! {
        tr data-name=(visible(&track.name())) {
            th.metric scope="row" data-value=(visible(&track.name())) { a href={ "#" (anchor(nth)) } { (name(history, track)) } }
            td.number data-value=(track.points.len()) { (grouped(track.points.len() as u64)) }
            td.number data-value=(number(latest)) { (text(latest)) }
            td.number data-value=(number(level)) { (text(level)) }
            td.number data-value=(number(against)) { (against.map_or_else(|| "–".to_owned(), percent)) }
            td.number data-value=(number(change.map(|change| change.log_ratio))) {
                @match change { Some(change) => (size(track.is_worse(change.log_ratio), change)), None => "–" }
            }
            td.when data-value=(since.map_or_else(String::new, |at| visible(at))) { (since.map_or_else(String::new, |at| visible(&at.chars().take(10).collect::<String>()))) }
        }
    }
}

/// log(level / baseline), where there is one and both are above zero.
fn against(track: &Track, level: Option<f64>) -> Option<f64> {
    let base = track.points.get(track.reference.as_ref()?.place)?.median;
    let level = level?;
    (base > 0.0 && level > 0.0).then(|| libm::log(level / base))
}
