//! `bench baseline pull`: take the records and journals that a branch of a git remote has and the store lacks.

use anyhow::{Context as _, Result};
use baselines::store::branch::{Branch, Pulled};
use serde_json::{Value, json};

use super::{skipped_json, skipped_text};
use crate::{
    cli::{
        Context, Format,
        options::{BranchArgs, StoreArgs},
        print,
        table::count,
    },
    config::Config,
};

/// Options of `bench baseline pull`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    branch: BranchArgs,

    #[command(flatten)]
    store: StoreArgs,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let branch = args.branch.branch()?;
    let pulled = branch.pull(&store).context("failed to pull the baselines")?;
    print(&match context.format {
        Format::Json => format!("{:#}\n", json_of(&pulled)),
        Format::Human | Format::Md => human(&pulled, &branch) + &skipped_text(&pulled.skipped),
    })?;
    Ok(0)
}

fn human(pulled: &Pulled, branch: &Branch) -> String {
    let from = branch.shown();
    if !pulled.exists && pulled.n_new + pulled.n_known == 0 {
        return format!("{from} is not there yet; `bench baseline push` makes it\n");
    }
    let journals = pulled.journals.iter().map(|name| format!(", journal of `{name}`"));
    format!(
        "pulled from {from}: {} ({} were here){}\n",
        count(pulled.n_new as u64, "new record"),
        pulled.n_known,
        journals.collect::<String>()
    )
}

fn json_of(pulled: &Pulled) -> Value {
    json!({
        "exists": pulled.exists,
        "n_new": pulled.n_new,
        "n_known": pulled.n_known,
        "journals": pulled.journals,
        "skipped": skipped_json(&pulled.skipped),
    })
}
