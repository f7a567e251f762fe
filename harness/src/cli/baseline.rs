//! `bench baseline`: record one, list them, show one.

use anyhow::{Context as _, Result};
use baselines::{RunRecord, store::Pointer};
use clap::Subcommand;
use serde_json::json;

use super::{
    Context, Format,
    options::{BASELINE, StoreArgs, SubjectArgs},
    print, table,
};
use crate::{
    baseline::{self, Entry, PROCESSES_LEAST},
    config::Config,
    failure::Failure,
};

/// The subcommands of `bench baseline`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure this program, keep record and binary, and point the baseline at them.
    Record(RecordArgs),
    /// List the baselines of the store.
    List(ListArgs),
    /// Show one baseline: where it comes from and what it measured.
    Show(ShowArgs),
}

/// Options of `bench baseline record`.
#[derive(Debug, clap::Args)]
pub(crate) struct RecordArgs {
    #[command(flatten)]
    subject: SubjectArgs,

    #[command(flatten)]
    store: StoreArgs,

    /// Name of the baseline [default: main].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Worker processes, at least 10 [default: 10].
    #[arg(long, value_name = "N")]
    processes: Option<u64>,

    /// Why this baseline is recorded; kept with it.
    #[arg(long, value_name = "TEXT", default_value = "recorded by hand")]
    reason: String,

    /// Leave accuracy out: the gate that started this counts it itself.
    #[arg(long, hide = true)]
    without_accuracy: bool,
}

/// Options of `bench baseline list`.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    store: StoreArgs,
}

/// Options of `bench baseline show`.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    store: StoreArgs,

    /// Name of the baseline [default: main].
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub(crate) fn run(command: &Command, context: &Context<'_>) -> Result<u8> {
    match command {
        Command::Record(args) => record(args, context),
        Command::List(args) => list(args, context),
        Command::Show(args) => show(args, context),
    }
}

fn record(args: &RecordArgs, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let mut assignment = args.subject.assignment(context, &config, None)?;
    if args.without_accuracy {
        assignment.positions = None;
    }
    let processes = args.processes.or(config.baseline_processes).unwrap_or(PROCESSES_LEAST);
    let entry = Entry {
        name: name(args.name.as_deref(), &config),
        reason: args.reason.clone(),
        recorded_by: context.vars.user(),
    };
    let (digest, record) =
        baseline::record(&store, &assignment, processes, &entry, context.clock, context.progress)?;
    match context.format {
        Format::Json => {
            print(&format!("{:#}\n", json!({ "name": entry.name, "record": digest.to_string() })))?;
        }
        Format::Human | Format::Md => {
            print(&table::record(&record))?;
            print(&format!(
                "baseline `{}`: record {} and binary {} kept in {}\n",
                entry.name,
                digest.short(),
                record.subject.binary.short(),
                store.root().display()
            ))?;
        }
    }
    Ok(0)
}

fn list(args: &ListArgs, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let pointers = store.pointers()?;
    match context.format {
        Format::Json => {
            let list: Vec<_> = pointers.iter().map(document).collect();
            print(&format!("{:#}\n", serde_json::Value::from(list)))?;
        }
        Format::Human | Format::Md if pointers.is_empty() => {
            print(&format!(
                "no baseline in {}; `bench baseline record` makes one\n",
                store.root().display()
            ))?;
        }
        Format::Human | Format::Md => print(&table::pointers(&pointers))?,
    }
    Ok(0)
}

fn show(args: &ShowArgs, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let name = name(args.name.as_deref(), &config);
    let Some(pointer) = store.pointer(&name)? else {
        return Err(Failure::incomparable(format!(
            "failed to show baseline `{name}`: store `{}` has none of that name; `bench baseline list` names those it has",
            store.root().display()
        ))
        .into());
    };
    let record: RunRecord = store
        .get_record(pointer.record)
        .with_context(|| format!("failed to read baseline `{name}`"))?;
    match context.format {
        Format::Json => print(&String::from_utf8_lossy(&record.to_json()))?,
        Format::Human | Format::Md => {
            print(&table::pointers(std::slice::from_ref(&pointer)))?;
            print(&table::record(&record))?;
        }
    }
    Ok(0)
}

/// The name given, else that of bench.toml, else `main`.
pub(super) fn name(given: Option<&str>, config: &Config) -> String {
    given.or(config.baseline_name.as_deref()).unwrap_or(BASELINE).to_owned()
}

fn document(pointer: &Pointer) -> serde_json::Value {
    json!({
        "name": pointer.name,
        "record": pointer.record.to_string(),
        "binary": pointer.binary.to_string(),
        "model": pointer.model.to_string(),
        "fingerprint": pointer.fingerprint.to_string(),
        "recorded_at": pointer.recorded_at,
        "recorded_by": pointer.recorded_by,
        "reason": pointer.reason,
    })
}
