//! How much the sessions of a baseline vary, and the repetitions that would make best use of their time.
//! In: the store and the record that the name points at. Out: a table, or nothing with fewer than two sessions.

use anyhow::Result;
use baselines::{
    RunRecord,
    store::{DirStore, Entry},
};
use gates::stored::{Spread, difference, spreads};

use crate::cli::{compare::SESSIONS, table};

/// The table for people.
pub(super) fn human(store: &DirStore, current: &Entry, newest: &RunRecord) -> Result<String> {
    let selection = store.select(&current.name, current.fingerprint, SESSIONS, None)?;
    let mut sessions = vec![newest.clone()];
    for entry in selection.chosen.iter().filter(|entry| entry.record != current.record) {
        let record = store.get_record(entry.record)?;
        // What asks something else does not say how much this varies.
        if difference(&record, newest).is_none() {
            sessions.push(record);
        }
    }
    if sessions.len() < 2 {
        return Ok(String::new());
    }
    let header = ["SD between", "sessions", "processes", "iterations", "best"];
    let mut listed = table::table(&header, 1..5);
    for spread in spreads(&sessions) {
        listed.add_row(cells(&spread));
    }
    Ok(format!(
        "\n{} sessions of this machine; best: processes × iterations for the same time\n{}",
        sessions.len(),
        table::text(&listed)
    ))
}

fn cells(spread: &Spread) -> [String; 5] {
    let none = || "–".to_owned();
    let sd = |variance: Option<f64>| {
        variance.map_or_else(none, |variance| format!("{:.2} %", variance.sqrt() * 100.0))
    };
    let components = &spread.components;
    [
        format!("{} {}", spread.workload, spread.metric.trim_end_matches("_ns")),
        sd(components.session),
        sd(components.process),
        sd(components.iteration),
        spread
            .plan
            .map_or_else(none, |plan| format!("{} × {}", plan.n_processes, plan.n_iterations)),
    ]
}
