//! `bench validate`: the error rates that a verdict promises, measured on simulated sessions, each beside its demand.

use anyhow::{Result, ensure};
use gates::validate::{self, Fault, Line, PROPERTIES, Plan};
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
}

fn fault(text: &str) -> Result<Fault, String> {
    let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    let found = Fault::ALL.into_iter().find(|fault| fault.name() == text);
    found.ok_or_else(|| format!("expected one of {}", names.join(", ")))
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
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
        said += &format!("{}: {}\n", property.name, property.about);
        let mut rates = table::table(&["", "demand", "measured", "95 % interval", ""], 2..4);
        for line in lines.iter().filter(|line| line.property == property.name) {
            let [cell, demand, rate, interval, mark] = cells(line);
            rates.add_row([cell, demand, rate, interval, mark]);
        }
        said += &table::text(&rates);
        said.push('\n');
    }
    said + "In parentheses: what the upper end of the interval may be at most. D: the true difference.\n"
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
