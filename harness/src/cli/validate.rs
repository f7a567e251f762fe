//! `bench validate`: the error rates that a verdict promises, each beside its demand: measured on simulated sessions, or on
//! series that somebody else took.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use baselines::import::{Imported, import};
use gates::{
    replay::{self, Foreign, Replay},
    validate::{self, Fault, Line, PROPERTIES, Plan},
};
use serde_json::json;

use super::{Context, Format, print, table};

/// Exit code where a demand is not met: a failed gate.
const BROKEN: u8 = 2;

/// Options of `bench validate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Simulated sessions a cell.
    #[arg(long, value_name = "N", default_value_t = Plan::FULL.sessions)]
    sessions: u32,

    /// Seed of the simulation.
    #[arg(long, value_name = "N", default_value_t = Plan::FULL.seed)]
    seed: u64,

    /// Put a well-known mistake into the rule, to see the table turn red: winsor, alpha, iterations or family.
    #[arg(long, value_name = "FAULT", value_parser = fault)]
    plant: Option<Fault>,

    /// Replay the files of a folder instead: Go benchmark text of one build on several days, or CSV histories (columns
    /// `timestamp_s`, revision, cpu, metric, value, unit), each plain or gzip.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["sessions", "seed", "plant"])]
    replay: Option<PathBuf>,
}

fn fault(text: &str) -> Result<Fault, String> {
    let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    let found = Fault::ALL.into_iter().find(|fault| fault.name() == text);
    found.ok_or_else(|| format!("expected one of {}", names.join(", ")))
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    match &args.replay {
        Some(folder) => replayed(folder, context),
        None => simulated(args, context),
    }
}

fn simulated(args: &Args, context: &Context<'_>) -> Result<u8> {
    ensure!(
        (100..=1_000_000).contains(&args.sessions),
        "failed to plan the simulation: `--sessions`: expected 100 to 1000000, found {}",
        args.sessions
    );
    let plan = Plan { sessions: args.sessions, seed: args.seed, fault: args.plant };
    if let Some(fault) = plan.fault {
        context.progress.note(&format!("planted: {}", fault.about()));
    }
    context.progress.note(&format!("simulating {} sessions a cell", plan.sessions));
    let lines = validate::run(plan);
    match context.format {
        Format::Human => print(&human(&lines))?,
        Format::Json => print(&format!("{:#}\n", document(plan, &lines)))?,
        Format::Md => print(&markdown(&lines))?,
    }
    let broken = lines.iter().any(|line| line.holds == Some(false));
    Ok(if broken { BROKEN } else { 0 })
}

fn document(plan: Plan, lines: &[Line]) -> serde_json::Value {
    let line = |line: &Line| {
        json!({
            "property": line.property, "cell": line.cell, "demand": line.demand.text(), "hits": line.hits, "n": line.n,
            "rate": line.rate, "low": line.low, "high": line.high, "holds": line.holds,
        })
    };
    json!({
        "sessions": plan.sessions, "seed": plan.seed, "planted": plan.fault.map(Fault::name),
        "lines": lines.iter().map(line).collect::<Vec<_>>(),
    })
}

/// A table for each property, and how many demands are met.
fn human(lines: &[Line]) -> String {
    let mut said = String::new();
    for property in PROPERTIES {
        said += &format!("{}\n{}\n", property.name, property.about);
        let mut rates = table::table(&["", "demand", "measured", "95 % interval", ""], 2..4);
        for line in lines.iter().filter(|line| line.property == property.name) {
            let [cell, demand, rate, interval, mark] = cells(line);
            rates.add_row([cell, demand, rate, interval, mark]);
        }
        said += &table::text(&rates);
        said.push('\n');
    }
    said + "In parentheses: the most that the interval may reach. D: the true difference.\n"
        + &summary(lines)
}

fn markdown(lines: &[Line]) -> String {
    let mut said =
        "| property | cell | demand | measured | 95 % interval | |\n|---|---|---|---:|---:|---|\n"
            .to_owned();
    for line in lines {
        said += &format!("| `{}` | {} |\n", line.property, cells(line).join(" | "));
    }
    said + "\n" + &summary(lines)
}

/// Cell, demand, rate, interval, mark.
fn cells(line: &Line) -> [String; 5] {
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let mark = match line.holds {
        Some(true) => "✔",
        Some(false) => "✘ broken",
        None => "shown",
    };
    [
        line.cell.clone(),
        line.demand.text(),
        percent(line.rate),
        format!("{:.2}–{:.2}", 100.0 * line.low, 100.0 * line.high),
        mark.to_owned(),
    ]
}

fn summary(lines: &[Line]) -> String {
    let with = |holds: bool| lines.iter().filter(|line| line.holds == Some(holds)).count();
    let (met, broken) = (with(true), with(false));
    let mark = if broken == 0 { "✔" } else { "✘" };
    format!("{mark} {} demands: {met} met, {broken} broken\n", met + broken)
}

/// Replays every file below `folder` that an importer knows; the others are named on stderr.
fn replayed(folder: &Path, context: &Context<'_>) -> Result<u8> {
    let mut files: Vec<(String, Imported)> = Vec::new();
    for path in files_below(folder)? {
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        let bytes =
            fs::read(&path).with_context(|| format!("failed to read `{}`", path.display()))?;
        match import(&bytes) {
            Ok(imported) => files.push((name, imported)),
            Err(error) => context.progress.note(&format!("left out: {name}: {error}")),
        }
    }
    ensure!(
        !files.is_empty(),
        "failed to replay: no file below `{}` is Go benchmark text or a CSV history, plain or gzip",
        folder.display()
    );
    let foreign: Vec<Foreign<'_>> =
        files.iter().map(|(path, imported)| Foreign { path, imported }).collect();
    let found = replay::replay(&foreign);
    match context.format {
        Format::Human => print(&found.to_string())?,
        Format::Json => print(&format!("{:#}\n", replay_document(&found)))?,
        Format::Md => print(&format!("```\n{found}```\n"))?,
    }
    Ok(if found.holds() { 0 } else { BROKEN })
}

fn replay_document(replay: &Replay) -> serde_json::Value {
    let row = |row: &replay::Row| {
        json!({
            "property": row.property, "demand": row.demand, "rate": row.measured, "low": row.low, "high": row.high, "n": row.n,
            "holds": row.holds,
        })
    };
    json!({ "rows": replay.rows.iter().map(row).collect::<Vec<_>>(), "notes": replay.notes })
}

/// All files below `folder`, sorted; links to folders are not followed.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("failed to list `{}`", folder.display());
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .with_context(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut files = Vec::new();
    for entry in entries {
        if entry.file_type().with_context(failed)?.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    Ok(files)
}
