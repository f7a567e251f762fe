//! The history as CSV (RFC 4180): one row for each point of each track.
//!
//! In: a history. Out: a header and rows, lines ended by CR LF. Numbers are written so that they read back as they were. A text that
//! begins with `=`, `+`, `-`, `@`, their full-width forms, a tab or a line break would be run as a formula by a spreadsheet: an apostrophe before it makes it
//! text there. Control characters and those that turn text about are spelt out.

use anyhow::{Context as _, Result};
use csv::{Terminator, WriterBuilder};
use reports::{
    History,
    history::{Point, Track},
};

use crate::cli::visible::visible;

const HEADER: [&str; 15] = [
    "workload",
    "metric",
    "unit",
    "class",
    "cpu_model",
    "started_at",
    "commit",
    "record",
    "median",
    "low",
    "high",
    "n_processes",
    "is_change",
    "change_log_ratio",
    "definition",
];

pub(super) fn text(history: &History) -> Result<String> {
    let failed = "failed to write the history as CSV";
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(HEADER).context(failed)?;
    for track in &history.tracks {
        for (place, point) in track.points.iter().enumerate() {
            writer.write_record(row(history, track, place, point)).context(failed)?;
        }
    }
    let bytes = writer.into_inner().context(failed)?;
    String::from_utf8(bytes).context(failed)
}

fn row(history: &History, track: &Track, place: usize, point: &Point) -> [String; 15] {
    let (class, session) = (&history.classes[track.class], history.session(point));
    let change = track.changes.iter().find(|change| change.place == place);
    [
        cell(&track.workload),
        cell(&track.metric),
        track.unit.symbol().to_owned(),
        class.digest.to_string(),
        cell(&class.cpu_model),
        session.started_at.clone(),
        cell(session.commit.as_deref().unwrap_or_default()),
        session.record.to_string(),
        point.median.to_string(),
        point.low.to_string(),
        point.high.to_string(),
        point.n_processes.to_string(),
        change.is_some().to_string(),
        change.map(|change| change.log_ratio.to_string()).unwrap_or_default(),
        cell(&track.definition),
    ]
}

/// A text that no spreadsheet runs.
fn cell(text: &str) -> String {
    const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let shown = visible(text);
    if text.starts_with(FORMULA) { format!("'{shown}") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_text_that_would_be_a_formula_is_none() {
        for (text, want) in [
            ("decode-64", "decode-64"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\\u{9}=1"),
            ("＝1", "'＝1"),
            ("a\u{202e}", "a\\u{202e}"),
            ("", ""),
        ] {
            assert_eq!(cell(text), want);
        }
    }
}
