//! Every change of level as a row, the largest first: what moved, by how much, between which commits.

use maud::{Markup, html};

use super::{super::table::scroll, anchor, commit, name};
use crate::{
    history::{Change, History},
    quantity::{counted, percent},
    text::visible,
};

/// Rows of the table; smaller changes stand with their tracks.
const MOST_ROWS: usize = 200;

pub(super) fn section(history: &History) -> Markup {
    let movers = history.movers();
    html! {
        section aria-labelledby="changes" {
            h2 id="changes" { "Changes of level" }
            @if movers.is_empty() {
                p { "None: where a change was looked for, no level was left for another." }
            } @else {
                (scroll("Changes of level", &html! {
                    table data-sort {
                        thead { tr {
                            th scope="col" { "Series" }
                            th.number scope="col" { "Change" }
                            th.number scope="col" { "95\u{a0}% interval" }
                            th scope="col" { "Last before" }
                            th scope="col" { "First after" }
                            th.number scope="col" { "Series that change there" }
                        } }
                        tbody { @for &(track, change) in movers.iter().take(MOST_ROWS) { (row(history, track, change)) } }
                    }
                }))
                @if movers.len() > MOST_ROWS {
                    p { (counted(movers.len() - MOST_ROWS, "smaller change stands", "smaller changes stand")) " with the series alone." }
                }
                p.note {
                    "Two of three detectors agree on each; its size is the difference of the trimmed means of the two levels, the "
                    "interval Yuen's. The commit that made it is one after the last before, up to the first after. Where many series "
                    "change at once, up and down, it was rather the machine than a commit."
                }
            }
        }
    }
}

fn row(history: &History, nth: usize, change: usize) -> Markup {
    let track = &history.tracks[nth];
    let change = &track.changes[change];
    let session = |place: usize| history.session(&track.points[place]);
    let together = history.together(track, change);
    let n_tracks = history.tracks.iter().filter(|other| other.class == track.class).count();
    let (before, after) = (session(change.last_good), session(change.first_bad));
    html! {
        tr data-name=(visible(&track.name())) {
            th.metric scope="row" data-value=(visible(&track.name())) { a href={ "#" (anchor(nth)) } { (name(history, track)) } }
            td.number data-value=(change.log_ratio) { (size(track.is_worse(change.log_ratio), change)) }
            td.number data-value=(change.interval_95.map_or_else(String::new, |(low, _)| low.to_string())) { (interval(change)) }
            td.session data-value=(visible(&before.started_at)) { (commit::session(history, before)) }
            td.session data-value=(visible(&after.started_at)) { (commit::session(history, after)) }
            td.number data-value=(together) { (together) " of " (n_tracks) }
        }
    }
}

/// `▲ +4.00 %`, with a word for who can't tell the colours.
pub(super) fn size(worse: bool, change: &Change) -> Markup {
    let (class, word) = if worse { ("fail", "worse") } else { ("pass", "better") };
    let sign = if change.log_ratio > 0.0 { "▲" } else { "▼" };
    html! { span class={ "change " (class) } { span aria-hidden="true" { (sign) " " } (percent(change.log_ratio)) " " small { (word) } } }
}

pub(super) fn interval(change: &Change) -> String {
    change.interval_95.map_or_else(
        || "–".to_owned(),
        |(low, high)| format!("{} … {}", percent(low), percent(high)),
    )
}
