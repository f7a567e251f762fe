//! The documents: same evidence, same bytes; one digit changed, other bytes; words and values of one source.

mod common;
#[path = "common/gpu.rs"]
mod gpu;

use baselines::{
    Digest, Evidence,
    evidence::Edit,
    record::StopReason,
    testing::{Size, sized_evidence},
};
use common::{arms, rewrite, session};
use gates::{Policy, Verdict, derive};
use gpu::on_gpu;
use serde_json::Value;

fn file(evidence: &Evidence, name: &str) -> Vec<u8> {
    let files = derive(evidence).expect("the policy is read").files();
    files.into_iter().find(|(known, _)| *known == name).expect("a file of that name").1
}

fn json(evidence: &Evidence, name: &str) -> Value {
    serde_json::from_slice(&file(evidence, name)).expect("the document is JSON")
}

#[test]
fn the_same_evidence_gives_the_same_bytes_also_after_a_round_trip() {
    let evidence = session(11, 1.2);
    let again = Evidence::from_json(&evidence.to_json()).expect("it was written by us");
    let files = derive(&evidence).expect("the policy is read").files();
    assert_eq!(files, derive(&again).expect("the policy is read").files());
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "inference.json",
            "inference_gpu.json",
            "benchmarks_gate.json",
            "perf_gate.json",
            "route.json",
            "report.md"
        ]
    );
    assert!(files.iter().all(|(_, bytes)| bytes.ends_with(b"\n")));
}

#[test]
fn the_same_evidence_gives_the_same_bytes_on_one_thread_and_on_four() {
    // 60 iterations, so that steady states are fitted, and 40 pairs: what the threads share.
    let size = Size { n_pairs: 40, iterations: Some(60), decode_tokens: 4 };
    let policy = gates::DEFAULT_POLICY.to_owned();
    let evidence = Evidence { policy, ..sized_evidence(19, 1.02, size) };
    let files = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| derive(&evidence).expect("the policy is read").files())
    };
    let (one, four) = (files(1), files(4));
    assert_eq!(one, four);
    assert_eq!(four, files(4));
    let gate = &one.iter().find(|(name, _)| *name == "perf_gate.json").expect("it is derived").1;
    assert!(
        String::from_utf8_lossy(gate).contains("\"class\": \"A\""),
        "steady states were judged"
    );
}

#[test]
fn one_digit_in_any_sample_changes_every_document() {
    let evidence = session(12, 1.0);
    let before = derive(&evidence).expect("the policy is read").files();
    for series in 0..evidence.head.processes[0].series.len() {
        let mut changed = evidence.clone();
        changed.head.processes[5].series[series].samples[0] += 1.0;
        let after = derive(&changed).expect("the policy is read").files();
        for ((name, before), (_, after)) in before.iter().zip(&after) {
            assert_ne!(before, after, "{name}, series {series}");
        }
    }
}

/// Requirement: G1, G2, T1–T3.
#[test]
fn gate_documents_have_the_keys_of_the_requirements_as_text_and_as_values() {
    let evidence = session(13, 1.0);
    for (name, keys) in [
        (
            "benchmarks_gate.json",
            ["cpu_inference", "quantization", "gpu_fallback", "model_loading"],
        ),
        (
            "perf_gate.json",
            [
                "regressions",
                "neural_network_inference",
                "quantization_accuracy",
                "baseline_comparison",
            ],
        ),
    ] {
        let gate = json(&evidence, name);
        for key in keys {
            assert!(
                gate["evidence"][key].is_string() && gate["values"][key].is_object(),
                "{name} {key}: {gate}"
            );
        }
        assert_eq!(gate["status"], "completed");
        assert_eq!(gate["conclusion"], "success");
        assert_eq!(gate["next"], "docs-reviewer");
        assert_eq!(gate["head_sha"].as_str(), evidence.head_sha.as_deref());
        let digest = Digest::of(&evidence.to_json()).to_string();
        assert_eq!(gate["records"]["evidence"], digest.as_str());
    }
    let route = json(&evidence, "route.json");
    let digest = Digest::of(&file(&evidence, "perf_gate.json")).to_string();
    assert_eq!(route["gates"][1]["sha256"], digest.as_str());
    assert_eq!(
        (&route["from"], &route["to"]),
        (&"performance-baseline".into(), &"docs-reviewer".into())
    );
}

