//! `bench compare`: a record and another, as a table with intervals; or a record and what a baseline of the store predicts.
//!
//! Two records of different sessions are estimated and never judged: the machine's drift between them is in the number.
//! Several stored sessions say how much it drifts: `compare/stored.rs`.

mod show;
mod stored;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use baselines::{
    RunRecord,
    record::{CommandInfo, What},
};
use gates::{Policy, Verdict};

use super::{Context, Format, options::StoreArgs, print, table};
use crate::{config::Config, failure::Failure, files, policy};
pub(super) use stored::SESSIONS;

/// Options of `bench compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The newer record: a file of `bench run --json`, a run record, or a bundle (its head).
    #[arg(long, value_name = "PATH")]
    current: PathBuf,

    /// The older record: likewise (of a bundle, its head). Or the name of a baseline of the store: its last sessions on
    /// this machine say what to expect of the current one, and how much they vary.
    #[arg(long, value_name = "PATH|NAME")]
    baseline: PathBuf,

    #[command(flatten)]
    store: StoreArgs,

    /// With a NAME: at most so many of its sessions, the last ones [default: 20].
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(1..))]
    last: Option<u16>,

    /// With a NAME: only sessions of the current commit and its ancestors, as git knows them here.
    #[arg(long)]
    ancestry: bool,

    /// Policy with margins [default: the one that ships].
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let policy_text = policy::text(args.policy.as_deref().or(config.policy.as_deref()))?;
    let policy = Policy::parse(&policy_text).context("failed to read the policy")?;
    if let Some(name) = stored::name(&args.baseline) {
        let head = files::read_record(&args.current)?;
        return stored::run(args, name, &head, &policy, context, &config);
    }
    ensure!(
        args.last.is_none() && !args.ancestry,
        "failed to read the options: `--last` and `--ancestry` choose among the sessions of a baseline: expected its name \
         with `--baseline`, found the file `{}`",
        args.baseline.display()
    );
    let base = files::read_record(&args.baseline)?;
    let head = files::read_record(&args.current)?;
    for (name, record) in [("baseline", &base), ("current", &head)] {
        if let Some(refusal) = gates::check_record(record).first() {
            return Err(Failure::invalid(format!("{name}: {}", files::paragraph(refusal))).into());
        }
    }
    comparable(&base, &head)?;

    let rows = gates::compare_records(&base, &head, &policy);
    match context.format {
        Format::Human => print(&table::rows(&rows))?,
        Format::Md => print(&table::rows_markdown(&rows))?,
        Format::Json => print(&table::rows_json(&rows))?,
    }
    Ok(verdict(&rows).exit_code())
}

fn model(record: &RunRecord) -> String {
    let of_engine = record.subject.engine().map(|engine| engine.model.digest.short());
    of_engine.unwrap_or_else(|| "none (a command)".to_owned())
}

/// Of a command, all that surrounds its line.
fn settings(record: &RunRecord) -> String {
    match &record.subject.what {
        What::Engine(engine) => format!("{:?}", engine.settings),
        What::Command(command) => {
            format!("{:?}", CommandInfo { line: String::new(), ..command.clone() })
        }
    }
}

/// Two records can be compared if machine, model and settings are the same and the outputs are.
fn comparable(base: &RunRecord, head: &RunRecord) -> Result<()> {
    // No test can tell it from a change without effect: every ratio is 1, and so is every interval.
    if base == head {
        return Err(Failure::incomparable(
            "failed to compare: expected two records, found the same one twice; nothing was compared",
        )
        .into());
    }
    let differences = [
        ("the machine's fingerprint", base.host.fingerprint.short(), head.host.fingerprint.short()),
        ("the model's SHA-256", model(base), model(head)),
        ("the settings", settings(base), settings(head)),
    ];
    for (what, expected, found) in differences {
        if expected != found {
            return Err(Failure::incomparable(format!(
                "failed to compare: {what}: expected {expected} as in the baseline, found {found}; measure both on one \
                 machine, with one model and one set of settings"
            ))
            .into());
        }
    }
    let outputs = |record: &RunRecord| {
        record.processes.first().map(|process| process.outputs.clone()).unwrap_or_default()
    };
    let (base, head) = (outputs(base), outputs(head));
    for mine in &head {
        let same_question = |theirs: &&baselines::record::Output| {
            theirs.workload == mine.workload
                && theirs.prompt_ids_digest == mine.prompt_ids_digest
                && theirs.n_generated == mine.n_generated
        };
        let Some(theirs) = base.iter().find(same_question) else { continue };
        if theirs.logits_digest != mine.logits_digest
            || theirs.output_ids_digest != mine.output_ids_digest
        {
            return Err(Failure::invalid(format!(
                "failed to compare: output of `{}`: expected logits {} as in the baseline, found {}; a time with another \
                 output is not a faster or slower one",
                mine.workload,
                theirs.logits_digest.short(),
                mine.logits_digest.short()
            ))
            .into());
        }
    }
    Ok(())
}

/// The worst row decides; a comparison of nothing is none.
fn verdict(rows: &[gates::Row]) -> Verdict {
    Verdict::of_metrics(&rows.iter().map(|row| row.verdict).collect::<Vec<_>>())
}
