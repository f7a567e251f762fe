//! `bench export`: the tracks of a store's history as data, in four forms. In: a store. Out: stdout, a file, or a folder of charts.

mod csv;
mod json;
mod markdown;
mod svg;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::ArgGroup;

use super::{
    Context,
    options::{BASELINE, HistoryArgs},
    print,
    table::count,
};
use crate::{
    config::Config,
    files,
    history::{self, Asked},
};

/// Options of `bench export`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("form").required(true).multiple(false))]
pub(crate) struct Args {
    /// One row for each point of each track (RFC 4180). A text that a spreadsheet would take for a formula has an apostrophe before it.
    #[arg(long, group = "form")]
    csv: bool,

    /// One versioned document.
    #[arg(long, group = "form")]
    json: bool,

    /// A table of the tracks, and one of the largest changes.
    #[arg(long, group = "form")]
    markdown: bool,

    /// The chart of each track, a file each in the folder `--out`.
    #[arg(long, group = "form", requires = "out")]
    svg: bool,

    #[command(flatten)]
    of: HistoryArgs,

    /// File to write, of `--svg` a folder [default: standard output].
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let store = args.of.store.open(context, &config)?;
    let asked = Asked {
        store: &store,
        cache: context.vars.history_cache(),
        fresh: args.of.fresh,
        baseline: config.baseline_name.as_deref().unwrap_or(BASELINE),
        policy: None,
        evidence: None,
        commit_url: None,
        workload: args.of.workload.as_deref(),
        command: String::new(),
        repository: ".".as_ref(),
    };
    let history = history::history(&asked, context.progress)?;
    for left_out in &history.left_out {
        context.progress.note(&format!("left out: {}: {}", left_out.reason, left_out.n));
    }
    let text = match (args.csv, args.json, args.markdown, &args.out) {
        (true, ..) => csv::text(&history)?,
        (_, true, ..) => json::text(&history)?,
        (_, _, true, _) => markdown::text(&history),
        (.., Some(folder)) => {
            let n = svg::write(&history, folder)?;
            context.progress.note(&format!(
                "wrote {} to {}",
                count(n as u64, "chart"),
                folder.display()
            ));
            return Ok(0);
        }
        // The command line asks for it beside `--svg`.
        (.., None) => bail!("failed to export: expected a folder with `--out`, found none"),
    };
    match &args.out {
        Some(path) => {
            baselines::write_atomic(path, text.as_bytes(), files::READABLE)
                .context("failed to write the export")?;
            context.progress.note(&format!("wrote {}", path.display()));
        }
        None => print(&text)?,
    }
    Ok(0)
}