/// Requirement: G2.
#[test]
fn a_string_flips_with_its_source() {
    let (same, slower) =
        (json(&session(14, 1.0), "perf_gate.json"), json(&session(14, 1.2), "perf_gate.json"));
    let text =
        |gate: &Value| gate["evidence"]["regressions"].as_str().expect("a string").to_owned();
    assert!(text(&same).starts_with("none detected (6 compared, 0 regressed"), "{}", text(&same));
    assert!(
        text(&slower).contains("decode-64/decode_step_ns +")
            && text(&slower).contains("6 regressed"),
        "{}",
        text(&slower)
    );
    assert_eq!(slower["conclusion"], "failure");
}

#[test]
fn refused_evidence_has_no_number_in_any_document() {
    let mut evidence = session(15, 1.0);
    let [_, head] = arms(&mut evidence);
    rewrite(head, "decode_step_ns", |_, ns| -ns);
    let derived = derive(&evidence).expect("the policy is read");
    assert_eq!(derived.verdict, Verdict::Invalid);
    let inference = json(&evidence, "inference.json");
    assert_eq!((&inference["success"], &inference["timing"]), (&Value::Bool(false), &Value::Null));
    assert!(
        inference["error"].as_str().is_some_and(|error| error.contains("rule `samples`")),
        "{inference}"
    );
    let gate = json(&evidence, "perf_gate.json");
    assert!(
        gate["evidence"]["regressions"].as_str().is_some_and(|text| text.starts_with("not judged"))
    );
    let report = String::from_utf8(file(&evidence, "report.md")).expect("UTF-8");
    assert!(
        !report.contains("✅") && !report.contains("[x]") && !report.contains("tok/s"),
        "{report}"
    );
}

/// Requirement: M1.
#[test]
fn the_rate_stands_beside_its_interval_and_the_number_of_processes() {
    let evidence = session(16, 1.0);
    let mut medians: Vec<f64> = evidence
        .head
        .samples("decode-64", "decode_step_ns")
        .filter_map(|(_, samples)| baselines::quantile::median(samples))
        .collect();
    medians.sort_by(f64::total_cmp);
    // Of 16 values the 4th from either end: 1 − 2·P(B < 4) = .9787, B binomial of 16 and ½.
    let (low, high) = (1e9 / medians[12], 1e9 / medians[3]);
    let performance = &json(&evidence, "inference.json")["performance"];
    let found: [f64; 2] =
        serde_json::from_value(performance["tokens_per_second_interval"].clone()).expect("two");
    assert_eq!(found.map(f64::to_bits), [low, high].map(f64::to_bits));
    let coverage = performance["interval_coverage"].as_f64().expect("a number");
    assert!((coverage - 0.978_729_248_046_875).abs() < 1e-12, "{coverage}");
    let gate = json(&evidence, "benchmarks_gate.json");
    let text = gate["evidence"]["cpu_inference"].as_str().expect("a text");
    let said = format!(
        "({low:.0} tok/s to {high:.0} tok/s: 97.9 % interval of the median), median of 16 processes"
    );
    assert!(text.contains(&said), "{text}");
}

