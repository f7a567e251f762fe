//! `bench baseline`: the register of its subcommands, and what they share.
//! What they write is an entry of a journal; the process that compares has none of them.

mod diff;
mod expire;
mod keep;
mod list;
mod promote;
mod prune;
mod pull;
mod push;
mod record;
mod show;
mod spread;
mod verify;

use anyhow::Result;
use baselines::{
    Digest,
    store::{Entry, Journal, Note, branch::Skipped},
};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Context, options::BASELINE};
use crate::{config::Config, failure::Failure, measure::timestamp};

/// The subcommands of `bench baseline`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure this program, keep record and binary, and point the baseline at them.
    Record(Box<record::Args>),
    /// Put the record of a measurement that is there already into the store, for its history; no baseline is moved.
    Keep(keep::Args),
    /// Point a baseline at a record that the store has.
    Promote(promote::Args),
    /// List the baselines of the store.
    List(list::Args),
    /// Show one baseline: its journal, where it comes from and what it measured.
    Show(show::Args),
    /// Show two records side by side.
    Diff(diff::Args),
    /// Check journals, records and binaries against their digests and the rules of evidence.
    Verify(verify::Args),
    /// Delete old records and binaries that no baseline needs.
    Prune(prune::Args),
    /// Take a baseline out of use; its journal and its record stay.
    Expire(expire::Args),
    /// Put records, journals and a page into a branch of a git remote.
    Push(push::Args),
    /// Take what a branch of a git remote has and the store lacks.
    Pull(pull::Args),
}

pub(crate) fn run(command: &Command, context: &Context<'_>) -> Result<u8> {
    match command {
        Command::Record(args) => record::run(args, context),
        Command::Keep(args) => keep::run(args, context),
        Command::Promote(args) => promote::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Show(args) => show::run(args, context),
        Command::Diff(args) => diff::run(args, context),
        Command::Verify(args) => verify::run(args, context),
        Command::Prune(args) => prune::run(args, context),
        Command::Expire(args) => expire::run(args, context),
        Command::Push(args) => push::run(args, context),
        Command::Pull(args) => pull::run(args, context),
    }
}

/// The name given, else that of bench.toml, else `main`.
pub(super) fn name(given: Option<&str>, config: &Config) -> String {
    given.or(config.baseline_name.as_deref()).unwrap_or(BASELINE).to_owned()
}

/// When, why and by whom an entry is written now.
fn note(context: &Context<'_>, reason: &str, approved_by: Option<&str>) -> Note {
    Note {
        at: timestamp(context.clock.utc()),
        reason: reason.to_owned(),
        recorded_by: context.vars.user(),
        approved_by: approved_by.map(str::to_owned),
    }
}

/// Why there is no baseline to work on.
fn none_of_that_name(what: &str, name: &str, store: &baselines::store::DirStore) -> Failure {
    Failure::incomparable(format!(
        "failed to {what} baseline `{name}`: store `{}` has none of that name; `bench baseline list` names those it has",
        store.root().display()
    ))
}

/// `2026-03-02 09:00` of a timestamp.
pub(super) fn minute(timestamp: &str) -> String {
    timestamp.get(..16).unwrap_or_default().replace('T', " ")
}

/// What a name points at: `in use`, or since when not.
fn state(journal: &Journal, record: Digest) -> String {
    journal.expiry_of(record).map_or_else(
        || "in use".to_owned(),
        |expiry| format!("expired {}", expiry.at.get(..10).unwrap_or_default()),
    )
}

/// What of a branch was left alone, for people.
fn skipped_text(skipped: &[Skipped]) -> String {
    let line = |Skipped { what, why }: &Skipped| format!("warning: left alone: {what}: {why}\n");
    skipped.iter().map(line).collect()
}

/// The same for machines.
fn skipped_json(skipped: &[Skipped]) -> Vec<Value> {
    skipped.iter().map(|Skipped { what, why }| json!({ "what": what, "why": why })).collect()
}

/// An entry as JSON.
fn document(entry: &Entry) -> Value {
    json!({
        "name": entry.name,
        "action": entry.action.name(),
        "record": entry.record.to_string(),
        "binary": entry.binary.to_string(),
        "model": entry.model.to_string(),
        "fingerprint": entry.fingerprint.to_string(),
        "commit": entry.commit,
        "recorded_at": entry.recorded_at,
        "at": entry.at,
        "reason": entry.reason,
        "recorded_by": entry.recorded_by,
        "approved_by": entry.approved_by,
    })
}
