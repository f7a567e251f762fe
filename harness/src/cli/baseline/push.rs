//! `bench baseline push`: put the store's records and journals, and a page, into a branch of a git remote.
//! Any number of runners may push at once; `baselines/docs/store.md` says how, and what GitHub must permit.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use baselines::store::branch::{Branch, MAX_PAGE_BYTES, Push, Pushed};
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
    measure::timestamp,
    nonce,
};

/// Options of `bench baseline push`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    branch: BranchArgs,

    #[command(flatten)]
    store: StoreArgs,

    /// A page for GitHub Pages, e.g. `ci/report.html`; it becomes the branch's `index.html`.
    #[arg(long, value_name = "PATH")]
    page: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let store = args.store.open(context, &config)?;
    let branch = args.branch.branch()?;
    let page = args.page.as_deref().map(|path| baselines::read_bounded(path, MAX_PAGE_BYTES));
    let page = page.transpose().context("failed to read the page")?;
    let (now, unique) = (timestamp(context.clock.utc()), nonce::draw()?);
    let push = Push { now: &now, unique: &unique, page: page.as_deref() };
    let pushed = branch.push(&store, push).context("failed to push the baselines")?;
    print(&match context.format {
        Format::Json => format!("{:#}\n", json_of(&pushed)),
        Format::Human | Format::Md => human(&pushed, &branch) + &skipped_text(&pushed.skipped),
    })?;
    Ok(0)
}

fn human(pushed: &Pushed, branch: &Branch) -> String {
    let mut did = Vec::new();
    if pushed.n_records > 0 {
        did.push(count(pushed.n_records as u64, "record"));
    }
    did.extend(pushed.journals.iter().map(|name| format!("journal of `{name}`")));
    if pushed.page {
        did.push("page".to_owned());
    }
    match pushed.n_folded {
        0 => {}
        1 => did.push("what 1 other push left".to_owned()),
        n => did.push(format!("what {n} other pushes left")),
    }
    let packed = match &pushed.months[..] {
        [] => String::new(),
        months => format!("; packed {}", months.join(", ")),
    };
    let races = match pushed.retries {
        0 => String::new(),
        1 => "; another push was first once".to_owned(),
        n => format!("; other pushes were first {n} times"),
    };
    let to = branch.shown();
    match &did[..] {
        [] if packed.is_empty() => format!("{to} has all of the store\n"),
        [] => format!("{to} has all of the store{packed}{races}\n"),
        _ => format!("pushed to {to}: {}{packed}{races}\n", did.join(", ")),
    }
}

fn json_of(pushed: &Pushed) -> Value {
    json!({
        "commit": pushed.commit,
        "n_records": pushed.n_records,
        "page": pushed.page,
        "n_folded": pushed.n_folded,
        "journals": pushed.journals,
        "months_packed": pushed.months,
        "retries": pushed.retries,
        "skipped": skipped_json(&pushed.skipped),
    })
}
