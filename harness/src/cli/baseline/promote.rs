//! `bench baseline promote`: point a name at a record that the store has, with a reason and somebody who stands for it.

use anyhow::{Context as _, Result, ensure};
use baselines::{
    Digest,
    store::{Action, DirStore},
};

use super::{document, name, note};
use crate::{
    baseline::{self, PROCESSES_LEAST},
    cli::{Context, Format, options::StoreArgs, print},
    config::Config,
    failure::Failure,
};

/// Options of `bench baseline promote`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,

    /// The record: its digest, the first digits of it, or the name of a baseline that points at it.
    #[arg(value_name = "RECORD|NAME")]
    record: String,

    /// Name of the baseline that is moved [default: main].
    #[arg(long, value_name = "NAME")]
    to: Option<String>,

    /// Why; kept in the journal.
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Who stands for it; kept in the journal.
    #[arg(long, value_name = "WHO")]
    approved_by: String,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    baseline::check_said("--reason", &args.reason)?;
    baseline::check_said("--approved-by", &args.approved_by)?;
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let to = name(args.to.as_deref(), &config);
    let digest = source(&store, &args.record)?;
    check(&store, digest, &to)?;
    let note = note(context, &args.reason, Some(&args.approved_by));
    let entries = store
        .append(&to, &[(Action::Promote, digest)], &note)
        .with_context(|| format!("failed to promote record {} to `{to}`", digest.short()))?;
    for entry in &entries {
        print(&match context.format {
            Format::Json => format!("{:#}\n", document(entry)),
            Format::Human | Format::Md => format!(
                "baseline `{to}`: record {} of {}, approved by {}: {}\n",
                digest.short(),
                super::minute(&entry.recorded_at),
                args.approved_by,
                entry.reason
            ),
        })?;
    }
    Ok(0)
}

/// The record that is meant. A name stands for what it points at as long as that is in use.
fn source(store: &DirStore, text: &str) -> Result<Digest> {
    let digest = store.resolve(text).context("failed to promote")?;
    if store.names()?.iter().any(|name| name == text)
        && let Some(journal) = store.journal(text)?
        && let Some(expiry) = journal.expiry_of(digest)
    {
        return Err(Failure::incomparable(format!(
            "failed to promote baseline `{text}`: expected one in use, found one that expired {} ({}); give its record's \
             digest {} if it is to be used again",
            expiry.at,
            expiry.reason,
            digest.short()
        ))
        .into());
    }
    Ok(digest)
}

/// Refuses a record that `bench baseline record` would not have pointed at, and a promotion that moves nothing.
fn check(store: &DirStore, digest: Digest, to: &str) -> Result<()> {
    let at_fault = || format!("failed to promote record {}", digest.short());
    let record = store.get_record(digest).with_context(at_fault)?;
    store
        .binary_path(record.subject.binary)
        .with_context(|| format!("{}: a baseline keeps its binary, to run it again", at_fault()))?;
    if let Some(refusal) = gates::check_record(&record).first() {
        return Err(Failure::invalid(format!(
            "{}: {}",
            at_fault(),
            crate::files::paragraph(refusal)
        ))
        .into());
    }
    let n = record.processes.len() as u64;
    if n < PROCESSES_LEAST {
        return Err(Failure::invalid(format!(
            "{}: expected at least {PROCESSES_LEAST} processes, found {n}; `bench baseline record` measures as many",
            at_fault()
        ))
        .into());
    }
    let journal = store.journal(to)?;
    let current = journal.as_ref().and_then(|journal| Some((journal, journal.current()?)));
    let in_use = current.filter(|(journal, _)| journal.expiry_of(digest).is_none());
    ensure!(
        in_use.is_none_or(|(_, current)| current.record != digest),
        "{}: expected another record than `{to}` points at, found the same; there is nothing to move",
        at_fault()
    );
    Ok(())
}
