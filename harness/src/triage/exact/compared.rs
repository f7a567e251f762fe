//! What differs between base and head, and not as much between two runs of either.
//! In: the profiles of all four runs. Out: the document of their counts, and the flame graph.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::{
    Exact,
    document::{Document, FunctionRow, LineRow, SCHEMA},
};
use crate::callgrind::{self, Diff, Function, ISA_NOTE, Presence, Profile, Row, Valgrind};

/// Functions that are kept: the most changed ones.
const ROWS_MOST: usize = 40;
/// A difference must be so many times what two runs of one build differ by.
const TIMES_NOISE: u64 = 2;

/// What a document says beside the counts.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) arguments: Vec<String>,
    pub(super) binaries: [String; 2],
    pub(super) lines: Option<[String; 2]>,
    pub(super) notes: Vec<String>,
}

/// The document of both runs of base and head, and their flame graph.
pub(super) fn compared(
    valgrind: &Valgrind,
    [base_runs, head_runs]: [[Profile; 2]; 2],
    told: Told,
) -> Result<Exact> {
    let diff = Diff::of(&base_runs[0], &head_runs[0]);
    let noise = [unsteady(&base_runs), unsteady(&head_runs)];
    let (named, n_unsteady) = steady(diff.rows, &noise);
    let n_more = named.len().saturating_sub(ROWS_MOST);
    let functions = named
        .into_iter()
        .take(ROWS_MOST)
        .map(|row| function_row(&row, &base_runs, &head_runs))
        .collect();
    let title = "executed instructions, head against base (red: more)";
    let flame = callgrind::flame_graph(&base_runs[0], &head_runs[0], title)
        .context("failed to draw the flame graph")?;
    let [base_binary, head_binary] = told.binaries;
    let (base_command, head_command) = told.lines.map(|[base, head]| (base, head)).unzip();
    let document = Document {
        schema: SCHEMA.to_owned(),
        version: "1.0".to_owned(),
        valgrind: valgrind.version.clone(),
        isa: ISA_NOTE.to_owned(),
        arguments: told.arguments,
        base_binary,
        head_binary,
        base_command,
        head_command,
        notes: told.notes,
        base_ir: base_runs.each_ref().map(|run| run.total_ir),
        head_ir: head_runs.each_ref().map(|run| run.total_ir),
        functions,
        n_unsteady,
        n_more,
    };
    Ok(Exact { document, flame })
}

/// By function, how much two runs of one build differ.
fn unsteady([one, two]: &[Profile; 2]) -> BTreeMap<Function, u64> {
    let rows = Diff::of(one, two).rows.into_iter();
    rows.map(|row| (Function { name: row.name, file: row.file }, row.delta_ir.unsigned_abs()))
        .collect()
}

/// The rows beyond what runs of one build differ by, and how many are not.
fn steady(rows: Vec<Row>, noise: &[BTreeMap<Function, u64>; 2]) -> (Vec<Row>, usize) {
    let n_all = rows.len();
    let beyond = |row: &Row| {
        let function = Function { name: row.name.clone(), file: row.file.clone() };
        let noise: u64 = noise.iter().filter_map(|noise| noise.get(&function)).sum();
        row.delta_ir.unsigned_abs() > TIMES_NOISE * noise
    };
    let kept: Vec<Row> = rows.into_iter().filter(beyond).collect();
    let n_unsteady = n_all - kept.len();
    (kept, n_unsteady)
}

fn function_row(row: &Row, base: &[Profile; 2], head: &[Profile; 2]) -> FunctionRow {
    let function = Function { name: row.name.clone(), file: row.file.clone() };
    let of = |runs: &[Profile; 2]| {
        runs.each_ref().map(|run| run.functions.get(&function).map_or(0, |costs| costs.self_ir))
    };
    let line = |line: &callgrind::LineRow| LineRow {
        file: line.file.to_string(),
        base_line: line.base_line,
        head_line: line.head_line,
        delta_ir: line.delta_ir,
    };
    FunctionRow {
        function: row.name.to_string(),
        file: row.file.to_string(),
        only: match row.presence {
            Presence::Both => "both",
            Presence::BaseOnly => "base",
            Presence::HeadOnly => "head",
        }
        .to_owned(),
        base_ir: of(base),
        head_ir: of(head),
        delta_ir: row.delta_ir,
        base_calls: row.base_calls,
        head_calls: row.head_calls,
        share: row.share,
        lines: row.lines.iter().map(line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn row(name: &str, delta_ir: i64) -> Row {
        Row {
            name: Arc::from(name),
            file: Arc::from("f.rs"),
            presence: Presence::Both,
            base_ir: 1000,
            head_ir: 1000_u64.saturating_add_signed(delta_ir),
            delta_ir,
            base_calls: 1,
            head_calls: 1,
            share: None,
            lines: Vec::new(),
        }
    }

    #[test]
    fn a_function_is_named_where_it_differs_by_more_than_two_runs_of_one_build() {
        let function = |name: &str| Function { name: Arc::from(name), file: Arc::from("f.rs") };
        let noise = [
            BTreeMap::from([(function("hash"), 30), (function("alloc"), 5)]),
            BTreeMap::from([(function("hash"), 40)]),
        ];
        let rows = vec![row("pack", 500), row("hash", -140), row("alloc", 11), row("one", 1)];
        let (kept, n_unsteady) = steady(rows, &noise);
        let names: Vec<&str> = kept.iter().map(|row| &*row.name).collect();
        assert_eq!(names, ["pack", "alloc", "one"]);
        assert_eq!(n_unsteady, 1);
    }
}
