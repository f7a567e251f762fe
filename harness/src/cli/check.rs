//! `bench check`: run one command, keep what it wrote, and say what its gate makes of it.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use baselines::{CheckRecord, unit::Unit};
use gates::{GateReport, Verdict, check::of_command, gate};

use super::{Context, Format, print, table};
use crate::{
    check::{self, Job},
    files,
};

/// Before the name of a gate; may be given, and need not.
const PREFIX: &str = "review:gate:";

/// Options of `bench check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 success, 2 the check failed, 5 nothing was checked (no test, no summary), 1 the command \
                  could not be run or was stopped."
)]
pub(crate) struct Args {
    /// Name of the gate [default: that of the command: tests, clippy, format, build, docs, freshness].
    #[arg(long, value_name = "NAME")]
    gate: Option<String>,

    /// Folder of the gate's files; the record goes to its folder `checks`.
    #[arg(long, value_name = "PATH", default_value = "ci")]
    out: PathBuf,

    /// Longest that the command may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    timeout: u64,

    /// The command, after `--`; no shell takes it apart.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let gate = gate_of(args)?;
    files::check_folder(&args.out)?;
    check::forget(&args.out, &gate)?;
    let job =
        Job { gate: &gate, command: &args.command, timeout: Duration::from_secs(args.timeout) };
    let record = check::run(&job, context.clock, context.progress)?;
    let path = check::keep(&args.out, &record)?;
    if record.dirty == Some(true) {
        context.progress.note(
            "warning: the working tree has changes: `bench gate` takes checks of a clean commit only",
        );
    }
    let report = gate::standing_alone(&record);
    match context.format {
        Format::Human | Format::Md => print(&line(&report, &record, &path.display().to_string()))?,
        Format::Json => print(&String::from_utf8_lossy(&report.to_json()))?,
    }
    Ok(report.verdict.exit_code())
}

/// The gate's name as given, or that of the command's kind.
fn gate_of(args: &Args) -> Result<String> {
    let Some(given) = &args.gate else {
        let Some(check) = of_command(&args.command) else {
            bail!(
                "failed to tell what `{}` checks: expected `cargo` with test, nextest run, clippy, fmt, build, check or doc, \
                 or `git merge-base --is-ancestor`; name the gate with `--gate NAME`",
                args.command.join(" ")
            );
        };
        return Ok(check.name.to_owned());
    };
    let name = given.strip_prefix(PREFIX).unwrap_or(given);
    if !CheckRecord::is_gate(name) {
        bail!(
            "failed to read `--gate`: expected a-z, 0-9 and dashes, at most 40, and no gate that is measured (benchmarks, \
             perf), found {given:?}"
        );
    }
    Ok(name.to_owned())
}

fn line(report: &GateReport, record: &CheckRecord, path: &str) -> String {
    let glyph = if report.verdict == Verdict::Pass { "✔" } else { "✘" };
    let said = table::one_line(report.evidence.first().map_or("", |item| item.text.as_str()));
    #[expect(clippy::cast_precision_loss, reason = "a time for people")]
    let wall = Unit::Nanoseconds.text(record.wall_ns as f64);
    let verdict = report.verdict;
    format!(
        "{glyph} {}: {} (exit {}): {said}   [{wall}, {path}]\n",
        report.name,
        verdict.name(),
        verdict.exit_code()
    )
}
