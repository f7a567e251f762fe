//! The command line: the register of subcommands, and how an error becomes a paragraph and an exit code.
//! stdout is data, stderr is progress and errors. No subcommand reads the environment or a clock by itself.

mod baseline;
mod bench_target;
mod bisect;
mod builds;
mod calibrate;
mod check;
mod clean;
mod command;
mod compare;
mod doctor;
mod export;
mod gate;
mod init;
mod model;
mod options;
#[cfg(feature = "github")]
mod publish;
mod report;
mod run;
mod table;
mod triage;
mod validate;
mod verify;
mod visible;
mod worker;

use std::{ffi::OsString, io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum};

use crate::{
    Hooks,
    failure::{TOOL_ERROR, exit_code},
    measure::{Clock, SystemClock},
    progress::Progress,
    subject::{device, synthetic},
    variables::Variables,
};

/// Measure, compare and gate ternary language model inference.
///
/// Exit codes: 0 pass, 1 usage or tool error, 2 fail, 3 inconclusive, 4 invalid evidence, 5 incomparable, missing or no
/// baseline.
#[derive(Debug, Parser)]
#[command(name = "bench", version, max_term_width = 100)]
struct Cli {
    /// How results are printed on stdout.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    format: Format,

    /// Settings file; `bench.toml` of the current folder if it exists.
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table of at most 80 columns.
    Human,
    /// One JSON document.
    Json,
    /// Markdown.
    Md,
}

/// The subcommands, in the order of the road.
#[derive(Debug, Subcommand)]
enum Command {
    /// Measure a suite in worker processes and write a run record.
    #[command(alias = "benchmark")]
    Run(run::Args),
    /// Compare two records: a table with intervals.
    #[command(alias = "bench-compare")]
    Compare(compare::Args),
    /// Run, compare with the baseline in pairs, and write the gate files.
    Gate(gate::Args),
    /// Where did the time go: compare two builds span by span and product by product.
    Triage(triage::Args),
    /// Which commit made it slower: halve the commits between a good and a bad one, with a bounded chance of a wrong step.
    ///
    /// Exit code 0: one commit was found, or the two do not differ; 3: it cannot be said, or not of one commit.
    Bisect(bisect::Args),
    /// Run a command (tests, lints, a build) and keep what it said, for a gate beside those of the measurement.
    Check(check::Args),
    /// Derive the gate files again from the evidence and say what does not hold.
    Verify(verify::Args),
    /// Record, promote, show, compare, check and retire baselines.
    #[command(subcommand)]
    Baseline(baseline::Command),
    /// Write the report, one self-contained HTML page: of a gate, or of the history of a store.
    Report(report::Args),
    /// Write the history of a store as CSV, JSON, Markdown or SVG.
    Export(export::Args),
    /// Measure the error rates that a verdict promises, on simulated sessions.
    Validate(validate::Args),
    /// Measure the error rates that this machine really has: a build against itself, and with slow-downs planted.
    Calibrate(calibrate::Args),
    /// Is this machine fit to measure, and what would help.
    Doctor(doctor::Args),
    /// Post check runs on GitHub for what a measuring run left behind: the second stage, in a job of its own.
    #[cfg(feature = "github")]
    Publish(publish::Args),
    /// Set up the gate in a Rust repository: settings, policy, workflows.
    Init(init::Args),
    /// Remove the worktrees and builds that `gate --base REV` and `bisect` keep for this repository.
    Clean,
    /// Inspect a model, generate text, write logits.
    #[command(subcommand)]
    Model(model::Command),
    /// One replication: JSON lines on stdin and stdout. Started by `run` and `gate`.
    #[command(hide = true)]
    Worker(worker::Args),
}

/// What every subcommand is given.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) vars: &'a Variables,
    pub(crate) hooks: &'a Hooks,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) progress: &'a Progress,
    pub(crate) format: Format,
    pub(crate) config: Option<PathBuf>,
}

/// Parses, runs, and turns the result into an exit code.
pub(crate) fn run(
    args: impl IntoIterator<Item = OsString>,
    vars: &Variables,
    hooks: &Hooks,
) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(message) => {
            // `--help` and `--version` come this way too. Usage errors are 1: 2 is a verdict here.
            let _ = message.print();
            return ExitCode::from(if message.use_stderr() { TOOL_ERROR } else { 0 });
        }
    };
    synthetic::set_cache(vars.model_cache());
    device::set_process(vars.kernel_cache(), hooks);
    let context = Context {
        vars,
        hooks,
        clock: &SystemClock::new(),
        progress: &Progress::on_stderr(),
        format: cli.format,
        config: cli.config,
    };
    let done = match &cli.command {
        Command::Run(args) => run::run(args, &context),
        Command::Compare(args) => compare::run(args, &context),
        Command::Gate(args) => gate::run(args, &context),
        Command::Triage(args) => triage::run(args, &context),
        Command::Bisect(args) => bisect::run(args, &context),
        Command::Check(args) => check::run(args, &context),
        Command::Verify(args) => verify::run(args, &context),
        Command::Baseline(command) => baseline::run(command, &context),
        Command::Report(args) => report::run(args, &context),
        Command::Export(args) => export::run(args, &context),
        Command::Validate(args) => validate::run(args, &context),
        Command::Calibrate(args) => calibrate::run(args, &context),
        Command::Doctor(args) => doctor::run(args, &context),
        #[cfg(feature = "github")]
        Command::Publish(args) => publish::run(args, &context),
        Command::Init(args) => init::run(args, &context),
        Command::Clean => clean::run(&context),
        Command::Model(command) => model::run(command, &context),
        Command::Worker(args) => worker::run(args, &context),
    };
    done.map_or_else(
        |error| {
            context.progress.end();
            let _ = writeln!(anstream::stderr(), "error: {error:#}");
            ExitCode::from(exit_code(&error))
        },
        ExitCode::from,
    )
}

/// Writes data to stdout.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = anstream::stdout();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        // `bench … | head` is no error.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("failed to write to stdout"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
