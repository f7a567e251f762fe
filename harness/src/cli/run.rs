//! `bench run`: measure a suite in worker processes; write a record, print a summary.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use baselines::{RunRecord, record::Purpose};

use super::{Context, Format, options::SubjectArgs, print, table};
use crate::{
    config::Config,
    failure::Failure,
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
    let record = match measure(args, &config, context) {
        Ok(record) => record,
        Err(error) => {
            // An older success must not stand in for this failure.
            if let Some(path) = &args.json {
                let document = inference::failure(&format!("{error:#}"))?;
                baselines::write_atomic(path, &document, 0o644)
                    .with_context(|| format!("failed to write that the run failed: {error:#}"))?;
            }
            return Err(error);
        }
    };
    let refusal = gates::check_record(&record).first().map(files::paragraph);

    let document = inference::document(&record, refusal.clone())?;
    if let Some(path) = &args.json {
        baselines::write_atomic(path, &document, 0o644).context("failed to write the record")?;
        context.progress.note(&format!("wrote {}", path.display()));
    }
    match context.format {
        Format::Human => print(&table::record(&record))?,
        Format::Md => print(&table::record_markdown(&record))?,
        Format::Json => print(&String::from_utf8_lossy(&document))?,
    }
    refusal.map_or(Ok(0), |refusal| Err(Failure::invalid(refusal).into()))
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