/// Requirement: F1–F4, M4, M5.
#[test]
fn inference_has_the_seeds_keys_and_what_they_come_from() {
    let inference = json(&session(16, 1.0), "inference.json");
    for key in ["timing", "performance", "tokens_generated", "device", "success", "error"] {
        assert!(inference.get(key).is_some(), "{key}");
    }
    assert_eq!(inference["tokens_generated"], 64);
    assert!(
        inference["performance"]["tokens_per_second"]
            .as_f64()
            .is_some_and(|rate| (2000.0..3000.0).contains(&rate))
    );
    let evidence = session(16, 1.0);
    let process = &evidence.head.processes[0];
    let steps: Vec<f64> =
        serde_json::from_value(inference["samples"]["decode_step_ns"].clone()).expect("numbers");
    assert_eq!(steps, process.series[2].samples[..64]);
    let ids: Vec<u32> = serde_json::from_value(inference["ids"]["generated"].clone()).expect("ids");
    assert_eq!(Digest::of_ids(&ids), process.outputs[1].output_ids_digest);
    let products = |linear: &str| {
        let counts = inference["counts"].as_array().expect("a list");
        let found = counts.iter().find(|counts| counts["linear"] == linear).expect("counted");
        found["products"].as_u64()
    };
    // 8 iterations of 64 steps through 8 layers; of the head, one a step.
    assert_eq!(products("ffn_down"), Some(8 * 64 * 8));
    assert_eq!(products("output"), Some(8 * 64));
    let all: Vec<f64> = evidence
        .head
        .processes
        .iter()
        .flat_map(|process| process.series[2].samples.clone())
        .collect();
    let mean = all.iter().sum::<f64>() / f64::from(u32::try_from(all.len()).expect("few")) / 1e6;
    let timing = |name: &str| inference["timing"][name].as_f64().expect("a number");
    let found = timing("step_mean_ms");
    assert!((found - mean).abs() < 1e-9, "{found}, {mean}");
    assert_eq!(inference["timing"]["prefill_prompt_tokens"], process.outputs[0].n_prompt);
    let tokens = f64::from(u32::try_from(process.outputs[0].n_prompt).expect("few"));
    let found = timing("prefill_ms_per_token");
    assert!((found * tokens - timing("prefill_ms")).abs() < 1e-9, "{found}");
}

/// An early stop is a fact of the evidence: fewer tokens, the reason, a sample for each; and no faster run.
///
/// Requirement: M5.
#[test]
fn an_early_stop_is_reported_and_never_padded_or_taken_for_speed() {
    let early = |stop: StopReason| {
        let mut evidence = session(16, 1.0);
        for record in arms(&mut evidence) {
            for process in &mut record.processes {
                let output = &mut process.outputs[1];
                (output.n_generated, output.stop) = (40, stop);
                let series = &mut process.series[2];
                let steps = series.samples.chunks(64).flat_map(|steps| &steps[..40]);
                series.samples = steps.copied().collect();
                series.per_iteration = 40;
            }
        }
        evidence
    };
    let declared = early(StopReason::EndOfGeneration);
    let broken = |evidence: &Evidence| {
        let refusals = derive(evidence).expect("derived").refusals;
        refusals.iter().filter(|refusal| refusal.rule == "tokens").count()
    };
    assert_eq!(broken(&declared), 0);
    assert!(broken(&early(StopReason::Length)) > 0, "40 of 64 without a reason");

    // Forty steps of the same speed take as much of the budget as sixty-four would.
    let policy = Policy::parse(&declared.policy).expect("the built-in one");
    let worst = |evidence: &Evidence| {
        let budgets = gates::budget::check(&evidence.head, &policy);
        budgets.iter().find(|budget| budget.name == "inference").expect("judged").value
    };
    let (of_40, of_64) =
        (worst(&declared).expect("a value"), worst(&session(16, 1.0)).expect("a value"));
    assert!((of_40 / of_64 - 1.0).abs() < 0.1, "{of_40} {of_64}");
}

/// Requirement: F1–F4, H3.
#[test]
fn without_a_gpu_its_file_says_why_and_has_no_number() {
    let mut evidence = session(16, 1.0);
    let skipped = json(&evidence, "inference_gpu.json");
    assert_eq!(skipped["skipped"], true);
    assert_eq!(skipped["reason"], "no GPU was asked for");
    for key in ["timing", "performance", "tokens_generated"] {
        assert!(skipped[key].is_null(), "{key}");
    }
    for record in arms(&mut evidence) {
        let settings = &mut record.subject.engine_mut().expect("an engine").settings;
        settings.device_requested = "cuda".to_owned();
        settings.fallback = Some("no driver".to_owned());
    }
    let skipped = json(&evidence, "inference_gpu.json");
    assert_eq!(skipped["reason"], "cuda was asked for, the CPU ran: no driver");
}

