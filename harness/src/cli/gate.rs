//! `bench gate`: run, compare with the baseline in pairs, write the gate files, print the verdict.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use baselines::{record::Mark, store::DirStore};
use gates::Derived;

use super::{
    Context, Format, baseline,
    bench_target::{Around, BenchArgs},
    builds::BuildArgs,
    command::CommandArgs,
    options::{StoreArgs, SubjectArgs},
    print, table,
};
use crate::{
    arms::Arms,
    config::Config,
    given::{Arm, Target},
    pipeline,
    policy::{self, Ruling},
    session::{self, Assignment},
    step_outputs, step_summary,
};

/// Exit code of a fail.
const FAIL: u8 = 2;

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

    #[command(flatten)]
    builds: BuildArgs,

    /// Pairs of worker processes at the latest; a session ends at the first look of the policy that decides all [default:
    /// the policy's last look].
    #[arg(long, value_name = "N")]
    pairs: Option<u64>,

    /// Folder of the gate's files.
    #[arg(long, value_name = "PATH", default_value = "ci")]
    out: PathBuf,

    /// Policy: margins, budgets, routes [default: the base revision's ci/policy.toml, without `--base` this folder's, else the one that ships; of commands, the same margins and
    /// routes for wall time, without budgets].
    #[arg(long, value_name = "PATH", conflicts_with = "gated")]
    policy: Option<PathBuf>,

    /// Take the hops of earlier gates from this route.json, e.g. the last run's artifact [default: the one in the output
    /// folder].
    #[arg(long, value_name = "PATH")]
    hops: Option<PathBuf>,

    // Last: what follows them would stand under their headings.
    #[command(flatten)]
    command: Box<CommandArgs>,

    #[command(flatten)]
    bench: Box<BenchArgs>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let start_ns = context.clock.now_ns();
    let done = judge(args, context);
    let judged = done.as_ref().map(|(derived, _)| derived);
    let outputs = step_outputs::of_gate(judged);
    let written = step_outputs::append(context.vars.github().output().as_deref(), &outputs);
    let summary = step_summary::of_gate(judged);
    let shown = step_summary::append(context.vars.github().step_summary().as_deref(), &summary);
    let (derived, marks) = done?;
    let exit_code = show(&derived, &marks, args, context, start_ns)?;
    written?;
    shown?;
    Ok(exit_code)
}

/// Measures, and judges what was measured.
fn judge(args: &Args, context: &Context<'_>) -> Result<(Derived, Vec<Mark>)> {
    let hops = args.hops.as_deref();
    let config = Config::read(context.config.as_deref())?;
    let pairs = args.pairs.or(config.pairs);
    pairs.map_or(Ok(()), |pairs| session::check_count("pairs", pairs, 2))?;
    let of_engine = !args.command.are_given() && args.bench.target().is_none();
    ensure!(
        of_engine || args.subject.nonce.is_none(),
        "failed to plan the session: `--nonce` is what prompts of the engine come from, a command has none; leave it out"
    );
    if args.command.are_given() {
        let spec = args.command.spec(args.subject.seed(context, &config)?, context.vars.path())?;
        let policy = match &args.policy {
            Some(path) => policy::text(Some(path))?,
            None => args.command.policy(&spec)?,
        };
        let gate =
            pipeline::CommandGate { spec: &spec, pairs, policy: &policy, out: &args.out, hops };
        return pipeline::gate_commands(&gate, context.clock, context.progress);
    }
    if let (Some(target), Some(base)) = (args.bench.target(), &args.builds.base) {
        let policy = args.policy.as_deref().map(|path| policy::text(Some(path))).transpose()?;
        let around = Around {
            base,
            builds: &args.builds,
            seed: args.subject.seed(context, &config)?,
            timeout: args.command.timeout()?,
            pairs,
            policy: policy.as_deref(),
            out: &args.out,
            hops,
        };
        return args.bench.gate(target, &around, context);
    }
    let given = args.policy.as_deref();
    let here = || policy::text(given.or(config.policy.as_deref())).map(Ruling::of_text);
    let store = args.store.open(context, &config)?;
    let mut assignment = args.subject.assignment(context, &config, None)?;
    let name = baseline::name(args.baseline.as_deref(), &config);
    let bootstrap = bootstrap(args, &assignment, &store, &name, context);
    let (arms, ruling) = match &args.builds.base {
        Some(base) => {
            let (base, head) = given_arms(args, base, &mut assignment, context)?;
            let of_base = match given {
                Some(_) => None,
                None => Ruling::of_base(&base, &head, Some(store.root()))?,
            };
            let arms = Arms::Given { base: base.program, head: head.program, given: base.given };
            (arms, of_base.map_or_else(here, Ok)?)
        }
        None => {
            let bootstrap = (!context.vars.ci()).then_some(bootstrap.as_slice());
            (Arms::Stored { name: &name, bootstrap }, here()?)
        }
    };
    for edit in &ruling.edits {
        context.progress.note(&format!("`{}` is the base's: the head has another one", edit.path));
    }
    let gate = pipeline::Gate {
        assignment: &assignment,
        pairs,
        store: &store,
        arms,
        ruling,
        out: &args.out,
        hops,
    };
    pipeline::gate(&gate, context.clock, context.progress)
}

