//! `bench run`: the same ids and the same bits of every logit, whatever the threads and the instruction set.

mod common;

use std::{collections::BTreeMap, fs};

use common::Folder;
use serde_json::Value;

/// Runs the small suite once and returns the ids and every output digest of the file it wrote.
fn outputs(here: &Folder, name: &str, args: &[&str]) -> (Value, BTreeMap<String, Value>) {
    let file = format!("{name}.json");
    // Accuracy is not what is looked at here, and takes long without vector instructions.
    let run = ["run", "--processes", "2", "--without-accuracy", "--json", &file];
    let args = [&run, args].concat();
    here.bench_with(&args, &[("BITNET_DETERMINISTIC", "1"), ("BITNET_SEED", "42")]).expect(0, &[]);
    let text = fs::read_to_string(here.path(&file)).expect("the file was written");
    let document: Value = serde_json::from_str(&text).expect("the file is JSON");
    let digests = document["record"]["processes"][0]["outputs"]
        .as_array()
        .expect("a process has outputs")
        .iter()
        .map(|output| {
            let workload = output["workload"].as_str().expect("an output names its workload");
            let digests = [&output["output_ids_digest"], &output["logits_digest"]];
            (workload.to_owned(), Value::from(digests.map(Value::clone).to_vec()))
        })
        .collect();
    assert_eq!(document["record"]["deterministic"], true);
    assert_eq!(document["record"]["seed"], 42);
    assert_eq!(document["record"]["accuracy"], Value::Null);
    let timing = &document["timing"];
    let prefill = document["record"]["suite"]["workloads"]
        .as_array()
        .and_then(|workloads| workloads.iter().find(|workload| workload["kind"] == "prefill"))
        .expect("the suite has a prefill");
    assert_eq!(timing["prefill_prompt_tokens"], prefill["params"]["prompt_tokens"]);
    let number = |value: &Value| value.as_f64().expect("a number");
    let each = number(&timing["prefill_ms"]) / number(&prefill["params"]["prompt_tokens"]);
    assert!((number(&timing["prefill_ms_per_token"]) / each - 1.0).abs() < 1e-9);
    let mean = number(&timing["decode_ms"]) / number(&document["tokens_generated"]);
    assert!((number(&timing["step_mean_ms"]) / mean - 1.0).abs() < 1e-9, "{timing}");
    (document["ids"].clone(), digests)
}

/// Requirement: M5, H1, I4.
#[test]
fn ids_and_logits_are_the_same_for_any_threads_and_instruction_set() {
    let here = Folder::new();
    let first = outputs(&here, "first", &[]);
    assert_eq!(first.0["decode-16"]["generated"].as_array().map(Vec::len), Some(16));
    assert_eq!(first.1.len(), 2);
    assert_eq!(first, outputs(&here, "again", &[]));
    assert_eq!(first, outputs(&here, "two-threads", &["--threads", "2"]));
    for isa in engine::Isa::available() {
        assert_eq!(first, outputs(&here, &isa.to_string(), &["--isa", &isa.to_string()]), "{isa}");
    }

    // Two sessions are estimated and never judged; one record is never compared with other settings.
    here.bench(&["compare", "--current", "first.json", "--baseline", "first.json"])
        .expect(5, &["the same one twice", "nothing was compared"]);
    let compare = ["compare", "--current", "again.json", "--baseline", "first.json"];
    let compared = here.bench(&compare).expect(3, &[]);
    assert!(compared.stdout.contains("decode-16"), "{}", compared.stdout);
    here.bench(&["compare", "--current", "two-threads.json", "--baseline", "first.json"])
        .expect(5, &["the settings", "threads"]);
    here.bench(&["verify", "first.json"]).expect(0, &[]);
}
