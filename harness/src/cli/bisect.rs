//! `bench bisect`: which commit changed a metric, with a bounded chance of a wrong step.

mod show;
mod subject;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use self::subject::TargetArgs;
use super::{Context, Format, options::SubjectArgs, print};
use crate::{
    bisect::{self, Bisection, Kept, Next, Outcome, PAIRS, PAIRS_RANGE, Revisions, Trail},
    build,
    config::Config,
    failure::INCONCLUSIVE,
    files, given,
    measure::timestamp,
};

/// Options of `bench bisect`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    subject: SubjectArgs,

    /// A revision before the change; an ancestor of the bad one.
    #[arg(long, value_name = "REV")]
    good: String,

    /// A revision that has it.
    #[arg(long, value_name = "REV")]
    bad: String,

    /// Workload of the suite, or its kind [default: decode]; with `--bench` the benchmark, as Criterion names it.
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,

    /// Metric of the workload, judged in pairs; or a count, which needs none: `timed_allocations`, `allocated_bytes`,
    /// `kernel_bytes`, `kernel_macs`, `kernel_products`, `generated_tokens`, `binary_bytes` [default: the one that the workload is
    /// named for].
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,

    /// Chance that any step of the whole road is a wrong one, at most.
    #[arg(long, value_name = "P", default_value_t = 0.05)]
    alpha: f64,

    /// Pairs of worker processes for each commit at most; easy ones need fewer.
    #[arg(long, value_name = "N", default_value_t = PAIRS)]
    pairs: u64,

    /// Code layouts of each commit that is built; counts take one.
    #[arg(long, value_name = "N", default_value_t = given::N_LAYOUTS, value_parser = clap::value_parser!(u64).range(1..=40))]
    layouts: u64,

    /// The document, written after each step; the same command goes on with it.
    #[arg(long, value_name = "PATH", default_value = "ci/bisect.json")]
    out: PathBuf,

    /// Start anew, whatever the document holds.
    #[arg(long)]
    restart: bool,

    // Last: what follows it would stand under its heading.
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    check(args)?;
    let config = Config::read(context.config.as_deref())?;
    let subject = subject::of(args, context, &config)?;
    let repo = Path::new(".");
    let range = bisect::range(repo, &args.good, &args.bad)?;
    let ends = [&range[0].commit, &range[range.len() - 1].commit];
    let order = subject::order(args, &subject, ends, args.subject.seed(context, &config)?)?;
    files::check_writable(&args.out)?;
    let fresh = Bisection::new(order, range, timestamp(context.clock.utc()));
    let bisection = resumed(args, fresh, context)?;

    context.progress.halt().at_interrupt()?;
    let cache = context.vars.build_cache()?;
    let revisions = Revisions {
        repo,
        cache: &cache,
        variables: context.vars.build(),
        subject: &subject,
        out: &args.out,
        clock: context.clock,
        progress: context.progress,
    };
    if build::tree_state(repo)?.dirty {
        context
            .progress
            .note("the working tree has changes: only commits are built, they do not matter");
    }
    let said = |bisection: &Bisection| show::last_step(bisection);
    let bisection = bisect::bisect(bisection, &revisions, &|bisection| {
        if let Some(line) = said(bisection) {
            context.progress.note(&line);
        }
    })?;
    let trail = Trail::of(&bisection)?;
    match context.format {
        Format::Human => print(&show::human(&bisection, &trail))?,
        Format::Md => print(&show::markdown(&bisection, &trail))?,
        Format::Json => print(&bisect::json(&bisection)?)?,
    }
    context.progress.note(&format!("wrote {}", args.out.display()));
    Ok(match trail.next {
        Next::End(Outcome::Found(_) | Outcome::Same) => 0,
        _ => INCONCLUSIVE,
    })
}

fn check(args: &Args) -> Result<()> {
    ensure!(
        (1e-6..=0.5).contains(&args.alpha),
        "failed to plan the bisection: `--alpha`: expected a chance from 0.000001 to 0.5, found {}",
        args.alpha
    );
    let (least, most) = (PAIRS_RANGE.start(), PAIRS_RANGE.end());
    ensure!(
        PAIRS_RANGE.contains(&args.pairs),
        "failed to plan the bisection: `--pairs`: expected {least} to {most}, found {}",
        args.pairs
    );
    Ok(())
}

/// The bisection that the document holds, if it is of the same order; else the fresh one.
fn resumed(args: &Args, fresh: Bisection, context: &Context<'_>) -> Result<Bisection> {
    if args.restart {
        return Ok(fresh);
    }
    let path = args.out.display();
    match bisect::read(&args.out, &fresh)? {
        Kept::Nothing => Ok(fresh),
        Kept::OtherFinished => {
            context.progress.note(&format!(
                "`{path}` holds a finished bisection of another order: it is replaced"
            ));
            Ok(fresh)
        }
        Kept::Same(bisection) => {
            let n = bisection.steps.len();
            let said = match Trail::of(&bisection)?.next {
                Next::End(_) => format!("`{path}` holds all of it; `--restart` measures anew"),
                Next::Measure(_) => {
                    format!("going on after {n} steps of `{path}`; `--restart` starts anew")
                }
            };
            context.progress.note(&said);
            Ok(*bisection)
        }
    }
}
