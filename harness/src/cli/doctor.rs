//! `bench doctor`: is this machine fit to measure, and what would help. A report: it changes nothing on the machine, and
//! exits 0 whatever it finds, unless `--strict` asks for 3 where something is bad.

use std::{fmt::Write as _, thread};

use anyhow::Result;
use serde_json::json;

use super::{
    Context, Format, print,
    table::{self, RESET},
};
use crate::{
    doctor::{Check, Finding, Fitness, State, WINDOW, examine, observe, pass},
    environment::Machine,
};

/// The exit code of `--strict`: that of an inconclusive verdict, for a session here would hardly reach another one.
const UNFIT: u8 = 3;

/// Options of `bench doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Exit 3 if anything is bad.
    #[arg(long)]
    strict: bool,

    /// Explain every finding, not only those to mend.
    #[arg(long)]
    all: bool,
}

/// A check and what it found.
type Found = (&'static Check, Finding);

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let window_s = WINDOW.as_secs_f64();
    context.progress.note(&format!(
        "watching this machine: {window_s:.0} s idle, then {window_s:.0} s with every CPU busy"
    ));
    let n_cpus = thread::available_parallelism().map_or(1, usize::from);
    let mut pass = |n_threads| pass(WINDOW, n_threads);
    let found = examine(&observe(Machine::here(), n_cpus, context.clock, &mut pass));
    print(&match context.format {
        Format::Human => human(&found, args.all),
        Format::Json => json_text(&found),
        Format::Md => markdown(&found),
    })?;
    Ok(if args.strict && fitness(&found) == Fitness::Unfit { UNFIT } else { 0 })
}

fn fitness(found: &[Found]) -> Fitness {
    Fitness::of(&found.iter().map(|(_, finding)| finding.state).collect::<Vec<_>>())
}

/// The table, what to mend, and the summary.
pub(crate) fn human(found: &[Found], all: bool) -> String {
    let mut listed = table::table(&["check", "state", "found"], 0..0);
    for (check, finding) in found {
        listed.add_row([check.name.to_owned(), state(finding.state), finding.found.clone()]);
    }
    let mut said = table::text(&listed);
    for wanted in State::ALL {
        let explained = all || matches!(wanted, State::Bad | State::Warn);
        for (check, finding) in found.iter().filter(|(_, finding)| finding.state == wanted) {
            if explained {
                said += &explanation(check, finding);
            }
        }
    }
    let (colour, reset) = match fitness(found) {
        Fitness::Unfit => ("\u{1b}[1;31m", RESET),
        Fitness::Noisy => ("\u{1b}[1;33m", RESET),
        Fitness::Fit | Fitness::Unknown => ("", ""),
    };
    said + &format!("\n{}\n{colour}{}{reset}\n", tally(found), table::wrapped(&summary(found), ""))
}

/// What one finding means, in lines of at most 80 columns; a command stays in one piece, to be pasted.
fn explanation(check: &Check, finding: &Finding) -> String {
    let head = format!("{} {}: {}", finding.state.glyph(), check.name, finding.found);
    let mut said = format!("\n{}\n", table::wrapped(&head, "  "));
    let _ = writeln!(said, "  {}", table::wrapped(&format!("effect: {}", finding.effect), "  "));
    if let Some(mend) = &finding.mend {
        let _ = writeln!(said, "  {}", table::wrapped(&format!("mend: {mend}"), "  "));
    }
    if let Some(command) = &finding.command {
        let _ = writeln!(said, "    $ {command}");
    }
    said
}

fn state(state: State) -> String {
    format!("{} {}", state.glyph(), state.name())
}

/// `18 checks: 1 bad, 3 warn, 2 unknown, 2 info, 10 ok`.
fn tally(found: &[Found]) -> String {
    let counts: Vec<String> = State::ALL
        .iter()
        .map(|state| (state, found.iter().filter(|(_, finding)| finding.state == *state).count()))
        .filter(|(_, n)| *n > 0)
        .map(|(state, n)| format!("{n} {}", state.name()))
        .collect();
    format!("{} checks: {}", found.len(), counts.join(", "))
}

fn summary(found: &[Found]) -> String {
    let names = |state| {
        let of_state = found.iter().filter(|(_, finding)| finding.state == state);
        of_state.map(|(check, _)| check.name).collect::<Vec<_>>().join(", ")
    };
    match fitness(found) {
        Fitness::Fit => "✔ fit to measure".to_owned(),
        Fitness::Noisy => {
            format!(
                "! noisy: intervals will be wider than they need be; see {}",
                names(State::Warn)
            )
        }
        Fitness::Unfit => format!("✘ unfit to measure, as it is: mend {} first", names(State::Bad)),
        Fitness::Unknown => "? unknown: this system says too little of itself".to_owned(),
    }
}

/// One document with stable keys.
pub(crate) fn json_text(found: &[Found]) -> String {
    let count = |state| found.iter().filter(|(_, finding)| finding.state == state).count();
    let checks: Vec<_> = found
        .iter()
        .map(|(check, finding)| {
            json!({
                "name": check.name, "about": check.about, "state": finding.state.name(), "found": finding.found,
                "effect": finding.effect, "mend": finding.mend, "command": finding.command, "values": finding.values,
            })
        })
        .collect();
    let counts: serde_json::Map<_, _> =
        State::ALL.iter().map(|state| (state.name().to_owned(), json!(count(*state)))).collect();
    let document = json!({
        "fitness": fitness(found).name(), "counts": counts, "checks": checks,
    });
    format!("{document:#}\n")
}

/// A Markdown table with everything, and the summary.
pub(crate) fn markdown(found: &[Found]) -> String {
    let mut said = "| check | state | found | effect | mend |\n|---|---|---|---|---|\n".to_owned();
    // Names of programs and groups are anybody's text: no cell may end early, no markup begin.
    let cell = |text: &str| {
        text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('`', "\\`")
    };
    for (check, finding) in found {
        let mut mend: Vec<String> = finding.mend.iter().map(|mend| cell(mend)).collect();
        mend.extend(
            finding.command.iter().map(|command| format!("`` {} ``", command.replace('|', "\\|"))),
        );
        let _ = writeln!(
            said,
            "| {} | {} | {} | {} | {} |",
            check.name,
            state(finding.state),
            cell(&finding.found),
            cell(&finding.effect),
            mend.join(": ")
        );
    }
    said + &format!("\n{}\n\n{}\n", tally(found), summary(found))
}

#[cfg(test)]
mod tests;
