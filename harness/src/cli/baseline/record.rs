//! `bench baseline record`: measure this program and point a name at the result.
//! A second record of the same build must agree with the first, or say why it is taken all the same.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use baselines::store::Entry;
use gates::Policy;
use serde_json::{Value, json};

use super::{minute, name};
use crate::{
    agreement::Row,
    baseline::{self, Order, PROCESSES_LEAST, Recorded},
    cli::{
        Context, Format,
        options::{StoreArgs, SubjectArgs},
        print, table,
    },
    config::Config,
    policy,
};

/// Options of `bench baseline record`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    subject: SubjectArgs,

    #[command(flatten)]
    store: StoreArgs,

    /// Name of the baseline [default: main].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Worker processes, at least 10 [default: 10].
    #[arg(long, value_name = "N")]
    processes: Option<u64>,

    /// Why this baseline is recorded; kept with it [default: recorded by hand].
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// Who stands for it [default: the user].
    #[arg(long, value_name = "WHO")]
    approved_by: Option<String>,

    /// Take it even if it does not agree with an earlier record of the same build.
    #[arg(long, requires = "reason")]
    accept: bool,

    /// Policy with the margins within which two records of one build agree [default: the one that ships].
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,

    /// Leave accuracy out: the gate that started this counts it itself.
    #[arg(long, hide = true)]
    without_accuracy: bool,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let reason = args.reason.clone().unwrap_or_else(|| "recorded by hand".to_owned());
    baseline::check_said("--reason", &reason)?;
    if let Some(who) = &args.approved_by {
        baseline::check_said("--approved-by", who)?;
    }
    let config = Config::read(context.config.as_deref())?;
    let policy_text = policy::text(args.policy.as_deref().or(config.policy.as_deref()))?;
    let policy = Policy::parse(&policy_text).context("failed to read the policy")?;
    let store = args.store.open(context, &config)?;
    let mut assignment = args.subject.assignment(context, &config, None)?;
    if args.without_accuracy {
        assignment.positions = None;
    }
    let processes = args.processes.or(config.baseline_processes).unwrap_or(PROCESSES_LEAST);
    let order = Order {
        name: name(args.name.as_deref(), &config),
        reason,
        recorded_by: context.vars.user(),
        approved_by: args.approved_by.clone(),
        accept: args.accept,
    };
    let (clock, progress) = (context.clock, context.progress);
    let recorded =
        baseline::record(&store, &assignment, processes, &order, &policy, clock, progress)?;
    match context.format {
        Format::Json => print(&format!("{:#}\n", json_of(&order.name, &recorded)))?,
        Format::Human | Format::Md => {
            print(&table::record(&recorded.record))?;
            print(&format!(
                "baseline `{}`: record {} and binary {} kept in {}\n",
                order.name,
                recorded.digest.short(),
                recorded.record.subject.binary.short(),
                store.root().display()
            ))?;
            if let Some((earlier, rows)) = &recorded.earlier {
                print(&agreement(earlier, rows))?;
            }
        }
    }
    Ok(0)
}

/// How far two records of one build agree.
fn agreement(earlier: &Entry, rows: &[Row]) -> String {
    let (record, when) = (earlier.record.short(), minute(&earlier.recorded_at));
    let reaches = rows.iter().filter_map(|row| row.change.map(|change| change.reach()));
    let reach = reaches.fold(0.0, f64::max).exp_m1() * 100.0;
    match rows.iter().find(|row| !row.agrees()) {
        _ if rows.is_empty() => format!(
            "agreement with record {record} of {when} not checked: the policy gates no metric that both have\n"
        ),
        None => format!("agrees with record {record} of {when} within {reach:.1} %\n"),
        Some(row) => format!(
            "accepted, though it does not agree with record {record} of {when}: {} {} {} then, {} now\n",
            row.workload,
            row.metric,
            row.unit.text(row.earlier),
            row.unit.text(row.later)
        ),
    }
}

fn json_of(name: &str, recorded: &Recorded) -> Value {
    let earlier = recorded.earlier.as_ref().map(|(entry, rows)| {
        let row = |row: &Row| {
            json!({
                "workload": row.workload, "metric": row.metric, "earlier": row.earlier, "later": row.later,
                "estimate": row.change.map(|change| change.estimate), "ci_low": row.change.map(|change| change.low),
                "ci_high": row.change.map(|change| change.high), "margin": row.margin, "agrees": row.agrees(),
            })
        };
        json!({ "record": entry.record.to_string(), "rows": rows.iter().map(row).collect::<Vec<_>>() })
    });
    json!({ "name": name, "record": recorded.digest.to_string(), "earlier": earlier })
}
