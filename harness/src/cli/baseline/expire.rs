//! `bench baseline expire`: take baselines out of use by an entry that says so.
//!
//! `bench gate` refuses an expired baseline instead of recording another by itself: somebody has decided, and somebody
//! decides what comes in its place.

use anyhow::{Result, ensure};
use baselines::{
    Digest,
    store::{Action, DirStore, Journal},
    timestamp::parse_ms,
};
use serde_json::Value;

use super::{document, name, none_of_that_name, note};
use crate::{
    baseline,
    cli::{Context, Format, options::StoreArgs, print, table::count},
    config::Config,
    measure::timestamp,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Options of `bench baseline expire`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,

    /// Name of the baseline; with `--older-than`, every baseline if none is given.
    #[arg(value_name = "NAME", required_unless_present = "older_than")]
    name: Option<String>,

    /// Every record of the journal that is older than this, in place of the one that the name points at.
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,

    /// Why; kept in the journal [default with `--older-than`: `older than DAYS days`].
    #[arg(long, value_name = "TEXT", required_unless_present = "older_than")]
    reason: Option<String>,

    /// Who stands for it; kept in the journal.
    #[arg(long, value_name = "WHO")]
    approved_by: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let by_age = args.older_than.map(|days| format!("older than {}", count(days.into(), "day")));
    let reason = args.reason.clone().or(by_age).unwrap_or_default();
    baseline::check_said("--reason", &reason)?;
    if let Some(who) = &args.approved_by {
        baseline::check_said("--approved-by", who)?;
    }
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let note = note(context, &reason, args.approved_by.as_deref());
    let now_ms = parse_ms(&timestamp(context.clock.utc()));
    let names = match &args.name {
        Some(given) => vec![name(Some(given), &config)],
        None => store.names()?,
    };
    let mut entries = Vec::new();
    for name in names {
        let journal = journal(&store, &name)?;
        let records = match (args.older_than, now_ms) {
            (Some(days), Some(now_ms)) => older(&journal, now_ms - i64::from(days) * DAY_MS),
            _ => vec![current(&journal)?],
        };
        let changes: Vec<_> = records.into_iter().map(|record| (Action::Expire, record)).collect();
        if !changes.is_empty() {
            entries.extend(store.append(&name, &changes, &note)?);
        }
    }
    match context.format {
        Format::Json => {
            print(&format!(
                "{:#}\n",
                Value::from(entries.iter().map(document).collect::<Vec<_>>())
            ))?;
        }
        Format::Human | Format::Md if entries.is_empty() => print("nothing to expire\n")?,
        Format::Human | Format::Md => {
            for entry in &entries {
                let (name, record) = (&entry.name, entry.record.short());
                print(&format!("baseline `{name}`: record {record} expired: {}\n", entry.reason))?;
            }
        }
    }
    Ok(0)
}

fn journal(store: &DirStore, name: &str) -> Result<Journal> {
    store.journal(name)?.ok_or_else(|| none_of_that_name("expire", name, store).into())
}

/// What the name points at, unless it has expired.
fn current(journal: &Journal) -> Result<Digest> {
    let name = journal.name();
    let in_use = journal.current().filter(|entry| journal.expiry_of(entry.record).is_none());
    ensure!(
        in_use.is_some(),
        "failed to expire baseline `{name}`: expected one in use, found one that has expired; `bench baseline show {name}` \
         has its journal"
    );
    Ok(in_use.expect("just looked at").record)
}

/// Every record in use that was made before `before_ms`, oldest first.
fn older(journal: &Journal, before_ms: i64) -> Vec<Digest> {
    let mut found = Vec::new();
    for entry in journal.entries().iter().filter(|entry| entry.action.moves()) {
        let old = parse_ms(&entry.recorded_at).is_some_and(|at_ms| at_ms < before_ms);
        if old && journal.expiry_of(entry.record).is_none() && !found.contains(&entry.record) {
            found.push(entry.record);
        }
    }
    found
}
