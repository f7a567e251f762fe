//! `bench baseline keep`: put a measurement that is there already into the store, for its history. No name is moved to it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use baselines::RunRecord;
use serde_json::json;

use crate::{
    cli::{Context, Format, options::StoreArgs, print},
    config::Config,
    failure::Failure,
    files::{self, Document},
};

/// Options of `bench baseline keep`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder with the files of a gate, its evidence.json, or a run record.
    #[arg(value_name = "PATH", default_value = "ci")]
    path: PathBuf,

    #[command(flatten)]
    store: StoreArgs,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let path = files::evidence_path(&args.path);
    let failed = || format!("failed to keep the record in `{}`", path.display());
    let record = match Document::read(&path)? {
        Document::Evidence(evidence) => {
            let derived = gates::derive(&evidence).with_context(failed)?;
            refuse(&derived.refusals).with_context(failed)?;
            evidence.head
        }
        Document::Record(record) => {
            refuse(&gates::check_record(&record)).with_context(failed)?;
            *record
        }
    };
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let digest = store.put_record(&record).with_context(failed)?;
    print(&match context.format {
        Format::Json => {
            let kept =
                json!({ "record": digest.to_string(), "commit": record.commit_under_test() });
            format!("{kept:#}\n")
        }
        Format::Human | Format::Md => format!(
            "kept record {} {}in {}\n",
            digest.short(),
            of_commit(&record),
            store.root().display()
        ),
    })?;
    Ok(0)
}

/// What does not hold is no history either.
fn refuse(refusals: &[gates::Refusal]) -> Result<()> {
    match refusals.first() {
        None => Ok(()),
        Some(refusal) => Err(Failure::invalid(files::paragraph(refusal)).into()),
    }
}

/// `of commit 0123456789ab `, where it is known.
fn of_commit(record: &RunRecord) -> String {
    record.commit_under_test().map_or_else(String::new, |commit| {
        format!("of commit {} ", commit.chars().take(12).collect::<String>())
    })
}
