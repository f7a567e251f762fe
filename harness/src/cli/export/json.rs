//! The history as one JSON document: `tritgate.history-export`, version 1.0.
//!
//! In: a history. Out: sessions and classes, and tracks whose points name them by place. A minor version adds fields, a major one breaks
//! readers. Characters that turn text about are escaped, so that no text of a record reaches a terminal as such.

use anyhow::{Context as _, Result};
use baselines::metric::Better;
use reports::{
    History,
    history::{Change, Class, LeftOut, Point, Session, Track},
};
use serde::Serialize;
use serde_json::json;

use crate::cli::visible::is_hidden;

const SCHEMA: &str = "tritgate.history-export";
const VERSION: &str = "1.0";

#[derive(Serialize)]
struct PointJson<'a> {
    session: usize,
    median: f64,
    low: f64,
    high: f64,
    processes: &'a [f64],
}

pub(super) fn text(history: &History) -> Result<String> {
    let document = json!({
        "schema": SCHEMA,
        "version": VERSION,
        "sessions": history.sessions.iter().map(session).collect::<Vec<_>>(),
        "classes": history.classes.iter().map(class).collect::<Vec<_>>(),
        "tracks": history.tracks.iter().map(track).collect::<Vec<_>>(),
        "left_out": history.left_out.iter().map(left_out).collect::<Vec<_>>(),
    });
    let text = serde_json::to_string(&document).context("failed to write the history as JSON")?;
    Ok(escaped(&text) + "\n")
}

fn session(session: &Session) -> serde_json::Value {
    json!({
        "record": session.record.to_string(), "started_at": session.started_at, "commit": session.commit,
        "subject": session.subject,
    })
}

fn class(class: &Class) -> serde_json::Value {
    json!({
        "digest": class.digest.to_string(), "cpu_model": class.cpu_model, "fingerprint": class.fingerprint.to_string(),
        "subject": class.subject, "n_sessions": class.n_sessions,
    })
}

fn track(track: &Track) -> serde_json::Value {
    let point = |point: &Point| PointJson {
        session: point.session,
        median: point.median,
        low: point.low,
        high: point.high,
        processes: track.processes_of(point),
    };
    json!({
        "workload": track.workload, "metric": track.metric, "definition": track.definition, "unit": track.unit.symbol(),
        "better": if track.better == Better::Lower { "lower" } else { "higher" }, "class": track.class,
        "points": track.points.iter().map(point).collect::<Vec<_>>(),
        "changes": track.changes.iter().map(change).collect::<Vec<_>>(),
        "not_searched": track.not_searched, "n_unusable": track.n_unusable,
    })
}

/// Places are those of points of the track.
fn change(change: &Change) -> serde_json::Value {
    json!({
        "place": change.place, "last_good": change.last_good, "first_bad": change.first_bad, "log_ratio": change.log_ratio,
        "interval_95": change.interval_95.map(|(low, high)| [low, high]),
    })
}

fn left_out(left_out: &LeftOut) -> serde_json::Value {
    json!({ "reason": left_out.reason, "n": left_out.n, "examples": left_out.examples })
}

/// Outside its strings JSON as written here has no such character.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if is_hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                text += &format!("\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_is_escaped_reads_back_as_it_was() {
        let text = "a\u{202e}\u{9b}\u{e0001}\u{2028}é\\";
        let json = serde_json::to_string(text).unwrap();
        let found = escaped(&json);
        assert!(found.chars().all(|c| c == 'é' || c.is_ascii_graphic()), "{found}");
        assert_eq!(serde_json::from_str::<String>(&found).unwrap(), text);
    }
}
