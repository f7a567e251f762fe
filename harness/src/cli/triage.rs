//! `bench triage`: where did the time go between two builds, by span and product, or between two commands, by who took it.

mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use baselines::store::DirStore;

use super::{
    Context, Format, baseline,
    builds::BuildArgs,
    command::CommandArgs,
    options::{StoreArgs, SubjectArgs},
    print,
};
use crate::{
    arms::{self, Arms, Ready},
    build::Repository,
    callgrind::Valgrind,
    command,
    config::Config,
    files,
    given::Target,
    policy, session,
    subject::engine::Source,
    triage::{self, Build, CommandOrder, Exact, Order, Outcome, Same},
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

    #[command(flatten)]
    builds: BuildArgs,

    /// Workload to explain, by its name or kind, several times for several; of commands one of `--parameter-list`, like `n=10`
    /// [default: every one of the suite whose passes can be stamped: prefill, decode, batch; of commands all].
    #[arg(long = "workload", value_name = "NAME")]
    workloads: Vec<String>,

    /// Pairs of worker processes, or of blocks of runs of both commands.
    #[arg(long, value_name = "N", default_value_t = 48)]
    pairs: u64,

    /// Explain this bundle of an earlier triage again, in place of a session: the same bytes follow from it.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["base", "head", "baseline", "base_command", "workloads", "pairs", "exact", "exact_only"])]
    from: Option<PathBuf>,

    /// Also count the executed instructions of both builds or commands under valgrind, by function and line: free of noise.
    #[arg(long)]
    exact: bool,

    /// Count instructions, and measure no time.
    #[arg(long)]
    exact_only: bool,

    /// Folder of `triage_evidence.json`, `triage.json` and `triage.html`.
    #[arg(long, value_name = "PATH", default_value = "ci")]
    out: PathBuf,

    // Last: what follows them would stand under their heading.
    #[command(flatten)]
    command: Box<CommandArgs>,
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
        Outcome::Identical(same) => {
            print(&table::identical(same, context.format)?)?;
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
    if args.command.are_given() {
        return measure_commands(args, valgrind.as_ref(), &config, context);
    }
    let policy = policy::text(config.policy.as_deref())?;
    let store = args.store.open(context, &config)?;
    let mut assignment = args.subject.assignment(context, &config, None)?;
    let model = Source::named(&assignment.model).open()?;
    assignment.suite = triage::plan(&assignment.suite, &args.workloads, &model)?;
    triage::check_size(&assignment.suite, args.pairs)?;
    assignment.positions = None;
    let name = baseline::name(args.baseline.as_deref(), &config);
    let (arms, trees) = match &args.builds.base {
        Some(base) => given_arms(args, &store, base, assignment.seed, context)?,
        None => (Arms::Stored { name: &name, bootstrap: None }, [None, None]),
    };
    let ready = arms::ready(&arms, &store, &assignment.model, context.progress)?;
    if ready.base.is_same_as(&ready.head) {
        let same = Same { digest: ready.base.first().digest, line: None };
        return Ok((Outcome::Identical(same), None));
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
    note_written(args, context);
    Ok((outcome, exact))
}

fn note_written(args: &Args, context: &Context<'_>) {
    let [triage, page, bundle] =
        [triage::TRIAGE, triage::PAGE, triage::EVIDENCE].map(|name| args.out.join(name));
    context.progress.note(&format!(
        "wrote {} and {} from {}",
        triage.display(),
        page.display(),
        bundle.display()
    ));
}

/// Two commands in place of two builds.
fn measure_commands(
    args: &Args,
    valgrind: Option<&Valgrind>,
    config: &Config,
    context: &Context<'_>,
) -> Result<(Outcome, Option<Exact>)> {
    ensure!(
        args.subject.nonce.is_none(),
        "failed to plan the triage: `--nonce` is what prompts of the engine come from, a command has none; leave it out"
    );
    let seed = args.subject.seed(context, config)?;
    let spec = args.command.triage_spec(&args.workloads, seed, context.vars.path())?;
    if let Some(digest) = command::identical(&spec)? {
        let same = Same { digest, line: Some(spec.base.clone()) };
        return Ok((Outcome::Identical(same), None));
    }
    let policy = args.command.policy(&spec)?;
    let exact = match valgrind {
        Some(valgrind) => {
            let (clock, progress) = (context.clock, context.progress);
            // Both commands get the same, so that it is in no difference.
            let environment = context.vars.inherited();
            let exact = triage::exact_commands(&spec, valgrind, environment, clock, progress)?;
            write_exact(args, &exact, context)?;
            Some(exact)
        }
        None => None,
    };
    if args.exact_only {
        return Ok((Outcome::Counted, exact));
    }
    let order = CommandOrder { spec: &spec, pairs: args.pairs, policy, out: &args.out };
    let outcome = triage::triage_commands(&order, context.clock, context.progress)?;
    note_written(args, context);
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
    write_exact(args, &exact, context)?;
    Ok(exact)
}

fn write_exact(args: &Args, exact: &Exact, context: &Context<'_>) -> Result<()> {
    triage::write_exact(&args.out, exact)?;
    let [document, flame, page] =
        [triage::EXACT, triage::FLAME, triage::PAGE].map(|name| args.out.join(name));
    context.progress.note(&format!(
        "wrote {}, {} and {}",
        document.display(),
        flame.display(),
        page.display()
    ));
    Ok(())
}

/// The binary that made the record that `base` gives digits of; `None` where it is a file, a commit of the repository, or of no
/// record.
fn kept_binary(store: &DirStore, base: &str) -> Result<Option<String>> {
    let is_commit = || {
        let tree = Repository::open(Path::new(".")).and_then(|repository| repository.tree(base));
        tree.is_ok_and(|tree| tree.is_some())
    };
    // A name of a baseline is for `--baseline`.
    if !base.bytes().all(|byte| byte.is_ascii_hexdigit())
        || Path::new(base).is_file()
        || is_commit()
    {
        return Ok(None);
    }
    let Ok(record) = store.resolve(base) else { return Ok(None) };
    let binary = store.get_record(record)?.subject.binary;
    let path = store
        .binary_path(binary)
        .with_context(|| format!("failed to find the binary of record {}", record.short()))?;
    Ok(Some(
        path.to_str().context("failed to name the kept binary: its path is no text")?.to_owned(),
    ))
}

/// Both arms as the command line gives them, and where their sources lie.
fn given_arms<'a>(
    args: &Args,
    store: &DirStore,
    base: &str,
    seed: u64,
    context: &Context<'_>,
) -> Result<(Arms<'a>, [Option<PathBuf>; 2])> {
    let kept = kept_binary(store, base)?;
    let (base, head) = args
        .builds
        .both(kept.as_deref().unwrap_or(base), Target::BENCH, seed, context)
        .context("failed to find the builds to explain")?;
    let arms = Arms::Given { base: base.program, head: head.program, given: base.given };
    Ok((arms, [base.tree, head.tree]))
}
