//! What a bisection measures: options become the engine's workload and metric, or a benchmark of a Criterion bench target; and the
//! order that another run must be equal to.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};
use baselines::{Digest, metric::BENCH_METRIC};
use gates::{exact, policy::Gated};

use super::{super::Context, Args};
use crate::{
    bisect::{Metric, Order, Subject, looks},
    build::BenchPackage,
    calibrate,
    command::BenchSpec,
    config::Config,
    environment,
    nearest::suggestion,
    subject::engine::Source,
    workload,
};

/// Workload where nothing says otherwise, by its kind.
const WORKLOAD: &str = "decode";
/// Longest run of a bench target.
const TIMEOUT: Duration = Duration::from_secs(600);

/// A bench target in place of `bench`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Criterion bench targets")]
pub(super) struct TargetArgs {
    /// Bench target of the Criterion library, by cargo's name: one of its benchmarks, `--workload`, is bisected.
    #[arg(long, value_name = "TARGET", requires = "workload", conflicts_with_all = [
        "metric", "model", "suite", "tokens", "deterministic", "threads", "isa", "device", "strict_device",
    ])]
    bench: Option<String>,

    /// Package that has the target [default: the only one].
    #[arg(long, value_name = "NAME", requires = "bench")]
    package: Option<String>,

    /// Features of the package, parted by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "bench")]
    features: Vec<String>,
}

/// What is measured of each commit.
pub(super) fn of(args: &Args, context: &Context<'_>, config: &Config) -> Result<Subject> {
    match args.target.bench.as_deref() {
        Some(target) => benchmark(args, target, args.subject.seed(context, config)?),
        None => engine(args, context, config),
    }
}

fn benchmark(args: &Args, target: &str, seed: u64) -> Result<Subject> {
    let TargetArgs { package, features, .. } = &args.target;
    let package = BenchPackage::find(Path::new("."), package.as_deref(), target)?;
    let id = args.workload.as_deref().context("clap asks for the benchmark")?;
    let spec = BenchSpec {
        package: package.name.clone(),
        name: target.to_owned(),
        filter: Some(exactly(id)),
        sample_size: 20,
        warm_up_s: 0.3,
        measurement_s: 0.7,
        timeout: TIMEOUT,
        seed,
    };
    let gated = Gated {
        workload: id.to_owned(),
        metric: BENCH_METRIC.to_owned(),
        margin_negligible: 1.01,
        margin_unacceptable: 1.05,
    };
    Ok(Subject::Bench { spec: Box::new(spec), package, features: features.clone(), gated })
}

/// A regular expression that matches `id` and nothing else.
fn exactly(id: &str) -> String {
    let mut pattern = "^".to_owned();
    for character in id.chars() {
        // What means something to the expressions of the regex crate, which Criterion takes; older ones refuse other escapes.
        if r"\.+*?()|[]{}^$#&-~".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern + "$"
}

fn engine(args: &Args, context: &Context<'_>, config: &Config) -> Result<Subject> {
    let failed = "failed to plan the bisection";
    let assignment = args.subject.assignment(context, config, None)?;
    let workload = args.workload.as_deref().unwrap_or(WORKLOAD);
    let (assignment, mut gated) = calibrate::alone(workload, assignment)
        .with_context(|| format!("{failed}: `--workload {workload}`"))?;
    let assignment = Box::new(assignment);
    let Some(name) = args.metric.as_deref() else {
        return Ok(Subject::Engine(assignment, Metric::Time(gated)));
    };
    if let Some(metric) = exact::find(name) {
        return Ok(Subject::Engine(assignment, Metric::Count(metric)));
    }
    let known = workload::find(&assignment.suite.workloads[0].kind)?.metrics();
    if !known.contains(&name) {
        let counts = exact::METRICS.iter().map(|metric| metric.name);
        let all: Vec<&str> = known.iter().copied().chain(counts).collect();
        bail!(
            "{failed}: `--metric {name}`: workload `{}` has no such metric; {}",
            gated.workload,
            suggestion(name, &all)
        );
    }
    name.clone_into(&mut gated.metric);
    Ok(Subject::Engine(assignment, Metric::Time(gated)))
}

/// The order of `args`.
pub(super) fn order(
    args: &Args,
    subject: &Subject,
    [good, bad]: [&String; 2],
    seed: u64,
) -> Result<Order> {
    let order = Order {
        good: good.clone(),
        bad: bad.clone(),
        workload: String::new(),
        metric: String::new(),
        exact: false,
        alpha: args.alpha,
        looks: looks(args.pairs),
        layouts: args.layouts,
        seed,
        suite: String::new(),
        model: None,
        isa: None,
        threads: None,
        device: None,
        machine: environment::host().fingerprint.to_string(),
    };
    match subject {
        Subject::Engine(assignment, metric) => {
            let (metric, exact) = match metric {
                Metric::Time(gated) => (gated.metric.as_str(), false),
                Metric::Count(metric) => (metric.name, true),
            };
            let model = Digest::of(Source::named(&assignment.model).open()?.bytes());
            Ok(Order {
                workload: assignment.suite.workloads[0].name.clone(),
                metric: metric.to_owned(),
                exact,
                layouts: if exact { 1 } else { args.layouts },
                suite: assignment.suite.digest.to_string(),
                model: Some(model.to_string()),
                isa: assignment.isa.clone(),
                threads: assignment.threads,
                device: Some(assignment.device.device.to_string()),
                ..order
            })
        }
        Subject::Bench { spec, features, gated, .. } => Ok(Order {
            workload: gated.workload.clone(),
            metric: gated.metric.clone(),
            suite: Digest::of(format!("{spec:?} {features:?}").as_bytes()).to_string(),
            ..order
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::exactly;

    #[test]
    fn a_benchmarks_name_is_no_pattern() {
        assert_eq!(exactly("group/first_1"), "^group/first_1$");
        assert_eq!(exactly("a::f(x) 1.5-2"), "^a::f\\(x\\) 1\\.5\\-2$");
    }
}
