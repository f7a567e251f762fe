//! A history in 80 columns: a line for each track, the largest changes, what is not shown.
//! In: the history. Out: text with colour; without it (a pipe, `NO_COLOR`) the same columns and the same words.

use comfy_table::{ColumnConstraint, Row, Table};
use reports::{
    History,
    history::{Change, Point, Session, Track, spark},
};

use crate::cli::{
    table::{self, RESET, columns, count, percent},
    visible::visible,
};

/// Latest points that a line shows.
const SPARK: usize = 24;
/// Changes that are listed.
const MOVERS: usize = 10;
/// Lines that one reason for leaving something out takes.
const REASON_LINES: usize = 4;
const NONE: &str = "–";
const WORSE: &str = "\u{1b}[31m";
const BETTER: &str = "\u{1b}[32m";

/// A text that is coloured where it ends up in the table: the nth row's, and whether it is worse.
type Coloured = Vec<Option<(String, bool)>>;

pub(super) fn text(history: &History) -> String {
    let mut said = String::new();
    for (nth, class) in history.classes.iter().enumerate() {
        let tracks: Vec<&Track> =
            history.tracks.iter().filter(|track| track.class == nth).collect();
        if tracks.is_empty() {
            continue;
        }
        let number = number(history, nth);
        let heading = format!(
            "{number}{} on {}, {}",
            class.subject,
            class.cpu_model,
            count(class.n_sessions as u64, "session")
        );
        said += &columns(&visible(&heading), Some(1));
        said += &track_table(history, &tracks);
        said.push('\n');
    }
    if history.tracks.is_empty() {
        said += "no session to show\n";
    }
    said + &mover_table(history) + &left_out(history)
}

/// What names a class where there are several: `2: `.
fn number(history: &History, class: usize) -> String {
    if history.classes.len() > 1 { format!("{}: ", class + 1) } else { String::new() }
}

fn track_table(history: &History, tracks: &[&Track]) -> String {
    let latest = format!("latest {SPARK}");
    let mut listed = table::table(&["", &latest, "median", "change", "since"], 2..4);
    let mut coloured = Vec::new();
    for track in tracks {
        let change = track.changes.last();
        let change_text = change.map(|change| format!("{} %", percent(change.log_ratio)));
        let medians: Vec<f64> = track.points.iter().map(|point| point.median).collect();
        let since = change.and_then(|change| track.points.get(change.place));
        let last = track.points.last();
        add(
            &mut listed,
            [
                visible(&track.name()),
                spark(&medians, SPARK),
                last.map_or_else(|| NONE.to_owned(), |point| track.unit.text(point.median)),
                change_text.clone().unwrap_or_else(|| NONE.to_owned()),
                since.map_or_else(|| NONE.to_owned(), |point| day(session(history, point))),
            ],
        );
        coloured.push(change_text.zip(change.map(|change| track.is_worse(change.log_ratio))));
    }
    lines(&mut listed, &coloured)
}

fn mover_table(history: &History) -> String {
    let movers = history.movers();
    if movers.is_empty() {
        return String::new();
    }
    let header = ["largest changes", "change", "", "95 % interval", "commits", "when"];
    let mut listed = table::table(&header, 1..2);
    let mut coloured = Vec::new();
    for (track, nth) in movers.iter().take(MOVERS) {
        let track = &history.tracks[*track];
        let change = &track.changes[*nth];
        let is_worse = track.is_worse(change.log_ratio);
        let change_text = format!("{} %", percent(change.log_ratio));
        let interval = change.interval_95.map_or_else(
            || NONE.to_owned(),
            |(low, high)| format!("{}…{} %", percent(low), percent(high)),
        );
        add(
            &mut listed,
            [
                number(history, track.class) + &visible(&track.name()),
                change_text.clone(),
                if is_worse { "worse" } else { "better" }.to_owned(),
                interval,
                commits(history, track, change),
                track
                    .points
                    .get(change.place)
                    .map_or_else(|| NONE.to_owned(), |point| day(session(history, point))),
            ],
        );
        coloured.push(Some((change_text, is_worse)));
    }
    let rest = movers.len().saturating_sub(MOVERS);
    let mut said = lines(&mut listed, &coloured);
    if rest > 0 {
        said += &format!("and {}\n", count(rest as u64, "smaller change"));
    }
    said + "\n"
}

/// The last good and the first bad commit of a change.
fn commits(history: &History, track: &Track, change: &Change) -> String {
    let short = |place: usize| {
        let commit = session(history, track.points.get(place)?)?.commit.as_deref()?;
        Some(visible(commit).chars().take(7).collect::<String>())
    };
    let text = |place| short(place).unwrap_or_else(|| NONE.to_owned());
    format!("{}…{}", text(change.last_good), text(change.first_bad))
}

fn session<'a>(history: &'a History, point: &Point) -> Option<&'a Session> {
    history.sessions.get(point.session)
}

fn day(session: Option<&Session>) -> String {
    let day = session.and_then(|session| session.started_at.get(..10));
    day.map_or_else(|| NONE.to_owned(), visible)
}

/// A row whose name alone is cut where there is no room.
fn add<const N: usize>(listed: &mut Table, cells: [String; N]) {
    let mut row = Row::from(cells);
    row.max_height(1);
    listed.add_row(row);
}

/// The lines of a table with a header, each row's change in its colour.
fn lines(listed: &mut Table, coloured: &Coloured) -> String {
    for column in listed.column_iter_mut().skip(1) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    let text = table::text(listed);
    let (header, rows) = text.split_once('\n').unwrap_or((&text, ""));
    let mut said = format!("{header}\n");
    for (line, coloured) in rows.lines().zip(coloured) {
        said += &match coloured {
            Some((change, is_worse)) => paint(line, change, *is_worse),
            None => line.to_owned(),
        };
        said.push('\n');
    }
    said
}

/// `line` with its last `part` in colour: what is before it is a name, which may hold anything.
fn paint(line: &str, part: &str, is_worse: bool) -> String {
    let Some(at) = line.rfind(part) else { return line.to_owned() };
    let colour = if is_worse { WORSE } else { BETTER };
    let (before, after) = (&line[..at], &line[at + part.len()..]);
    format!("{before}{colour}{part}{RESET}{after}")
}

/// What no track shows, by reason; and why tracks have no change.
fn left_out(history: &History) -> String {
    let mut said = String::new();
    let mut reasons: Vec<(&str, u64)> = Vec::new();
    for why in history.tracks.iter().filter_map(|track| track.not_searched.as_deref()) {
        match reasons.iter_mut().find(|(reason, _)| *reason == why) {
            Some((_, n)) => *n += 1,
            None => reasons.push((why, 1)),
        }
    }
    for (why, n) in reasons {
        said += &columns(&format!("no change looked for in {}: {why}", count(n, "track")), None);
    }
    let n_unusable: usize = history.tracks.iter().map(|track| track.n_unusable).sum();
    if n_unusable > 0 {
        said +=
            &format!("left out: {}\n", count(n_unusable as u64, "value that no chart can show"));
    }
    for left_out in &history.left_out {
        let example = left_out.examples.first().map_or("", String::as_str);
        let line = format!("left out: {}: {}, e.g. {example}", left_out.reason, left_out.n);
        said += &columns(&visible(&line), Some(REASON_LINES));
    }
    said
}
