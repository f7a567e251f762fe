//! The suite `engine` under its own policy: conversions of three ternary formats, products, accuracy in every format; what is
//! missing is said, what is too slow is a broken budget.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod common;

use std::collections::BTreeMap;

use baselines::{
    Evidence, RunRecord,
    record::{Accuracy, Series, WorkloadDef},
    testing::reseal,
};
use common::{arms, rewrite};
use gates::{MetricVerdict, Verdict, derive};

const POLICY: &str = include_str!("../../ci/policy-engine.toml");

/// Workloads of the policy and what one sample of each takes, in ms.
const TIMES: [(&str, u64, f64); 8] = [
    ("quantize-i2_s-2560x6912", 36, 24.0),
    ("quantize-tl1-2560x6912", 38, 26.0),
    ("quantize-tl2-2560x6912", 39, 28.0),
    ("gemv-i2_s-2560x6912", 36, 0.5),
    ("gemm-i2_s-2560x6912", 36, 12.0),
    ("gemv-tl1-2560x6912", 38, 1.5),
    ("gemv-tl2-2560x6912", 39, 1.5),
    ("gemv-tq2_0-2560x6912", 35, 1.0),
];

/// A session of that suite: the scripted one's quantize series under these names.
fn session(seed: u64) -> Evidence {
    let mut evidence = common::session(seed, 1.0);
    POLICY.clone_into(&mut evidence.policy);
    let other = |format: &str, accuracy: &Accuracy| Accuracy {
        format: format.to_owned(),
        top1_equal: accuracy.top1_equal,
        ..accuracy.clone()
    };
    for record in arms(&mut evidence) {
        for (name, format, ms) in TIMES {
            add(record, name, format, ms);
        }
        let own = record.accuracy.clone();
        record.format_accuracy = own
            .iter()
            .flat_map(|own| ["tl1", "tl2", "tq2_0"].map(|format| other(format, own)))
            .collect();
    }
    reseal(&mut evidence);
    evidence
}

fn add(record: &mut RunRecord, name: &str, format: u64, ms: f64) {
    let quantizes = name.starts_with("quantize");
    let tokens = if name.starts_with("gemm") { 32 } else { 1 };
    let mut params: BTreeMap<String, u64> = [("format", format), ("rows", 2560), ("cols", 6912)]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    // One each: more would not fit in the processes of the script.
    params.insert("iterations".to_owned(), 1);
    params.extend((!quantizes).then(|| ("tokens".to_owned(), tokens)));
    let (kind, metric) = if quantizes { ("quantize", "quantize_ns") } else { ("gemm", "gemm_ns") };
    for process in &mut record.processes {
        let known = process.series.iter().find(|series| series.workload == "quantize-i2_s");
        let series = known.unwrap().clone();
        // Of about 5 ms in the script.
        let samples = series.samples.iter().take(1).map(|ns| (ns * ms / 5.03).round()).collect();
        process.series.push(Series {
            workload: name.to_owned(),
            metric: metric.to_owned(),
            samples,
            ..series
        });
    }
    record.suite.workloads.push(WorkloadDef {
        name: name.to_owned(),
        kind: kind.to_owned(),
        params,
    });
    record.suite.digest = record.suite.computed_digest(None);
}

fn texts(evidence: &Evidence) -> (Verdict, String) {
    let derived = derive(evidence).unwrap();
    let gates = [&derived.benchmarks_gate, &derived.perf_gate];
    let texts = gates.iter().flat_map(|gate| &gate.evidence).map(|item| item.text.clone());
    (derived.verdict, texts.collect::<Vec<_>>().join("\n"))
}

/// Requirement: S3, Q1, Q2, Q3.
#[test]
fn three_formats_with_times_rates_and_spread_pass() {
    let (verdict, text) = texts(&session(1));
    assert_eq!(verdict, Verdict::Pass, "{text}");
    for format in ["I2_S 5", "TL1 2", "TL2 2", "Melem/s", "middle half"] {
        assert!(text.contains(format), "{format} not in {text}");
    }
}

/// Requirement: S3, Q3.
#[test]
fn without_tl2_the_gate_has_a_hole_and_says_which() {
    let mut evidence = session(2);
    for record in arms(&mut evidence) {
        record.suite.workloads.retain(|workload| workload.name != "quantize-tl2-2560x6912");
        record.suite.digest = record.suite.computed_digest(None);
        for process in &mut record.processes {
            process.series.retain(|series| series.workload != "quantize-tl2-2560x6912");
        }
    }
    reseal(&mut evidence);
    let derived = derive(&evidence).unwrap();
    assert_eq!((derived.verdict, derived.verdict.exit_code()), (Verdict::Incomparable, 5));
    let missing: Vec<&str> = derived
        .rows
        .iter()
        .filter(|row| row.verdict == MetricVerdict::Missing)
        .map(|row| row.workload.as_str())
        .collect();
    assert_eq!(missing, ["quantize-tl2-2560x6912"]);
    let (_, text) = texts(&evidence);
    assert!(text.contains("TL2 not measured"), "{text}");
}

/// Requirement: Q1, Q2, H2.
#[test]
fn what_is_slower_than_its_limit_is_a_broken_budget() {
    let slower = |name: &'static str, metric: &'static str, factor: f64| {
        let mut evidence = session(3);
        for record in arms(&mut evidence) {
            for process in &mut record.processes {
                for series in process.series.iter_mut().filter(|series| series.workload == name) {
                    assert_eq!(series.metric, metric);
                    series.samples.iter_mut().for_each(|ns| *ns = (*ns * factor).round());
                }
            }
        }
        reseal(&mut evidence);
        evidence
    };
    let (verdict, text) = texts(&slower("quantize-tl1-2560x6912", "quantize_ns", 2.5));
    assert_eq!(verdict, Verdict::Fail, "65 ms against 59.4: {text}");
    // 17.7 million multiply-adds in 15 ms are 1.2 G a second.
    let (verdict, text) = texts(&slower("gemv-tl2-2560x6912", "gemm_ns", 10.0));
    assert_eq!(verdict, Verdict::Fail, "{text}");
    let (verdict, _) = texts(&slower("gemv-tl2-2560x6912", "gemm_ns", 5.0));
    assert_eq!(verdict, Verdict::Pass, "2.4 G a second");
}

/// Requirement: Q4.
#[test]
fn accuracy_is_asked_for_in_every_format_and_judged_in_each() {
    let mut evidence = session(4);
    evidence.head.format_accuracy.remove(2);
    let (verdict, _) = texts(&evidence);
    assert_eq!(verdict, Verdict::Incomparable, "tq2_0 was not counted");

    let mut evidence = session(4);
    evidence.head.format_accuracy[1].top1_equal = 7_000; // 97.7 %
    let (verdict, text) = texts(&evidence);
    assert_eq!(verdict, Verdict::Fail, "{text}");

    let mut evidence = session(4);
    evidence.head.format_accuracy[1].nll_float += 1.0;
    assert_eq!(texts(&evidence).0, Verdict::Invalid, "not the float run of the model");
    let mut evidence = session(4);
    "i2_s".clone_into(&mut evidence.head.format_accuracy[0].format);
    assert_eq!(texts(&evidence).0, Verdict::Invalid, "the model's own, twice");
}

#[test]
fn a_product_faster_than_the_machine_is_refused() {
    let mut evidence = session(5);
    rewrite(&mut evidence.head, "gemm_ns", |_, ns| (ns / 100.0).ceil());
    assert_eq!(texts(&evidence).0, Verdict::Invalid);
}
