//! `bench calibrate`: the error rates that this machine really has: this build against itself, and with slow-downs planted.

mod table;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use gates::Policy;

use super::{
    Context, Format,
    options::{StoreArgs, SubjectArgs},
    print,
};
use crate::{
    calibrate::{self, Order, Plan},
    config::Config,
    environment, files, policy,
};

/// Exit code where a demand is not met: a failed gate.
const BROKEN: u8 = 2;
/// Comparisons of one kind at most.
const COMPARISONS_MAX: usize = 10_000;
/// Slow-downs at most.
const PLANTED_MAX: usize = 8;
/// A week.
const MINUTES_MAX: f64 = 10_080.0;

/// Options of `bench calibrate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    subject: SubjectArgs,

    #[command(flatten)]
    store: StoreArgs,

    /// Metric to gate: a workload of the suite or its kind, or WORKLOAD/METRIC; several, up to 8, are a gated family [default:
    /// decode-64].
    #[arg(long = "metric", value_name = "NAME")]
    metrics: Vec<String>,

    /// Comparisons of this build with itself.
    #[arg(long, value_name = "N", default_value_t = 200)]
    comparisons: usize,

    /// Slow-downs of the head in per cent; may be empty.
    #[arg(long, value_name = "LIST", default_value = "3,5,10")]
    planted: String,

    /// Comparisons with each of them.
    #[arg(long, value_name = "N", default_value_t = 40)]
    planted_comparisons: usize,

    /// Start no comparison that would not end within so many minutes.
    #[arg(long, value_name = "M")]
    minutes: Option<f64>,

    /// Policy with looks, levels and margins [default: ci/policy.toml, else the one that ships].
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,

    /// The document, written after each comparison [default: calibration/FINGERPRINT.json in the store].
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,

    /// Go on with the comparisons that the document holds.
    #[arg(long)]
    resume: bool,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let plan = plan(args)?;
    let config = Config::read(context.config.as_deref())?;
    let text = policy::text(args.policy.as_deref().or(config.policy.as_deref()))?;
    let policy = Policy::parse(&text).context("failed to read the policy")?;
    let store = args.store.open(context, &config)?;
    let assignment = args.subject.assignment(context, &config, None)?;
    let default = vec!["decode-64".to_owned()];
    let names = if args.metrics.is_empty() { &default } else { &args.metrics };
    let (assignment, policy) = calibrate::narrowed(names, assignment, policy)?;
    let out = args.out.clone().unwrap_or_else(|| {
        let name = format!("{}.json", environment::host().fingerprint);
        store.root().join("calibration").join(name)
    });
    files::check_writable(&out)?;

    let order =
        Order { assignment, policy, plan, store: store.root(), out: &out, resume: args.resume };
    let found = calibrate::calibrate(&order, context.clock, context.progress)?;
    let summary = found.summary();
    match context.format {
        Format::Human => print(&table::human(&found, &summary))?,
        Format::Md => print(&format!("```\n{}```\n", table::human(&found, &summary)))?,
        Format::Json => print(&calibrate::json(&found))?,
    }
    context.progress.note(&format!("wrote {}", out.display()));
    Ok(if summary.holds { 0 } else { BROKEN })
}

fn plan(args: &Args) -> Result<Plan> {
    for (option, n) in
        [("comparisons", args.comparisons), ("planted-comparisons", args.planted_comparisons)]
    {
        ensure!(
            (1..=COMPARISONS_MAX).contains(&n),
            "failed to plan the calibration: `--{option}`: expected 1 to {COMPARISONS_MAX}, found {n}"
        );
    }
    if let Some(minutes) = args.minutes {
        ensure!(
            minutes > 0.0 && minutes <= MINUTES_MAX,
            "failed to plan the calibration: `--minutes`: expected more than 0, up to {MINUTES_MAX}, found {minutes}"
        );
    }
    Ok(Plan {
        comparisons: args.comparisons,
        planted_percent: percents(&args.planted)?,
        planted_comparisons: args.planted_comparisons,
        minutes: args.minutes,
    })
}

/// Rising per cents, separated by commas.
fn percents(list: &str) -> Result<Vec<f64>> {
    let texts: Vec<&str> = list.split(',').map(str::trim).filter(|text| !text.is_empty()).collect();
    let mut percents = Vec::new();
    for text in texts {
        let percent =
            text.parse::<f64>().ok().filter(|percent| *percent > 0.0 && *percent <= 100.0);
        percents.push(percent.with_context(|| {
            format!(
                "failed to plan the calibration: `--planted`: expected per cents above 0, up to 100, as in `3,5,10`, found \
                 `{text}`"
            )
        })?);
    }
    ensure!(
        percents.len() <= PLANTED_MAX && percents.is_sorted_by(|a, b| a < b),
        "failed to plan the calibration: `--planted`: expected up to {PLANTED_MAX} rising per cents, found `{list}`"
    );
    Ok(percents)
}

#[cfg(test)]
mod tests {
    use super::percents;

    #[test]
    fn a_list_of_slow_downs_rises_or_is_empty() {
        assert_eq!(percents("3,5,10").unwrap(), [3.0, 5.0, 10.0]);
        assert_eq!(percents(" 2.5 ,").unwrap(), [2.5]);
        assert_eq!(percents("").unwrap(), [0.0; 0]);
        for list in ["0", "-3", "101", "NaN", "inf", "5,3", "5,5", "x", "1,2,3,4,5,6,7,8,9"] {
            assert!(percents(list).is_err(), "{list}");
        }
    }
}
