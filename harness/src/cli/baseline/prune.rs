//! `bench baseline prune`: free the space of records and binaries that no baseline needs.
//!
//! It deletes unless `--dry-run` is given, as `restic forget --prune` and `borg prune` do: the number to keep has to be
//! given, so the intent is there. What goes is in `baselines/src/retention.rs`; the journals keep every entry.

use anyhow::{Context as _, Result};
use baselines::{
    retention::{File, Plan, Rule},
    timestamp::parse_ms,
    unit::Unit,
};
use serde_json::{Value, json};

use super::note;
use crate::{
    cli::{Context, Format, options::StoreArgs, print, table::count},
    config::Config,
    measure::timestamp,
};

/// Options of `bench baseline prune`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,

    /// Records of each baseline that stay with their binaries, newest first; what a name points at stays in any case.
    #[arg(long, value_name = "N")]
    keep: usize,

    /// Days for which every record stays, for the trend.
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    history_days: u32,

    /// Say what would be deleted, and delete nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let rule = Rule { keep: args.keep, history_days: args.history_days };
    let reason = format!("prune --keep {} --history-days {}", args.keep, args.history_days);
    let now_ms = parse_ms(&timestamp(context.clock.utc())).context("failed to read the clock")?;
    let plan = if args.dry_run {
        store.prunable(rule, now_ms)
    } else {
        store.prune(rule, now_ms, &note(context, &reason, None))
    };
    let plan = plan.context("failed to prune: nothing was deleted that a baseline needs")?;
    print(&match context.format {
        Format::Json => format!("{:#}\n", json_of(&plan, args.dry_run)),
        Format::Human | Format::Md => human(&plan, args.dry_run),
    })?;
    Ok(0)
}

fn human(plan: &Plan, dry_run: bool) -> String {
    let done = if dry_run { "would delete" } else { "deleted" };
    let line = |what: &str, file: &File| {
        format!("{done} {what} {} ({})\n", file.digest.short(), bytes(file.bytes))
    };
    let mut said = String::new();
    said.extend(plan.records.iter().map(|file| line("record", file)));
    said.extend(plan.binaries.iter().map(|file| line("binary", file)));
    let (records, binaries) = (plan.records.len() as u64, plan.binaries.len() as u64);
    let binaries =
        if binaries == 1 { "1 binary".to_owned() } else { format!("{binaries} binaries") };
    said + &format!("{done} {} and {binaries}: {}\n", count(records, "record"), bytes(plan.bytes()))
}

fn json_of(plan: &Plan, dry_run: bool) -> Value {
    let list = |files: &[File]| -> Vec<Value> {
        let one = |file: &File| json!({ "digest": file.digest.to_string(), "bytes": file.bytes });
        files.iter().map(one).collect()
    };
    json!({
        "dry_run": dry_run,
        "records": list(&plan.records),
        "binaries": list(&plan.binaries),
        "bytes": plan.bytes(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "for people, and far below 2^53")]
fn bytes(n: u64) -> String {
    Unit::Bytes.text(n as f64)
}
