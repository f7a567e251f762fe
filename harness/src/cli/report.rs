//! `bench report`: the page of a gate again, from its evidence alone; or the history of a store, as a page or for the terminal.

mod history;
mod terminal;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use baselines::Evidence;

use super::{Context, options::HistoryArgs};
use crate::{
    failure::Failure,
    files::{self, Document, PAGE},
};

/// Folder of the gate's files where none is named.
const FOLDER: &str = "ci";

/// Without `--store`, `--history` and `--terminal`: the page of the evidence at PATH alone. With one of them: the history of the
/// store, and at its head the session of the evidence at PATH, if PATH is given or ci/evidence.json is there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder with the files of a gate, or its evidence.json [default: ci].
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,

    /// The history of the store that `BENCH_STORE` or bench.toml names, else of the one in the user's data folder.
    #[arg(long)]
    history: bool,

    #[command(flatten)]
    of: HistoryArgs,

    /// Baseline that stands for the level to compare with [default: that of bench.toml, else main].
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,

    /// Policy with margins and waivers [default: that of the evidence; without evidence that of bench.toml, else ci/policy.toml,
    /// else the one that ships].
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,

    /// What a commit's hash is appended to for a link, https only [default: the repository's page on GitHub or GitLab, where the
    /// remote `origin` is there].
    #[arg(long, value_name = "URL")]
    commit_url: Option<String>,

    /// Print the history in 80 columns; no page is written unless `--out` says where.
    #[arg(long)]
    terminal: bool,

    /// File to write [default: report.html beside the evidence, else here].
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

impl Args {
    /// Whether they ask for a history.
    fn is_of_a_store(&self) -> bool {
        self.of.store.store.is_some() || self.history || self.terminal
    }

    /// The first option that only a history has.
    fn of_a_history(&self) -> Option<&'static str> {
        [
            ("--workload", self.of.workload.is_some()),
            ("--fresh", self.of.fresh),
            ("--baseline", self.baseline.is_some()),
            ("--policy", self.policy.is_some()),
            ("--commit-url", self.commit_url.is_some()),
        ]
        .into_iter()
        .find_map(|(name, is_given)| is_given.then_some(name))
    }

    fn path(&self) -> PathBuf {
        files::evidence_path(self.path.as_deref().unwrap_or(Path::new(FOLDER)))
    }
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    if args.is_of_a_store() {
        return history::run(args, context);
    }
    if let Some(name) = args.of_a_history() {
        bail!(
            "failed to read the options: expected `--store DIR`, `--history` or `--terminal` beside `{name}`, which is about the \
             history of a store; found none of them"
        );
    }
    let path = args.path();
    let evidence = evidence(&path)?;
    let derived = gates::derive(&evidence).context("failed to derive the gates")?;
    let page = files::page(&evidence, &derived)?;
    write(args, Some(&path), &page, context)
}

/// The bundle at `path`.
fn evidence(path: &Path) -> Result<Evidence> {
    match Document::read(path)? {
        Document::Evidence(evidence) => Ok(*evidence),
        Document::Record(_) => Err(Failure::incomparable(format!(
            "failed to report on `{}`: expected the evidence of `bench gate`, found a run record; the page shows a comparison",
            path.display()
        ))
        .into()),
    }
}

/// Writes the page where it is asked for, else beside the evidence, else here.
fn write(args: &Args, evidence: Option<&Path>, page: &str, context: &Context<'_>) -> Result<u8> {
    let beside = || evidence.map_or_else(|| PathBuf::from(PAGE), |path| path.with_file_name(PAGE));
    let out = args.out.clone().unwrap_or_else(beside);
    baselines::write_atomic(&out, page.as_bytes(), files::READABLE)
        .context("failed to write the report")?;
    context.progress.note(&format!("wrote {}", out.display()));
    Ok(0)
}
