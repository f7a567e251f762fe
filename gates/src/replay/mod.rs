//! Replay: foreign measurement series put through the decision rule, and through the rules it replaces.
//!
//! In: imported files. Out: a [`Replay`], one row per error rate or spread, each with its exact interval; the same files
//! give the same rows. Go benchmark files of one folder are days of one unchanged build, in the order of their paths:
//! any two are an A/A comparison. A CSV file is the history of one changing program on hosted runners.

mod control;
mod day;
mod days;
mod hosted;
mod levels;
mod naive;
mod rate;
mod row;
mod rule;
mod split;
mod spread;
mod stored;
mod text;

use std::collections::BTreeMap;

use baselines::import::Imported;

use day::Day;
pub use row::Row;
pub(crate) use spread::Spread;

/// One imported file and where it lay.
#[derive(Clone, Copy, Debug)]
pub struct Foreign<'a> {
    /// Its path: days are taken in the order of theirs, and belong together if they share a folder.
    pub path: &'a str,
    /// What the importer made of it.
    pub imported: &'a Imported,
}

/// What the rule does on series that nobody here made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replay {
    /// In the order of the questions; rows without a demand are there for comparison.
    pub rows: Vec<Row>,
    /// How to read the rows: what was chosen, left out, and cannot be told from these data.
    pub notes: Vec<String>,
}

impl Replay {
    /// Whether something was replayed, and no demand was missed.
    #[must_use]
    pub fn holds(&self) -> bool {
        let mut demands = self.rows.iter().filter_map(|row| row.holds).peekable();
        demands.peek().is_some() && demands.all(|holds| holds)
    }
}

/// Replays all files.
#[must_use]
pub fn replay(files: &[Foreign<'_>]) -> Replay {
    let mut sorted = files.to_vec();
    sorted.sort_by_key(|file| file.path);
    let mut replay = Replay::default();
    let mut folders: BTreeMap<&str, Vec<Day>> = BTreeMap::new();
    for file in sorted.iter().filter(|file| file.imported.importer == "gobench") {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder).or_default().push(Day::of(file.imported));
    }
    for (folder, days) in &folders {
        replay.notes.push(format!("{folder}: {} days", days.len()));
        days::replay(days, &mut replay);
        split::replay(days, &mut replay);
        naive::replay(days, &mut replay);
        control::replay(days, &mut replay);
        levels::replay_days(days, &mut replay);
    }
    for file in sorted.iter().filter(|file| file.imported.importer == "csv") {
        let history = hosted::History::of(file.imported);
        replay.notes.push(format!("{}: {} runs", file.path, history.n_runs()));
        hosted::replay(&history, &mut replay);
        stored::replay(&history, &mut replay);
        levels::replay_hosted(&history, &mut replay);
    }
    replay
}
