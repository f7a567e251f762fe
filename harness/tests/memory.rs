//! The `memory` workload in processes of its own: a hundred generations give everything back, and a planted leak fails it.

mod common;

use std::{fs, path::PathBuf};

use common::Folder;
use serde_json::Value;

const SUITE: &str = r#"
[defaults]
suite = "leak"
threads = 2

[suites]
leak = ["hundred"]

[[workload]]
name = "hundred"
kind = "memory"
warmup = 1
iterations = 2
generations = 100
tokens = 4
"#;

fn here() -> Folder {
    let here = Folder::new();
    fs::write(here.path("bench.toml"), SUITE).expect("the folder is writable");
    here
}

const RUN: [&str; 6] = ["run", "--processes", "1", "--without-accuracy", "--json", "out.json"];

/// Requirement: L3.
#[test]
fn a_hundred_generations_give_everything_back() {
    let here = here();
    here.bench(&RUN).expect(0, &[]);
    let text = fs::read_to_string(here.path("out.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let series = document["record"]["processes"][0]["series"].as_array().unwrap().clone();
    let named = |metric: &str| {
        let found = series.iter().find(|series| series["metric"] == metric);
        found.unwrap()["samples"].as_array().unwrap().clone()
    };
    assert_eq!(named("generation_ns").len(), 200);
    assert_eq!(named("rss_bytes").len(), 200);
    assert!(named("rss_bytes").iter().all(|bytes| bytes.as_f64().unwrap() > 1e6));
    here.bench(&["verify", "out.json"]).expect(0, &[]);
}

/// Requirement: L3.
#[test]
fn a_leak_of_a_kilobyte_a_generation_fails_the_workload() {
    let here = here();
    let leaky = PathBuf::from(env!("CARGO_BIN_EXE_bench")).with_file_name("examples/leaky_worker");
    let run = here.run(&leaky, &RUN, &[]).expect(1, &["workload `hundred`", "leak"]);
    assert!(run.stderr.contains("found 102400 bytes"), "{}", run.stderr);
    assert!(run.stderr.contains("1024 a generation"), "{}", run.stderr);
}
