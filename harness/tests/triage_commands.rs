//! `bench triage` of two external commands from the outside: what is planted in a command is named by its part of the time, the same
//! words need no explanation, and every way in which it can go wrong says the way out.
//!
//! What is planted is a multiple of what a busy machine adds.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail it")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{Folder, Run};
use serde_json::Value;

/// The examples are built beside the binary by every `cargo test` and `cargo nextest run`.
fn toil(what: &str) -> String {
    let program =
        PathBuf::from(env!("CARGO_BIN_EXE_bench")).with_file_name("examples").join("toil");
    format!("{} {what}", program.display())
}

/// Runs `bench triage` of two commands, where programs can be found.
fn triage(here: &Folder, base: &str, head: &str, options: &[&str]) -> Run {
    let mut args = vec!["triage", "--base-command", base, "--head-command", head];
    args.extend(options);
    here.bench_with(&args, &[("PATH", "/usr/local/bin:/usr/bin:/bin")])
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The document, after it was made sure that this part takes more time.
#[track_caller]
fn slower(here: &Folder, name: &str) -> Value {
    let document = json(&here.path("ci/triage.json"));
    let parts = document["workloads"][0]["parts"].as_array().unwrap();
    let part = parts.iter().find(|part| part["span"] == name).unwrap();
    // Each is at least doubled. On a busy machine what takes longer also waits longer for a CPU.
    assert!(part["change"]["low"].as_f64().unwrap() > 0.0, "{document:#}");
    assert!(part["change"]["share_of_base"].as_f64().unwrap() > 0.15, "{document:#}");
    document
}

const EIGHT: [&str; 4] = ["--pairs", "8", "--iterations", "4"];

/// Requirement: T5.
#[test]
fn a_busy_loop_is_named_user_time_and_everything_can_be_derived_again() {
    let here = Folder::new();
    let (base, head) = (toil("spin 20"), toil("spin 40"));
    let said = triage(&here, &base, &head, &EIGHT).expect(0, &["wrote ci/triage.json"]).stdout;
    let document = slower(&here, "user");
    assert!(said.contains("slower: user (the program's own code)"), "{said}");
    let words = |line: &str| line.chars().count() <= 80 || line.split_whitespace().count() == 1;
    assert!(said.lines().all(words), "{said}");
    let table = &document["workloads"][0];
    let sum: f64 = table["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["change"]["share_of_base"].as_f64().unwrap())
        .sum();
    let whole = table["whole"]["share_of_base"].as_f64().unwrap();
    assert!((sum - whole).abs() < 1e-9, "{sum} of {whole}");
    assert_eq!(document["head"]["command"], head.as_str());

    here.bench(&["verify", "ci/triage_evidence.json"]).expect(0, &[]);
    let again = here.bench(&["triage", "--from", "ci", "--format", "json"]).expect(0, &[]);
    let written = here.path("ci/triage.json");
    assert_eq!(again.stdout.into_bytes(), fs::read(&written).unwrap());
    let said = here.bench(&["triage", "--from", "ci", "--format", "md"]).expect(0, &[]).stdout;
    assert!(said.contains("| **user** |"), "{said}");
    let text = fs::read_to_string(&written).unwrap();
    fs::write(&written, text.replacen("\"user\"", "\"system\"", 1)).unwrap();
    here.bench(&["verify", "ci/triage_evidence.json"])
        .expect(4, &["expected the bytes that follow from"]);
}

#[test]
fn a_sleep_is_named_waiting_and_touched_memory_by_its_faults_and_its_peak() {
    let here = Folder::new();
    triage(&here, &toil("sleep 20"), &toil("sleep 60"), &EIGHT).expect(0, &[]);
    slower(&here, "waiting");

    let (base, head) = (toil("sleep 5 touch 60"), toil("sleep 5 touch 120"));
    triage(&here, &base, &head, &EIGHT).expect(0, &[]);
    let document = json(&here.path("ci/triage.json"));
    let hint = |kind: &str| {
        let mut all = document["hints"].as_array().unwrap().iter();
        all.find(|hint| hint["kind"] == kind).map(|hint| hint["text"].to_string())
    };
    let memory = hint("memory").unwrap();
    // 60 and 120 MiB, and the program itself.
    assert!(memory.contains("command: peak resident memory: 6"), "{memory}");
    assert!(memory.contains("→ 12"), "{memory}");
    assert!(hint("page-faults").is_some(), "{document}");
}

/// A gate's records have none of this, and a red gate of the same commands takes the triage over.
#[test]
fn a_red_gate_of_the_same_commands_carries_the_triage() {
    let here = Folder::new();
    let (base, head) = ("sleep 0.010", "sleep 0.030");
    let gate = ["gate", "--base-command", base, "--head-command", head, "--iterations", "2"];
    let path = [("PATH", "/usr/local/bin:/usr/bin:/bin")];
    here.bench_with(&gate, &path).expect(2, &[]);
    let series = json(&here.path("ci/evidence.json"))["head"]["processes"][0]["series"].clone();
    let metrics = series.as_array().unwrap().iter().map(|series| series["metric"].clone());
    let known = ["wall_ns", "cpu_ns", "max_rss_bytes"];
    assert!(metrics.clone().all(|metric| known.contains(&metric.as_str().unwrap())), "{series}");

    triage(&here, base, "sleep 0.031", &EIGHT).expect(0, &[]);
    assert_eq!(json(&here.path("ci/route.json")).get("triage"), None, "another command");
    triage(&here, base, head, &EIGHT).expect(0, &["now carry this triage"]);
    let route = json(&here.path("ci/route.json"));
    assert_eq!(route["triage"]["spans"][0]["span"], "waiting", "{route}");
    here.bench(&["verify", "ci"]).expect(0, &[]);
}

/// Instructions have no noise; a loop of twice the turns executes twice as many.
#[test]
fn exact_counts_name_the_function_that_executes_more_and_say_what_they_leave_out() {
    let here = Folder::new();
    let path = std::env::split_paths("/usr/local/bin:/usr/bin:/bin");
    if !path.map(|folder| folder.join("valgrind")).any(|program| program.is_file()) {
        println!("skipped: valgrind not available");
        return;
    }
    let (base, head) = (toil("spin 1"), toil("spin 2"));
    let said = triage(&here, &base, &head, &["--exact-only"]).expect(0, &[]).stdout;
    let document = json(&here.path("ci/triage_exact.json"));
    assert!(document["functions"][0]["function"].as_str().unwrap().contains("spin"), "{said}");
    assert!(document["functions"][0]["delta_ir"].as_i64().unwrap() >= 1_000_000, "{said}");
    assert_eq!(document["head_command"], head.as_str());
    assert!(said.contains("children that it starts are not"), "{said}");
    assert!(!here.path("ci/triage.json").exists());

    let script = |name: &str, words: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = here.path(name);
        fs::write(&path, format!("#!/bin/sh\n{words}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    };
    let (base, head) = (script("one", ": one"), script("two", "for i in 1 2 3 4 5; do : $i; done"));
    let said = triage(&here, &base, &head, &["--exact-only"]).expect(0, &[]).stdout;
    let text = said.replace("\n    ", " ");
    assert!(text.contains("the program of the head is a script"), "{said}");
    triage(&here, &base, &script("bad", "exit 3"), &["--exact-only"])
        .expect(1, &["--head-command", "under valgrind", "found 3"]);
    triage(&here, &base, &script("other", "exec true"), &["--exact-only"])
        .expect(1, &["not execute another program in its place"]);
    triage(&here, &base, &head, &["--exact-only", "--shell", "sh"]).expect(1, &["`--shell`"]);
    triage(&here, &base, &format!("{head} {{n}}"), &["--exact", "--parameter-list", "n", "1,2"])
        .expect(1, &["expected one workload, found 2", "--workload"]);
}

#[test]
fn the_same_words_need_no_explanation_and_no_run() {
    let here = Folder::new();
    let run = triage(&here, "sleep 600", "sleep  '600'", &[]).expect(0, &[]);
    assert!(run.stdout.starts_with("identical, nothing to explain: "), "{}", run.stdout);
    let run = triage(&here, "sleep 600", "sleep 600", &["--format", "json"]).expect(0, &[]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&document["identical"], &document["command"]), (&true.into(), &"sleep 600".into()));
    assert!(!here.path("ci/triage.json").exists());
}

#[test]
fn parameters_are_workloads_and_one_can_be_asked_for() {
    let here = Folder::new();
    let options = ["--parameter-list", "n", "10,15", "--pairs", "4", "--iterations", "1"];
    let (base, head) = ("sleep 0.0{n}", "sleep 0.1{n}");
    triage(&here, base, head, &options).expect(0, &[]);
    let workloads = |here: &Folder| {
        let document = json(&here.path("ci/triage.json"));
        let all = document["workloads"].as_array().unwrap().clone();
        all.iter().map(|one| one["workload"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(workloads(&here), ["n=10", "n=15"]);
    let one = [&options[..], &["--workload", "n=15"]].concat();
    triage(&here, base, head, &one).expect(0, &[]);
    assert_eq!(workloads(&here), ["n=15"]);
    let none = [&options[..], &["--workload", "n=16"]].concat();
    triage(&here, base, head, &none)
        .expect(1, &["have no workload `n=16`", "nearest: `n=1", "--parameter-list"]);
}

#[test]
fn what_cannot_be_measured_says_what_would_help() {
    let here = Folder::new();
    for (base, head, options, parts) in [
        ("true", "false", &[][..], &["`--head-command` \"false\"", "--ignore-failure"][..]),
        ("true", "no-such-program", &[], &["no-such-program", "PATH", "--shell sh"]),
        ("true", "sleep 600", &["--timeout", "0.2"], &["within 0.2 s", "--timeout"]),
        ("true", "sleep '1", &[], &["--head-command", "closed quotes"]),
        ("true", "false", &["--gated", "cpu_ns"], &["`--gated`", "gates nothing"]),
        ("true", "false", &["--metric", "x=/x"], &["`--metric`", "wall time"]),
        ("true", "false", &["--nonce", "00112233445566778899aabbccddeeff"], &["`--nonce`"]),
        ("true", "false", &["--pairs", "1"], &["`--pairs`: expected 2 to 1000, found 1"]),
        ("true", "false", &["--pairs", "900"], &["at most 3000 series", "fewer `--pairs`"]),
        ("true", "false", &["--model", "stories"], &["--model"]),
        ("true", "false", &["--from", "ci"], &["--from"]),
    ] {
        triage(&here, base, head, options).expect(1, parts);
    }
    here.bench(&["triage", "--base-command", "true"]).expect(1, &["--head-command"]);
    here.bench(&["triage", "--head-command", "true"]).expect(1, &["--base-command"]);
    assert!(
        !here.path("ci/triage.json").exists() && !here.path("ci/triage_evidence.json").exists()
    );
}
