//! Options of a Criterion bench target as the subject, and the gate that they become.

use std::{path::Path, time::Duration};

use anyhow::{Result, ensure};
use baselines::{evidence::Given, record::Mark};
use gates::Derived;

use super::{Context, builds::BuildArgs, command};
use crate::{
    build::{BenchPackage, Kind},
    command::{BenchArm, BenchSpec},
    given::{Arm, Target},
    pipeline,
    policy::Ruling,
};

/// Two builds of a bench target in place of two of `bench`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Criterion bench targets")]
pub(crate) struct BenchArgs {
    /// Bench target of the Criterion library to compare, by cargo's name: `--base` and `--head` are revisions to build it
    /// of, or its programs.
    #[arg(long, value_name = "TARGET", group = "programs", requires = "base", conflicts_with_all = [
        "model", "suite", "tokens", "deterministic", "threads", "isa", "device", "strict_device", "store",
    ])]
    bench: Option<String>,

    /// Package that has the target [default: the only one].
    #[arg(long, value_name = "NAME", requires = "bench")]
    package: Option<String>,

    /// Features of the package, parted by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "bench")]
    features: Vec<String>,

    /// Only benchmarks that match.
    #[arg(long, value_name = "REGEX", requires = "bench")]
    filter: Option<String>,

    /// Criterion's number of samples, 10 to 1000 [default: 20].
    #[arg(long, value_name = "N", requires = "bench", value_parser = clap::value_parser!(u64).range(10..=1_000))]
    sample_size: Option<u64>,

    /// Criterion's warm-up of each benchmark in each run, in seconds [default: 0.3].
    #[arg(long, value_name = "SECONDS", requires = "bench")]
    warm_up_time: Option<f64>,

    /// Criterion's measurement of each benchmark in each run, in seconds [default: 0.7].
    #[arg(long, value_name = "SECONDS", requires = "bench")]
    measurement_time: Option<f64>,
}

/// What the options around it say.
pub(crate) struct Around<'a> {
    pub(crate) base: &'a str,
    /// `None`: the working tree.
    pub(crate) builds: &'a BuildArgs,
    pub(crate) seed: u64,
    pub(crate) timeout: Duration,
    pub(crate) pairs: Option<u64>,
    /// Text of the policy; `None`: every benchmark, at the margins that ship.
    pub(crate) policy: Option<&'a str>,
    pub(crate) out: &'a Path,
    pub(crate) hops: Option<&'a Path>,
}

impl BenchArgs {
    /// The target, if one is the subject.
    pub(crate) fn target(&self) -> Option<&str> {
        self.bench.as_deref()
    }

    /// Builds both arms of `target`, measures them in one session, and judges.
    pub(crate) fn gate(
        &self,
        target: &str,
        around: &Around<'_>,
        context: &Context<'_>,
    ) -> Result<(Derived, Vec<Mark>)> {
        let package = BenchPackage::find(Path::new("."), self.package.as_deref(), target)?;
        let spec = BenchSpec {
            package: package.name.clone(),
            name: target.to_owned(),
            filter: self.filter.clone(),
            sample_size: self.sample_size.unwrap_or(20),
            warm_up_s: seconds("--warm-up-time", self.warm_up_time.unwrap_or(0.3))?,
            measurement_s: seconds("--measurement-time", self.measurement_time.unwrap_or(0.7))?,
            timeout: around.timeout,
            seed: around.seed,
        };
        let (arms, given) = self.arms(&package, &spec, around, context)?;
        // A policy of benchmarks is none of the repository's: it is given, or every benchmark is gated.
        let policy = |benchmarks: &[&str]| {
            let text = around.policy.map_or_else(|| policy(benchmarks), |text| Ok(text.to_owned()));
            text.map(Ruling::of_text)
        };
        let gate = pipeline::BenchGate {
            spec: &spec,
            arms,
            given,
            pairs: around.pairs,
            policy: &policy,
            out: around.out,
            hops: around.hops,
        };
        pipeline::gate_benches(gate, context.clock, context.progress)
    }

    fn arms(
        &self,
        package: &BenchPackage,
        spec: &BenchSpec,
        around: &Around<'_>,
        context: &Context<'_>,
    ) -> Result<([BenchArm; 2], Given)> {
        let target = Target {
            package: &spec.package,
            kind: Kind::Bench,
            name: &spec.name,
            profile: "bench",
            features: &self.features,
        };
        let (base, head) = around.builds.both(around.base, target, around.seed, context)?;
        let given = base.given.clone();
        let arm = |arm: Arm| BenchArm {
            folder: match &arm.tree {
                Some(tree) => tree.join(&package.below_top),
                None => package.folder.clone(),
            },
            source: arm.tree.as_ref().map(|tree| tree.join(&package.source)),
            program: arm.program,
            commit: arm.given.commit,
        };
        Ok(([arm(base), arm(head)], given))
    }
}

fn seconds(option: &str, value: f64) -> Result<f64> {
    ensure!(
        (0.001..=3_600.0).contains(&value),
        "failed to plan the session: `{option}`: expected 0.001 to 3600 seconds, found {value}"
    );
    Ok(value)
}

/// The policy where none is given: every benchmark is gated.
fn policy(benchmarks: &[&str]) -> Result<String> {
    ensure!(
        benchmarks.len() <= command::GATED_MAX,
        "failed to plan the session: expected at most {} benchmarks that are gated together, found {}: {}; choose some with \
         `--filter REGEX`, or write a policy that names the gated ones (`--policy PATH`)",
        command::GATED_MAX,
        benchmarks.len(),
        benchmarks.join(", ")
    );
    let gated: Vec<(&str, &str)> =
        benchmarks.iter().map(|name| (*name, baselines::metric::BENCH_METRIC)).collect();
    Ok(gates::command_policy(&gated))
}
