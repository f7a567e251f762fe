//! `bench run`: measure a suite in worker processes; write a record, print a summary.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use baselines::{RunRecord, record::Purpose};

use super::{
    Context, Format,
    options::{SubjectArgs, seconds},
    print, table,
};
use crate::{
    config::Config,
    failure::{self, Failure},
    files, inference,
    session::{self, Subjects},
    subject::{Binary, Program},
};

/// Processes where nothing says otherwise.
const PROCESSES: u64 = 5;

/// Options of `bench run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    subject: SubjectArgs,

    /// Worker processes: the number of independent replications [default: 5].
    #[arg(long, value_name = "N")]
    processes: Option<u64>,

    /// Text of the end-to-end prompt, in place of the seeded one.
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,

    /// Leave out top-1 agreement with the float run: a few thousand positions, minutes with a model of billions of weights.
    #[arg(long)]
    without_accuracy: bool,

    /// Give up after this time: no record, exit 1.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    time_limit: Option<Duration>,

    /// Write the result, with the whole record in it, to this file.
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,

    /// Accepted for old command lines, and without effect: there is no mock.
    #[arg(long)]
    allow_mock: bool,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    if args.allow_mock {
        context
            .progress
            .note("note: `--allow-mock` has no effect: there is no mock, every number is measured");
    }
    if let Some(path) = &args.json {
        files::check_writable(path)?;
    }
    let halt = context.progress.halt();
    halt.at_interrupt()?;
    if let Some(limit) = args.time_limit {
        halt.after(limit);
    }
    // An older success must not stand in for this run, however it ends.
    let unfinished = "the run has not come to its end";
    say_failed(args, unfinished, "unfinished").context("failed to prepare the record's file")?;
    let (record, refusal, document) = match measured(args, &config, context) {
        Ok(done) => done,
        Err(error) => {
            // A worker of the same terminal may have died of the signal before its end was asked for here.
            let error = halt.check().err().unwrap_or(error);
            say_failed(args, &format!("{error:#}"), failure::kind(&error))
                .with_context(|| format!("failed to write that the run failed: {error:#}"))?;
            return Err(error);
        }
    };
    if let Some(path) = &args.json {
        context.progress.note(&format!("wrote {}", path.display()));
    }
    match context.format {
        Format::Human => print(&table::record(&record))?,
        Format::Md => print(&table::record_markdown(&record))?,
        Format::Json => print(&String::from_utf8_lossy(&document))?,
    }
    refusal.map_or(Ok(0), |refusal| Err(Failure::invalid(refusal).into()))
}

/// `success: false` in the record's place.
fn say_failed(args: &Args, error: &str, kind: &str) -> Result<()> {
    let Some(path) = &args.json else { return Ok(()) };
    baselines::write_atomic(path, &inference::failure(error, kind)?, 0o644)?;
    Ok(())
}

/// The record, what refuses it, and the document of both, which is written where it was asked for.
fn measured(
    args: &Args,
    config: &Config,
    context: &Context<'_>,
) -> Result<(RunRecord, Option<String>, Vec<u8>)> {
    let record = measure(args, config, context)?;
    let refusal = gates::check_record(&record).first().map(files::paragraph);
    let document = inference::document(&record, refusal.clone())?;
    if let Some(path) = &args.json {
        baselines::write_atomic(path, &document, 0o644).context("failed to write the record")?;
    }
    Ok((record, refusal, document))
}

/// The record of a session of the running program.
fn measure(args: &Args, config: &Config, context: &Context<'_>) -> Result<RunRecord> {
    let processes = args.processes.or(config.processes).unwrap_or(PROCESSES);
    session::check_count("processes", processes, 1)?;
    let mut assignment = args.subject.assignment(context, config, args.prompt.clone())?;
    if args.without_accuracy {
        assignment.positions = None;
    }
    let head = Program::single(Binary::current()?);
    let subjects = Subjects::One { head, processes, purpose: Purpose::Run };
    let measured =
        session::run(&assignment, &subjects, &|_, _| false, context.clock, context.progress)?;
    Ok(measured.head)
}
