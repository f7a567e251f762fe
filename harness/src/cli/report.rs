//! `bench report`: the page of a gate again, from its evidence alone.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::Context;
use crate::{
    failure::Failure,
    files::{self, Document, PAGE},
};

/// Options of `bench report`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder with the files of a gate, or its evidence.json.
    #[arg(value_name = "PATH", default_value = "ci")]
    path: PathBuf,

    /// File to write [default: report.html beside the evidence].
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let path = files::evidence_path(&args.path);
    let Document::Evidence(evidence) = Document::read(&path)? else {
        return Err(Failure::incomparable(format!(
            "failed to report on `{}`: expected the evidence of `bench gate`, found a run record; the page shows a comparison",
            path.display()
        ))
        .into());
    };
    let derived = gates::derive(&evidence).context("failed to derive the gates")?;
    let page = files::page(&evidence, &derived)?;
    let out = args.out.clone().unwrap_or_else(|| path.with_file_name(PAGE));
    baselines::write_atomic(&out, page.as_bytes(), files::READABLE)
        .context("failed to write the report")?;
    context.progress.note(&format!("wrote {}", out.display()));
    Ok(0)
}
