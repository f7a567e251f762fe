//! A scripted session of two external commands: the places and the noise of the engine's script, other contents.

use std::collections::BTreeMap;

use super::{evidence, reseal};
use crate::{
    Digest, Evidence, RunRecord,
    evidence::Given,
    metric::{BENCH_METRIC, Better},
    record::{BenchTarget, CommandInfo, MetricDef, Runs, Series, What, WorkloadDef},
    unit::Unit,
};

/// Name of the one workload.
pub const WORKLOAD: &str = "command";
/// Name of the suite's own metric.
pub const OWN_METRIC: &str = "ops_count";
const RUNS: usize = 5;

/// A paired session of two commands, whose head takes `head_factor` times as long as its base. Its own metric is the work
/// that was done in a second: larger is better.
#[must_use]
pub fn commands(seed: u64, head_factor: f64) -> Evidence {
    let mut bundle = evidence(seed, head_factor);
    bundle.baseline = None;
    bundle.given = Some(Given { asked: "work --old".to_owned(), commit: None });
    bundle.head_sha = None;
    bundle.history.clear();
    into_command(&mut bundle.base, "work --old");
    into_command(&mut bundle.head, "work --new");
    reseal(&mut bundle);
    bundle
}

/// Name of the one benchmark.
pub const BENCHMARK: &str = "group/one";
/// Iterations of each of its samples.
const ITERATIONS: u64 = 1_000;

/// A paired session of two builds of a Criterion bench target, whose head takes `head_factor` times as long as its base.
#[must_use]
pub fn benchmarks(seed: u64, head_factor: f64) -> Evidence {
    let mut bundle = commands(seed, head_factor);
    for (record, digit) in [(&mut bundle.base, "b"), (&mut bundle.head, "e")] {
        into_bench_target(record, digit.repeat(40));
    }
    bundle.given = Some(Given { asked: "HEAD~1".to_owned(), commit: Some("b".repeat(40)) });
    bundle.head_sha = Some("e".repeat(40));
    reseal(&mut bundle);
    bundle
}

fn into_bench_target(record: &mut RunRecord, commit: String) {
    if let What::Command(command) = &mut record.subject.what {
        command.line = "cargo bench --package work --bench speed -- --sample-size=10".to_owned();
        command.prepare = None;
        command.same_output = false;
        let (package, name) = ("work".to_owned(), "speed".to_owned());
        command.bench = Some(BenchTarget { package, name, commit: Some(commit) });
    }
    record.suite.rounds = 1;
    record.suite.metrics.clear();
    let (name, kind) = (BENCHMARK.to_owned(), "criterion".to_owned());
    record.suite.workloads = vec![WorkloadDef { name, kind, params: BTreeMap::new() }];
    for process in &mut record.processes {
        process.series.truncate(1);
        let series = &mut process.series[0];
        (series.workload, series.metric) = (BENCHMARK.to_owned(), BENCH_METRIC.to_owned());
        for sample in &mut series.samples {
            *sample /= 1e3;
        }
        process.runs = vec![Runs {
            workload: BENCHMARK.to_owned(),
            exit_codes: vec![0],
            stdout_digests: Vec::new(),
            iterations: vec![ITERATIONS; series.samples.len()],
        }];
    }
}

fn into_command(record: &mut RunRecord, line: &str) {
    record.subject.what = What::Command(CommandInfo {
        line: line.to_owned(),
        shell: None,
        setup: None,
        prepare: Some("sync".to_owned()),
        cleanup: None,
        parameters: Vec::new(),
        timeout_ms: 60_000,
        ignore_failure: false,
        same_output: true,
        bench: None,
    });
    record.accuracy = None;
    record.format_accuracy = Vec::new();
    record.probes.clear();
    record.nonce = None;
    record.ids.clear();
    record.suite.name = "command".to_owned();
    record.suite.rounds = RUNS as u64;
    let params = BTreeMap::from([("iterations".to_owned(), RUNS as u64)]);
    let (name, kind) = (WORKLOAD.to_owned(), "command".to_owned());
    record.suite.workloads = vec![WorkloadDef { name, kind, params }];
    record.suite.metrics = vec![MetricDef {
        name: OWN_METRIC.to_owned(),
        pointer: "/ops".to_owned(),
        unit: Unit::Count,
        better: Better::Higher,
    }];
    for process in &mut record.processes {
        let load = process.series.iter().find(|series| series.metric == "load_ns");
        let wall_ns = load.expect("the script has it").samples.clone();
        let series = |metric: &str, of: fn(f64) -> f64| Series {
            workload: WORKLOAD.to_owned(),
            metric: metric.to_owned(),
            per_iteration: 1,
            samples: wall_ns.iter().map(|ns| of(*ns).round()).collect(),
        };
        process.series = vec![
            series("wall_ns", |ns| ns),
            series("cpu_ns", |ns| ns / 2.0),
            series(OWN_METRIC, |ns| 1e15 / ns),
        ];
        process.outputs.clear();
        process.challenges.clear();
        process.counts.clear();
        process.allocations.clear();
        process.runs = vec![Runs {
            workload: WORKLOAD.to_owned(),
            exit_codes: vec![0; RUNS],
            stdout_digests: vec![Digest::of(b"{\"ops\":1}"); RUNS],
            iterations: Vec::new(),
        }];
    }
}
