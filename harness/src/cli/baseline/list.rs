//! `bench baseline list`: the names of the store and what each points at.

use anyhow::Result;
use baselines::store::Journal;
use serde_json::{Value, json};

use super::{document, minute, state};
use crate::{
    cli::{Context, Format, options::StoreArgs, print, table},
    config::Config,
};

/// Options of `bench baseline list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let journals = store.journals()?;
    match context.format {
        Format::Json => {
            let list: Vec<_> = journals.iter().filter_map(json_of).collect();
            print(&format!("{:#}\n", Value::from(list)))?;
        }
        Format::Human | Format::Md if journals.is_empty() => {
            print(&format!(
                "no baseline in {}; `bench baseline record` makes one\n",
                store.root().display()
            ))?;
        }
        Format::Human | Format::Md => print(&human(&journals))?,
    }
    Ok(0)
}

fn human(journals: &[Journal]) -> String {
    let header = ["name", "recorded", "record", "machine", "state", "reason"];
    let mut listed = table::table(&header, 0..0);
    for journal in journals {
        let Some(current) = journal.current() else { continue };
        listed.add_row([
            journal.name().to_owned(),
            minute(&current.recorded_at),
            current.record.short(),
            current.fingerprint.short(),
            state(journal, current.record),
            current.reason.clone(),
        ]);
    }
    table::text(&listed)
}

fn json_of(journal: &Journal) -> Option<Value> {
    let current = journal.current()?;
    let mut value = document(current);
    value["n_entries"] = json!(journal.entries().len());
    value["expired_at"] = json!(journal.expiry_of(current.record).map(|expiry| &expiry.at));
    Some(value)
}
