//! `bench baseline show`: the journal of a name, what its record measured, and how much its sessions vary.

use anyhow::{Context as _, Result};
use baselines::store::{Entry, Journal};

use super::{minute, name, none_of_that_name, spread};
use crate::{
    cli::{Context, Format, options::StoreArgs, print, table},
    config::Config,
};

/// Options of `bench baseline show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,

    /// Name of the baseline [default: main].
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let name = name(args.name.as_deref(), &config);
    let journal = store.journal(&name)?;
    let current = journal.as_ref().and_then(|journal| Some((journal, journal.current()?)));
    let Some((journal, current)) = current else {
        return Err(none_of_that_name("show", &name, &store).into());
    };
    let record = store
        .get_record(current.record)
        .with_context(|| format!("failed to read baseline `{name}`"))?;
    match context.format {
        Format::Json => print(&String::from_utf8_lossy(&record.to_json()))?,
        Format::Human | Format::Md => {
            print(&human(journal))?;
            print(&table::record(&record))?;
            print(&spread::human(&store, current, &record)?)?;
        }
    }
    Ok(0)
}

/// The journal, oldest entry first.
pub(super) fn human(journal: &Journal) -> String {
    let mut listed = table::table(&["when (UTC)", "what", "record", "by", "reason"], 0..0);
    for entry in journal.entries() {
        listed.add_row([
            minute(&entry.at),
            entry.action.name().to_owned(),
            entry.record.short(),
            by(entry),
            entry.reason.clone(),
        ]);
    }
    let mut said = format!("baseline `{}`\n{}", journal.name(), table::text(&listed));
    if let Some(expiry) = journal.current().and_then(|entry| journal.expiry_of(entry.record)) {
        said += &format!("expired {}: {}\n", minute(&expiry.at), expiry.reason);
    }
    said + &torn(journal)
}

/// What is said of a last line that was not written to its end.
pub(super) fn torn(journal: &Journal) -> String {
    match journal.torn_bytes() {
        0 => String::new(),
        n => format!(
            "warning: journal-torn: {n} bytes after its last newline are no entry, and none is missing; the next entry \
             takes their place\n"
        ),
    }
}

/// Who stands for an entry.
fn by(entry: &Entry) -> String {
    entry.approved_by.clone().unwrap_or_else(|| entry.recorded_by.clone())
}
