//! `bench triage`: where did the time go, by span and product, between two builds.

mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{
    Context, Format, baseline,
    options::{StoreArgs, SubjectArgs},
    print,
};
use crate::{
    arms::{self, Arms, Ready},
    callgrind::Valgrind,
    config::Config,
    files,
    given::{self, Target, Workshop},
    policy, session,
    subject::engine::Source,
    triage::{self, Build, Exact, Order, Outcome},
};

/// Exit code where the evidence does not hold.
const INVALID: u8 = 4;

/// Options of `bench triage`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    subject: SubjectArgs,

    #[command(flatten)]
    store: StoreArgs,

    /// Name of the baseline whose kept binary is the base [default: main].
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,

    /// The base: a revision, built in a worktree in several code layouts, or a `bench` binary, in place of a stored baseline.
    #[arg(long, value_name = "REV|PATH", conflicts_with = "baseline")]
    base: Option<String>,

    /// What is explained [default: with `--base` the working tree, else the running program].
    #[arg(long, value_name = "REV|PATH", requires = "base")]
    head: Option<String>,

    /// Code layouts of each revision that is built.
    #[arg(long, value_name = "N", default_value_t = given::N_LAYOUTS, value_parser = clap::value_parser!(u64).range(1..=40))]
    layouts: u64,

    /// Workload to explain, by its name or kind, several times for several [default: every one of the suite whose passes can be
    /// stamped: prefill, decode, batch].
    #[arg(long = "workload", value_name = "NAME")]
    workloads: Vec<String>,

    /// Pairs of worker processes.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pairs: u64,

    /// Explain this bundle of an earlier triage again, in place of a session: the same bytes follow from it.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["base", "head", "baseline", "workloads", "pairs", "exact", "exact_only"])]
    from: Option<PathBuf>,

    /// Also count the executed instructions of both builds under valgrind, by function and line: free of noise.
    #[arg(long)]
    exact: bool,

    /// Count instructions, and measure no time.
    #[arg(long)]
    exact_only: bool,

    /// Folder of `triage_evidence.json`, `triage.json` and `triage.html`.
    #[arg(long, value_name = "PATH", default_value = "ci")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let start_ns = context.clock.now_ns();
    let (outcome, exact) = match &args.from {
        Some(path) => {
            let outcome = triage::again(path)?;
            context.progress.note(&format!("wrote {} beside the bundle", triage::PAGE));
            (outcome, None)
        }
        None => measure(args, context)?,
    };
    let exact = exact.as_ref().map(|exact| &exact.document);
    match &outcome {
        Outcome::Identical(digest) => {
            print(&table::identical(digest, context.format)?)?;
            Ok(0)
        }
        Outcome::Counted => {
            let exact = exact.context("failed to explain: nothing was counted")?;
            print(&table::counted(exact, context.format)?)?;
            Ok(0)
        }
        Outcome::Measured(evidence, found) => {
            let wall_ns = context.clock.now_ns() - start_ns;
            match context.format {
                Format::Human => print(&table::human(evidence, found, exact, wall_ns))?,
                Format::Md => print(&table::markdown(found, exact))?,
                Format::Json => print(&String::from_utf8_lossy(&found.to_json(evidence)))?,
            }
            Ok(if found.refusals.is_empty() { 0 } else { INVALID })
        }
    }
}

fn measure(args: &Args, context: &Context<'_>) -> Result<(Outcome, Option<Exact>)> {
    session::check_count("pairs", args.pairs, 2)?;
    // What is missing is said before anything is built or measured.
    let counting = args.exact || args.exact_only;
    let valgrind = counting.then(|| Valgrind::find(&context.vars.path())).transpose()?;
    files::check_folder(&args.out)?;
    context.progress.halt().at_interrupt()?;
    let config = Config::read(context.config.as_deref())?;
    let policy = policy::text(config.policy.as_deref())?;
    let store = args.store.open(context, &config)?;
    let mut assignment = args.subject.assignment(context, &config, None)?;
    let model = Source::named(&assignment.model).open()?;
    assignment.suite = triage::plan(&assignment.suite, &args.workloads, &model)?;
    triage::check_size(&assignment.suite, args.pairs)?;
    assignment.positions = None;
    let name = baseline::name(args.baseline.as_deref(), &config);
    let (arms, trees) = match &args.base {
        Some(base) => given_arms(args, base, assignment.seed, context)?,
        None => (Arms::Stored { name: &name, bootstrap: None }, [None, None]),
    };
    let ready = arms::ready(&arms, &store, &assignment.model, context.progress)?;
    if ready.base.is_same_as(&ready.head) {
        return Ok((Outcome::Identical(ready.base.first().digest), None));
    }
    let exact = match valgrind {
        Some(valgrind) => Some(count(args, &assignment.model, &valgrind, &ready, &trees, context)?),
        None => None,
    };
    if args.exact_only {
        return Ok((Outcome::Counted, exact));
    }
    let order = Order { assignment, pairs: args.pairs, ready, policy, out: &args.out };
    let outcome = triage::triage(&order, context.clock, context.progress)?;
    let [triage, page, bundle] =
        [triage::TRIAGE, triage::PAGE, triage::EVIDENCE].map(|name| args.out.join(name));
    context.progress.note(&format!(
        "wrote {} and {} from {}",
        triage.display(),
        page.display(),
        bundle.display()
    ));
    Ok((outcome, exact))
}

/// Counts the instructions of both builds, and writes what was counted.
fn count(
    args: &Args,
    model: &str,
    valgrind: &Valgrind,
    ready: &Ready,
    trees: &[Option<PathBuf>; 2],
    context: &Context<'_>,
) -> Result<Exact> {
    let builds = [
        Build { binary: ready.base.first(), root: trees[0].as_deref() },
        Build { binary: ready.head.first(), root: trees[1].as_deref() },
    ];
    let environment = context.vars.for_model();
    let exact =
        triage::exact(builds, model, valgrind, &environment, context.clock, context.progress)?;
    triage::write_exact(&args.out, &exact)?;
    let [document, flame, page] =
        [triage::EXACT, triage::FLAME, triage::PAGE].map(|name| args.out.join(name));
    context.progress.note(&format!(
        "wrote {}, {} and {}",
        document.display(),
        flame.display(),
        page.display()
    ));
    Ok(exact)
}

/// Both arms as the command line gives them, and where their sources lie.
fn given_arms<'a>(
    args: &Args,
    base: &str,
    seed: u64,
    context: &Context<'_>,
) -> Result<(Arms<'a>, [Option<PathBuf>; 2])> {
    let cache = context.vars.build_cache()?;
    let workshop = Workshop {
        repo: Path::new("."),
        cache: &cache,
        seed,
        n_layouts: usize::try_from(args.layouts)?,
        target: Target::BENCH,
        variables: context.vars.build(),
    };
    let (base, head) = given::both(base, args.head.as_deref(), &workshop, context.progress)
        .context("failed to find the builds to explain")?;
    let arms = Arms::Given { base: base.program, head: head.program, given: base.given };
    Ok((arms, [base.tree, head.tree]))
}
