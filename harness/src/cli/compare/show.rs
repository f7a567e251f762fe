//! A comparison with a stored baseline for people and for programs: 80 columns, Markdown, JSON.
//! In: what was compared. Out: text. The verdict says that a fail is unconfirmed; every count is named.

use gates::{MetricVerdict, Outcome, StoredRow, Verdict, stored::Predicted};
use serde_json::{Value, json};

use super::stored::Compared;
use crate::cli::{
    Format,
    table::{self, RESET, metric_glyph, percent, wrapped},
};

/// Passed-over records that are named; the rest is counted.
const NAMED: usize = 5;

/// *bound*: a change above it is slower; *k*: past sessions; *detects*: the slow-down that they see 9 times in 10.
const HEADER: [&str; 8] = ["", "base", "current", "change", "bound", "k", "detects", "verdict"];

pub(super) fn text(compared: &Compared, format: Format) -> String {
    match format {
        Format::Human => human(compared),
        Format::Md => markdown(compared),
        Format::Json => format!("{:#}\n", document(compared)),
    }
}

fn human(compared: &Compared) -> String {
    let rows = &compared.comparison.rows;
    let mut listed = table::table(&HEADER, 1..7);
    // Eight columns in 80: one space between them.
    for (idx, column) in listed.column_iter_mut().enumerate() {
        column.set_padding((0, u16::from(idx + 1 < HEADER.len())));
    }
    for row in rows {
        listed.add_row(cells(row, rows));
    }
    let mut said = table::text(&listed);
    for reason in reasons(rows) {
        said += &format!("{}\n", wrapped(&reason, "  "));
    }
    if !compared.passed_over.is_empty() {
        let line = format!("passed over: {}", passed_over(&compared.passed_over, "; "));
        said += &format!("{}\n", wrapped(&line, "  "));
    }
    let verdict = compared.comparison.verdict;
    let (glyph, colour) = table::glyph(verdict);
    let unconfirmed = unconfirmed(verdict);
    said += &format!(
        "\n{}\n{colour}{glyph} {}{unconfirmed}{RESET} (exit {}) → {}\n",
        wrapped(&tally(compared), "  "),
        verdict.name(),
        verdict.exit_code(),
        compared.route
    );
    said
}

fn markdown(compared: &Compared) -> String {
    let rows = &compared.comparison.rows;
    let mut said = format!("| {} |\n|---|---:|---:|---:|---:|---:|---:|---|\n", HEADER.join(" | "));
    for row in rows {
        said += &format!("| {} |\n", cells(row, rows).join(" | "));
    }
    let mut notes = reasons(rows);
    if !compared.passed_over.is_empty() {
        notes.push(format!("passed over: {}", passed_over(&compared.passed_over, "; ")));
    }
    notes.push(tally(compared));
    let verdict = compared.comparison.verdict;
    notes.push(format!(
        "**{}{}** (exit {}) → {}",
        verdict.name(),
        unconfirmed(verdict),
        verdict.exit_code(),
        compared.route
    ));
    said + "\n" + &notes.iter().map(|note| format!("- {note}\n")).collect::<String>()
}

/// The reasons of all rows that did not pass, each said once for the rows that share it.
fn reasons(rows: &[StoredRow]) -> Vec<String> {
    let mut said: Vec<(Vec<String>, &str)> = Vec::new();
    for row in rows.iter().filter(|row| row.verdict != MetricVerdict::Pass) {
        let name = name(row, rows);
        match said.iter_mut().find(|(_, reason)| *reason == row.reason) {
            Some((names, _)) => names.push(name),
            None => said.push((vec![name], &row.reason)),
        }
    }
    said.iter().map(|(names, reason)| format!("{}: {reason}", names.join(", "))).collect()
}

fn name(row: &StoredRow, all: &[StoredRow]) -> String {
    let alone = all.iter().filter(|other| other.workload == row.workload).count() == 1;
    if alone { row.workload.clone() } else { format!("{} {}", row.workload, row.metric) }
}

fn cells(row: &StoredRow, all: &[StoredRow]) -> [String; 8] {
    let verdict = format!("{} {}", metric_glyph(row.verdict), row.outcome.name());
    let (name, k) = (name(row, all), row.n_sessions.to_string());
    let Some(Predicted { base_median, current_median, found, .. }) = row.predicted else {
        let none = || "–".to_owned();
        return [name, none(), none(), none(), none(), k, none(), verdict];
    };
    // "−0.0 %" would name a direction that the rounding has removed.
    let change = |log: f64| format!("{} %", percent(log).replace("-0.0", "+0.0"));
    [
        name,
        row.unit.text(base_median),
        row.unit.text(current_median),
        change(found.change),
        change(found.bound()),
        k,
        change(found.detectable()),
        verdict,
    ]
}

/// At most five, each with its reason; the rest is counted.
pub(super) fn passed_over(records: &[(String, String)], separator: &str) -> String {
    let mut named: Vec<String> =
        records.iter().take(NAMED).map(|(record, why)| format!("{record}: {why}")).collect();
    if records.len() > NAMED {
        named.push(format!("and {} more", records.len() - NAMED));
    }
    named.join(separator)
}

fn tally(compared: &Compared) -> String {
    let rows = &compared.comparison.rows;
    let with = |outcome: Outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    let n = compared.sessions.len();
    format!(
        "{n} past session{} of `{}`: {} compared, {} regressed, {} improved, {} unchanged, {} inconclusive, {} missing",
        if n == 1 { "" } else { "s" },
        compared.name,
        rows.iter().filter(|row| row.predicted.is_some()).count(),
        with(Outcome::Regressed),
        with(Outcome::Improved),
        with(Outcome::Unchanged),
        with(Outcome::Inconclusive),
        with(Outcome::Missing),
    )
}

fn unconfirmed(verdict: Verdict) -> &'static str {
    if verdict == Verdict::Fail { ", unconfirmed" } else { "" }
}

fn document(compared: &Compared) -> Value {
    let comparison = &compared.comparison;
    let passed_over = |(record, why): &(String, String)| json!({ "record": record, "reason": why });
    json!({
        "baseline": compared.name,
        "sessions": compared.sessions,
        "verdict": comparison.verdict.name(),
        "confirmed": false,
        "exit_code": comparison.verdict.exit_code(),
        "route": compared.route,
        "rows": comparison.rows.iter().map(row_json).collect::<Vec<_>>(),
        "passed_over": compared.passed_over.iter().map(passed_over).collect::<Vec<_>>(),
    })
}

fn row_json(row: &StoredRow) -> Value {
    let numbers = row.predicted.map(|Predicted { base_median, current_median, m1, found }| {
        json!({
            "base_median": base_median, "current_median": current_median, "change": found.change,
            "bound": found.bound(), "detectable": found.detectable(),
            "standard_error": found.prediction.standard_error, "df": found.prediction.df,
            "p_fail": found.p_fail, "level_fail": found.level_fail,
            "p_pass": found.p_pass, "level_pass": found.level_pass, "fail_bound": found.fail_bound, "m1": m1,
        })
    });
    json!({
        "workload": row.workload, "metric": row.metric, "n_sessions": row.n_sessions,
        "outcome": row.outcome.name(), "verdict": row.verdict.name(), "reason": row.reason, "predicted": numbers,
    })
}
