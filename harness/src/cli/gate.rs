//! `bench gate`: run, compare with the baseline in pairs, write the gate files, print the verdict.

use std::path::PathBuf;

use anyhow::Result;

use super::{
    Context, Format, baseline,
    options::{StoreArgs, SubjectArgs},
    print, table,
};
use crate::{config::Config, pipeline, policy, session};

/// Options of `bench gate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    subject: SubjectArgs,

    #[command(flatten)]
    store: StoreArgs,

    /// Name of the baseline to compare with [default: main].
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,

    /// Pairs of worker processes at the latest; a session ends at the first look of the policy that decides all [default:
    /// the policy's last look].
    #[arg(long, value_name = "N")]
    pairs: Option<u64>,

    /// Folder of the gate's files.
    #[arg(long, value_name = "PATH", default_value = "ci")]
    out: PathBuf,

    /// Policy: margins, budgets, routes [default: ci/policy.toml, else the one that ships].
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let start_ns = context.clock.now_ns();
    let config = Config::read(context.config.as_deref())?;
    let pairs = args.pairs.or(config.pairs);
    pairs.map_or(Ok(()), |pairs| session::check_count("pairs", pairs, 2))?;
    let policy = policy::text(args.policy.as_deref().or(config.policy.as_deref()))?;
    let store = args.store.open(context, &config)?;
    let assignment = args.subject.assignment(context, &config, None)?;
    let name = baseline::name(args.baseline.as_deref(), &config);

    let mut bootstrap = args.subject.to_args(&assignment);
    bootstrap.push(format!("--store={}", store.root().display()));
    bootstrap.push(format!("--name={name}"));
    bootstrap.push("--reason=bootstrap".to_owned());
    // Base and head are one build: the gate counts its accuracy once.
    bootstrap.push("--without-accuracy".to_owned());
    bootstrap.extend(context.config.as_ref().map(|path| format!("--config={}", path.display())));
    let gate = pipeline::Gate {
        assignment: &assignment,
        pairs,
        store: &store,
        baseline: &name,
        bootstrap: (!context.vars.ci()).then_some(bootstrap.as_slice()),
        policy: &policy,
        out: &args.out,
    };
    let (derived, marks) = pipeline::gate(&gate, context.clock, context.progress)?;

    match context.format {
        Format::Human => {
            let wall_ns = context.clock.now_ns() - start_ns;
            print(&table::verdict(&derived, &marks, &args.out, wall_ns))?;
        }
        Format::Json => print(&table::verdict_json(&derived))?,
        Format::Md => {
            let report = derived.files().into_iter().find(|(name, _)| *name == "report.md");
            print(&String::from_utf8_lossy(&report.map(|(_, bytes)| bytes).unwrap_or_default()))?;
        }
    }
    Ok(derived.verdict.exit_code())
}
