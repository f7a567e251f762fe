//! The history as Markdown: a table of the tracks, one of the largest changes, what is not shown.
//! In: a history. Out: text. No name of a record draws a cell, a link, a tag or a heading.

use reports::{
    History,
    history::{Session, Track, spark},
};

use crate::cli::{
    table::{count, percent},
    visible::visible,
};

/// Latest points that a row shows.
const SPARK: usize = 24;
/// Changes that are listed.
const MOVERS: usize = 50;
const NONE: &str = "–";

pub(super) fn text(history: &History) -> String {
    let mut said = format!(
        "{} of {}\n\n| track | machine | sessions | latest {SPARK} | median | last change | since |\n|---|---|---:|---|---:|---:|---|\n",
        count(history.tracks.len() as u64, "track"),
        count(history.sessions.len() as u64, "session"),
    );
    for track in &history.tracks {
        said += &row(&track_cells(history, track));
    }
    if !history.movers().is_empty() {
        said += "\n| largest changes | machine | change | 95 % interval | last good | first bad | when | subject |\n";
        said += "|---|---|---:|---|---|---|---|---|\n";
    }
    for (track, nth) in history.movers().into_iter().take(MOVERS) {
        said += &row(&mover_cells(history, &history.tracks[track], nth));
    }
    if !history.left_out.is_empty() {
        said.push('\n');
    }
    for left_out in &history.left_out {
        said += &format!("- left out: {}: {}\n", harmless(&left_out.reason), left_out.n);
    }
    said
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn track_cells(history: &History, track: &Track) -> [String; 7] {
    let medians: Vec<f64> = track.points.iter().map(|point| point.median).collect();
    let change = track.changes.last();
    let since = change.and_then(|change| session(history, track, change.place));
    [
        harmless(&track.name()),
        machine(history, track),
        track.points.len().to_string(),
        spark(&medians, SPARK),
        medians.last().map_or_else(|| NONE.to_owned(), |median| track.unit.text(*median)),
        change.map_or_else(|| NONE.to_owned(), |change| format!("{} %", percent(change.log_ratio))),
        day(since),
    ]
}

fn mover_cells(history: &History, track: &Track, nth: usize) -> [String; 8] {
    let change = &track.changes[nth];
    let at = |place| session(history, track, place);
    let commit = |place| {
        let commit = at(place).and_then(|session| session.commit.as_deref());
        let short = commit.map(|commit| harmless(&commit.chars().take(12).collect::<String>()));
        short.unwrap_or_else(|| NONE.to_owned())
    };
    let subject = at(change.first_bad).and_then(|session| session.subject.as_deref());
    [
        harmless(&track.name()),
        machine(history, track),
        format!("{} %", percent(change.log_ratio)),
        change.interval_95.map_or_else(
            || NONE.to_owned(),
            |(low, high)| format!("{}…{} %", percent(low), percent(high)),
        ),
        commit(change.last_good),
        commit(change.first_bad),
        day(at(change.place)),
        subject.map_or_else(|| NONE.to_owned(), harmless),
    ]
}

fn machine(history: &History, track: &Track) -> String {
    let class = &history.classes[track.class];
    harmless(&format!("{}, {}", class.cpu_model, class.subject))
}

fn session<'a>(history: &'a History, track: &Track, place: usize) -> Option<&'a Session> {
    Some(history.session(track.points.get(place)?))
}

fn day(session: Option<&Session>) -> String {
    let day = session.and_then(|session| session.started_at.get(..10));
    day.unwrap_or(NONE).to_owned()
}

/// Text of a record as Markdown that says nothing but itself.
fn harmless(text: &str) -> String {
    // A mention, an entity, an emphasis and a link that needs no brackets are among what `plain` leaves. Names are full of `_`.
    let plain = gates::plain(&visible(text)).replace(['@', '&', '~', '\\'], "·");
    plain.replace('_', "\\_").replace("://", "·//")
}