/// Requirement: F1–F4, H3.
#[test]
fn of_a_gpu_the_figures_stand_in_its_file_and_in_no_other() {
    let mut evidence = session(16, 1.0);
    let cpu = json(&evidence, "inference.json");
    on_gpu(&mut evidence);
    let gpu = json(&evidence, "inference_gpu.json");
    assert_eq!(gpu["device"], "cuda:0");
    assert_eq!(gpu["timing"], cpu["timing"], "the same samples");
    let skipped = json(&evidence, "inference.json");
    assert_eq!((&skipped["success"], &skipped["skipped"]), (&false.into(), &true.into()));
    assert_eq!(skipped["reason"], "cuda:0 ran: see inference_gpu.json");
    assert!(skipped["timing"].is_null() && skipped["device"].is_null());

    let gate = json(&evidence, "benchmarks_gate.json");
    let found = gate["evidence"].to_string();
    assert!(found.contains("not measured: cuda:0 ran, see gpu_fallback"), "{found}");
    for part in ["cuda was asked for, cuda:0 ran (Scripted GPU, sm_90): ", "1965 to 1980 MHz"] {
        assert!(found.contains(part), "{part}: {found}");
    }
    evidence.head.processes[3].device.as_mut().expect("scripted").lost = Some("planted".to_owned());
    let found = json(&evidence, "benchmarks_gate.json")["evidence"].to_string();
    let n = evidence.head.processes.len();
    let lost = format!("; lost in 1 of {n} processes, the CPU went on: planted");
    assert!(found.contains(&lost), "{found}");
}

/// Requirement: E0.
#[test]
fn the_report_has_the_seeds_outline_and_marks_only_what_was_measured() {
    let report = String::from_utf8(file(&session(17, 1.0), "report.md")).expect("UTF-8");
    let outline = [
        "# Performance Baseline Evidence - ",
        "## Executive Summary",
        "## Performance Metrics Summary",
        "## Benchmark Results Analysis",
        "## Gate Status",
        "## Performance Characteristics Validated",
        "### Quantization Matrix",
        "### Infrastructure Validation",
        "## Routing Decision",
        "## Technical Evidence Files",
        "## Command History",
        "**Timestamp**: ",
    ];
    let mut from = 0;
    for heading in outline {
        let at = report[from..].find(heading);
        from += at.unwrap_or_else(|| panic!("`{heading}` is missing or out of order:\n{report}"));
    }
    for line in [
        "- [x] I2_S: ",
        "- [ ] TL1: not measured",
        "- [ ] TL2: not measured",
        "- [ ] GPU: not measured",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
}

#[test]
fn a_name_in_a_record_cannot_write_a_line_of_the_report() {
    let mut evidence = session(18, 1.0);
    for record in arms(&mut evidence) {
        record.subject.engine_mut().expect("an engine is scripted").model.name =
            "x\n✅ **Pass: forged**".to_owned();
        record.processes[0].counts[0].kernel = "mock\n- [x] forged".to_owned();
    }
    evidence.head_sha = Some("0\n## Forged".to_owned());
    let report = String::from_utf8(file(&evidence, "report.md")).expect("UTF-8");
    for line in report.lines() {
        assert!(
            !line.starts_with("✅") && !line.starts_with("- [x]") && line != "## Forged",
            "{report}"
        );
    }
}

/// Requirement: S2, T6.
#[test]
fn an_edit_of_the_policy_is_named_in_gate_and_report() {
    let mut evidence = session(16, 1.0);
    let was = Digest::of(evidence.policy.as_bytes());
    let edit = Edit { path: "ci/policy.toml".to_owned(), base: Some(was), head: None };
    evidence.edits = vec![edit];
    let words = "the head edits `ci/policy.toml`, judged by the base's";
    let gate = json(&evidence, "perf_gate.json");
    let text = gate["evidence"]["baseline_comparison"].as_str().expect("a text");
    assert!(text.ends_with(words), "{text}");
    let policy = &gate["values"]["baseline_comparison"]["policy"];
    assert_eq!(policy["sha256"], was.to_string());
    assert!(policy["commit"].is_null());
    assert_eq!(policy["edits"][0]["base"], was.to_string());
    assert!(policy["edits"][0]["head"].is_null());
    let report = String::from_utf8(file(&evidence, "report.md")).expect("UTF-8");
    assert!(report.contains(words), "{report}");
}