/// Prints the verdict; its exit code.
fn show(
    derived: &Derived,
    marks: &[Mark],
    args: &Args,
    context: &Context<'_>,
    start_ns: u64,
) -> Result<u8> {
    match context.format {
        Format::Human => {
            let wall_ns = context.clock.now_ns() - start_ns;
            print(&table::verdict(derived, marks, &args.out, wall_ns))?;
        }
        Format::Json => print(&table::verdict_json(derived))?,
        Format::Md => {
            let report = derived.files().into_iter().find(|(name, _)| *name == "report.md");
            print(&String::from_utf8_lossy(&report.map(|(_, bytes)| bytes).unwrap_or_default()))?;
        }
    }
    if derived.verdict.exit_code() == FAIL
        && let Some(command) = explains(args)
    {
        context.progress.note(&format!("{command} says where the time went"));
    }
    Ok(derived.verdict.exit_code())
}

/// What explains a red gate; benchmarks of a bench target say nothing of their insides.
fn explains(args: &Args) -> Option<&'static str> {
    if args.bench.target().is_some() {
        return None;
    }
    Some(if args.command.are_given() {
        "`bench triage` with the same two commands"
    } else if args.builds.base.is_some() {
        "`bench triage` with the same base and head"
    } else {
        "`bench triage`"
    })
}

/// Arguments of the `bench baseline record` that a first gate starts.
fn bootstrap(
    args: &Args,
    assignment: &Assignment,
    store: &DirStore,
    name: &str,
    context: &Context<'_>,
) -> Vec<String> {
    let mut list = args.subject.to_args(assignment);
    list.push(format!("--store={}", store.root().display()));
    list.push(format!("--name={name}"));
    list.push("--reason=bootstrap".to_owned());
    // Base and head are one build: the gate counts its accuracy once.
    list.push("--without-accuracy".to_owned());
    list.extend(context.config.as_ref().map(|path| format!("--config={}", path.display())));
    list
}

/// Both arms as the command line gives them. The suite becomes the base's: a change that edits it is measured by the old one.
fn given_arms(
    args: &Args,
    base: &str,
    assignment: &mut Assignment,
    context: &Context<'_>,
) -> Result<(Arm, Arm)> {
    let (base, head) = args.builds.both(base, Target::BENCH, assignment.seed, context)?;
    if let Some(tree) = &base.tree {
        let suite =
            Config::of_tree(tree)?.catalogue.suite(&assignment.suite.name, args.subject.tokens);
        let suite = suite.context("failed to find the suite in the base revision")?;
        if suite != assignment.suite {
            let name = &suite.name;
            context
                .progress
                .note(&format!("suite `{name}` is the base's: the head defines it otherwise"));
            assignment.suite = suite;
        }
    }
    Ok((base, head))
}
