//! `--device`: what was asked for, what ran and why stand in the record, on standard error and in the gate's files; with
//! `--strict-device` a fallback is a failure that leaves no success behind.

mod common;

use std::fs;

use common::Folder;
use serde_json::{Value, json};

/// Of a build with GPUs on a machine without a driver, and of one without.
const MISSING: &str =
    "cuda: CUDA: libcuda.so was not found: the NVIDIA driver is not installed (driver_missing)";
const HAS_GPUS: bool = cfg!(feature = "gpu");
const REASON: &str = if HAS_GPUS { MISSING } else { "this build has no GPU backend (no_backend)" };

fn read(here: &Folder, name: &str) -> Value {
    let text = fs::read_to_string(here.path(name)).expect("the file was written");
    serde_json::from_str(&text).expect("the file is JSON")
}

/// Requested, selected and why, as the record has them.
fn settings(document: &Value) -> Value {
    let settings = &document["record"]["subject"]["settings"];
    json!([settings["device_requested"], settings["device_selected"], settings["fallback"]])
}

const RUN: [&str; 5] = ["run", "--processes", "1", "--without-accuracy", "--json"];

/// Requirement: P2.
#[test]
fn a_gpu_that_is_not_there_is_a_fallback_with_its_reason_and_the_same_ids() {
    let here = Folder::new();
    let warning = format!("warning: device `gpu` was asked for, `cpu` runs: {REASON}");
    here.bench(&[&RUN[..], &["gpu.json", "--device", "gpu"]].concat()).expect(0, &[&warning]);
    let gpu = read(&here, "gpu.json");
    assert_eq!(settings(&gpu), json!(["gpu", "cpu", REASON]));
    assert_eq!(json!([gpu["success"], gpu["device"]]), json!([true, "cpu"]));
    here.bench(&["verify", "gpu.json"]).expect(0, &[]);

    let said = here.bench(&[&RUN[..], &["cpu.json"]].concat()).expect(0, &[]).stderr;
    assert!(!said.contains("warning: device"), "{said}");
    let cpu = read(&here, "cpu.json");
    assert_eq!(settings(&cpu), json!(["cpu", "cpu", null]));
    assert!(cpu["ids"]["decode-16"]["generated"].is_array());
    assert_eq!(cpu["ids"], gpu["ids"]);
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_and_auto_is_no_fallback() {
    let here = Folder::new();
    let toml = fs::read_to_string(here.path("bench.toml")).unwrap();
    let toml = toml.replace("threads = 1", "threads = 1\ndevice = \"cuda:1\"");
    fs::write(here.path("bench.toml"), toml).unwrap();
    let cuda = if HAS_GPUS { MISSING } else { "this build has no cuda backend (no_backend)" };
    for (args, vars, found) in [
        (&[][..], &[][..], json!(["cuda:1", "cpu", cuda])),
        (&[], &[("BENCH_DEVICE", "gpu")], json!(["gpu", "cpu", REASON])),
        (
            &["--device", "auto", "--strict-device"],
            &[("BENCH_DEVICE", "gpu")],
            json!(["auto", "cpu", null]),
        ),
    ] {
        here.bench_with(&[&RUN[..], &["r.json"], args].concat(), vars).expect(0, &[]);
        assert_eq!(settings(&read(&here, "r.json")), found, "{args:?} {vars:?}");
    }
}

#[test]
fn a_name_that_is_no_device_suggests_one() {
    let here = Folder::new();
    let run = ["run", "--device", "gpuu"];
    here.bench(&run)
        .expect(1, &["device \"gpuu\": expected `auto`, `cpu`, `gpu`", "nearest: `gpu`"]);
    here.bench_with(&["run"], &[("BENCH_DEVICE", "cuda:x")])
        .expect(1, &["BENCH_DEVICE", "nearest: `cuda:0`"]);
    here.bench(&["model", "generate", "--prompt", "a", "--device", "tpu"])
        .expect(1, &["`--device`"]);
}

/// Requirement: P2.
#[test]
fn a_strict_fallback_fails_and_leaves_evidence_of_that_in_place_of_an_older_success() {
    let here = Folder::new();
    fs::write(here.path("r.json"), r#"{"success":true}"#).unwrap();
    let args = [&RUN[..], &["r.json", "--device", "gpu", "--strict-device"]].concat();
    let parts =
        ["under `--strict-device`", "device `gpu`: expected a GPU", REASON, "ask for `cpu`"];
    let run = here.bench(&args).expect(1, &parts);
    assert_eq!(run.stdout, "");
    let document = read(&here, "r.json");
    assert_eq!(document["success"], false);
    assert!(document["error"].as_str().unwrap().contains(REASON), "{document}");
    for key in ["device", "timing", "performance", "tokens_generated", "record"] {
        assert_eq!(document[key], Value::Null, "{key}");
    }
}

/// Requirement: P2.
#[test]
fn a_gate_on_a_gpu_that_is_not_there_says_so_in_its_files_or_writes_none() {
    let here = Folder::new();
    let gate = ["gate", "--device", "gpu", "--pairs", "2"];
    let run = here.bench(&gate);
    // An A/A run: whatever the times say, the evidence is complete.
    assert!([0, 2, 3].contains(&run.code), "{}\n{}", run.stdout, run.stderr);
    let gates = fs::read_to_string(here.path("ci/benchmarks_gate.json")).unwrap();
    assert!(gates.contains(&format!("gpu was asked for, cpu ran: {REASON}")), "{gates}");
    assert_eq!(read(&here, "ci/inference.json")["device"], "cpu");
    let gpu = read(&here, "ci/inference_gpu.json");
    assert_eq!(json!([gpu["success"], gpu["skipped"], gpu["timing"]]), json!([false, true, null]));
    assert!(gpu["reason"].as_str().unwrap().contains(REASON), "{gpu}");
    here.bench(&["verify", "ci"]).expect(0, &[]);

    here.bench(&[&gate[..], &["--strict-device"]].concat())
        .expect(1, &["`--strict-device`", REASON]);
    for name in ["evidence.json", "inference.json", "inference_gpu.json", "benchmarks_gate.json"] {
        assert!(!here.path("ci").join(name).exists(), "{name}");
    }
}

#[test]
fn a_generation_says_where_it_ran() {
    let here = Folder::new();
    let args = ["--format", "json", "model", "generate", "--prompt", "Once", "--tokens", "2"];
    let gpu = [&args[..], &["--device", "gpu"]].concat();
    let run = here.bench(&gpu).expect(0, &["warning: device `gpu` was asked for", REASON]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let device = &document["device"];
    assert_eq!(json!([device["requested"], device["selected"]]), json!(["gpu", "cpu"]));
    let kind = if HAS_GPUS { "driver_missing" } else { "no_backend" };
    assert_eq!(device["fallback"]["kind"], kind);
    let considered = if HAS_GPUS { REASON.to_owned() } else { format!("gpu: {REASON}") };
    assert_eq!(device["considered"][0], considered);
    let run = here.bench(&[&gpu[..], &["--strict-device"]].concat()).expect(1, &[REASON]);
    assert_eq!(run.stdout, "");
}
