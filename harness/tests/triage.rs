//! `bench triage` from the outside: a kernel that was made slower is named, the same bytes need no explanation, what is derived can
//! be derived again.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail it")]

mod common;
#[path = "common/engine_toy.rs"]
mod engine_toy;
#[expect(dead_code, reason = "this binary needs a part of it")]
#[path = "common/toy.rs"]
mod toy;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{Folder, Run};
use engine_toy::{MAIN, Toy};
use serde_json::Value;

/// The examples are built beside the binary by every `cargo test` and `cargo nextest run`.
fn slow_kernel() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_bench")).with_file_name("examples").join("slow_kernel")
}

/// Runs `bench` with a home of its own, in which builds would be kept.
fn bench(here: &Folder, args: &[&str]) -> Run {
    let home = here.path("home");
    here.bench_with(args, &[("HOME", home.to_str().unwrap())])
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Requirement: T5.
#[test]
fn a_slower_kernel_is_named_by_its_span_and_the_red_gate_carries_it() {
    let here = Folder::new();
    let (base, head) = (env!("CARGO_BIN_EXE_bench"), slow_kernel());
    let arms = ["--base", base, "--head", head.to_str().unwrap()];
    let pairs = ["--pairs", "16"];
    let explains = "`bench triage` with the same base and head says where the time went";
    bench(&here, &[&["gate"], &arms[..], &pairs[..]].concat()).expect(2, &[explains]);
    let before = json(&here.path("ci/route.json"));
    assert_eq!((&before["to"], before.get("triage")), (&Value::from("perf-fixer"), None));

    let triage = [&["triage", "--workload", "decode-16"], &arms[..], &pairs[..]].concat();
    let said = bench(&here, &triage).expect(0, &["now carry this triage"]).stdout;
    let document = json(&here.path("ci/triage.json"));
    let parts = document["workloads"][0]["parts"].as_array().unwrap();
    let slower = |part: &&Value| part["change"]["low"].as_f64().unwrap() > 0.0;
    let largest = parts.iter().max_by(|a, b| {
        let share = |part: &Value| part["change"]["share_of_base"].as_f64().unwrap();
        share(a).total_cmp(&share(b))
    });
    let largest = largest.unwrap();
    assert_eq!(largest["span"], "rope", "{said}");
    assert!(slower(&largest), "{said}");
    assert!(said.contains("slower: rope"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");

    let after = json(&here.path("ci/route.json"));
    assert_eq!((&after["to"], &after["verdict"]), (&before["to"], &before["verdict"]));
    assert_eq!(after["triage"]["spans"][0]["span"], "rope");
    // Every file of the gate still follows from its bundle, and the triage from its own.
    here.bench(&["verify", "ci"]).expect(0, &[]);
    here.bench(&["verify", "ci/triage_evidence.json"]).expect(0, &[]);
    let again = here.bench(&["triage", "--from", "ci", "--format", "json"]).expect(0, &[]);
    let written = here.path("ci/triage.json");
    assert_eq!(again.stdout.into_bytes(), fs::read(&written).unwrap());
    let page = here.path("ci/triage.html");
    let drawn = fs::read_to_string(&page).unwrap();
    for said in ["Where the time went", "▲ </span>slower", "decode-16/rope +"] {
        assert!(drawn.contains(said), "{said}");
    }
    fs::write(&page, drawn.replacen("▲", "▼", 1)).unwrap();
    here.bench(&["verify", "ci/triage_evidence.json"])
        .expect(4, &["`ci/triage.html`: expected the bytes that follow from"]);
    here.bench(&["triage", "--from", "ci"]).expect(0, &["wrote triage.html"]);
    assert_eq!(fs::read_to_string(&page).unwrap(), drawn, "drawn again: the same bytes");
    let text = fs::read_to_string(&written).unwrap();
    fs::write(&written, text.replacen("\"rope\"", "\"attend\"", 1)).unwrap();
    here.bench(&["verify", "ci/triage_evidence.json"])
        .expect(4, &["expected the bytes that follow from"]);
}

/// Commit 1 does not compile, commit 2 allocates as often as commit 0; the working tree allocates three times more.
#[test]
fn a_dirty_tree_is_explained_and_a_base_that_does_not_build_is_named_and_leaves_nothing() {
    let toy = Toy::new(2, |idx| match idx {
        1 => "fn main() { let broken }".to_owned(),
        _ => MAIN.to_owned(),
    });
    let more = ["--workload", "decode-16", "--layouts", "1", "--pairs", "4"];
    let triage = |base: &str| toy.bench(&[&["triage", "--base", base], &more[..]].concat());

    triage("c1").expect(1, &["failed to build revision `c1`", "error: ", "name another revision"]);
    triage("nonesuch").expect(1, &["`nonesuch`", "no such commit"]);
    assert_eq!(toy.worktrees(), [""; 0]);
    assert!(!toy.here.path("ci/triage.json").exists());

    fs::write(toy.here.path("main.rs"), MAIN.replace("EXTRA: u64 = 0", "EXTRA: u64 = 3")).unwrap();
    let said = triage("c2").expect(0, &["built with uncommitted changes"]).stdout;
    let document = json(&toy.here.path("ci/triage.json"));
    let more = document["hints"].as_array().unwrap().iter().any(|hint| {
        let text = hint["text"].as_str().unwrap();
        hint["kind"] == "allocations" && text.starts_with("decode-16: ")
    });
    assert!(more, "{said}");
    let with = document["compared_with"].as_str().unwrap();
    assert!(with.starts_with("revision `c2` ("), "{with}");
    assert_eq!(document["base"]["commit"], toy.git(&["rev-parse", "c2"]), "{said}");
}

#[test]
fn a_shallow_clone_without_the_base_says_how_to_get_it() {
    let toy = Toy::new(2, |_| MAIN.to_owned());
    let from = format!("file://{}", toy.here.path("").display());
    toy.git(&["clone", "--quiet", "--depth=1", &from, "shallow"]);
    let home = toy.here.path("home");
    let shallow = toy.here.path("shallow");
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["triage", "--base", "HEAD~1"])
        .current_dir(shallow)
        .env("HOME", home)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("HEAD~1") && said.contains("git fetch --deepen=50"), "{said}");
}

/// Ended while it measures, which is as soon as both are built.
#[test]
fn one_that_is_interrupted_leaves_no_file_and_no_worktree_but_those_of_kept_builds() {
    let toy = Toy::new(1, |_| MAIN.to_owned());
    let args = ["triage", "--base", "c0", "--head", "c1", "--layouts", "1", "--pairs", "16"];
    let built = || {
        let layouts = fs::read_dir(toy.here.path("cache/tritgate/builds")).into_iter().flatten();
        let of = |room: std::io::Result<fs::DirEntry>| {
            let entries = fs::read_dir(room.unwrap().path().join("layouts")).into_iter().flatten();
            entries.filter(|entry| {
                entry.as_ref().is_ok_and(|entry| entry.path().join("manifest.json").exists())
            })
        };
        layouts.flat_map(of).count() == 2
    };
    assert_eq!(toy.interrupted(&args, built), Some(130));
    let left = fs::read_dir(toy.here.path("ci")).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["policy.toml"], "as it was");
    assert_eq!(toy.worktrees().len(), 2);
    assert_eq!(toy.git(&["status", "--porcelain"]), "");
    toy.bench(&["clean"]).expect(0, &[]);
    assert_eq!(toy.worktrees(), [""; 0]);
}

#[test]
fn the_same_bytes_need_no_explanation_and_no_measurement() {
    let here = Folder::new();
    let program = env!("CARGO_BIN_EXE_bench");
    let copy = here.path("copy");
    fs::copy(program, &copy).unwrap();
    let args = ["triage", "--base", program, "--head", copy.to_str().unwrap()];
    let said = bench(&here, &args).expect(0, &[]).stdout;
    assert!(said.starts_with("identical, nothing to explain: "), "{said}");
    assert!(!here.path("ci/triage.json").exists());
}

#[test]
fn a_record_stands_for_the_binary_that_the_store_kept_with_it() {
    let here = Folder::new();
    let store = ["--store", "store"];
    let recorded = ["baseline", "record", "--reason", "a test", "--accept"];
    bench(&here, &[&recorded[..], &store].concat()).expect(0, &[]);
    let mut records = fs::read_dir(here.path("store/records")).unwrap();
    let record = records.next().unwrap().unwrap().file_name().into_string().unwrap();
    let triage = |base: &str| {
        let arms = ["triage", "--base", base, "--head", env!("CARGO_BIN_EXE_bench")];
        bench(&here, &[&arms[..], &store].concat())
    };
    let said = triage(&record[..8]).expect(0, &[]).stdout;
    assert!(said.starts_with("identical, nothing to explain: "), "{said}");
    triage("00000000").expect(1, &["`00000000`"]);
}

#[test]
fn what_cannot_be_explained_says_what_would_help() {
    let here = Folder::new();
    let bench = env!("CARGO_BIN_EXE_bench");
    let empty = here.path("empty");
    fs::create_dir(&empty).unwrap();
    let args = ["triage", "--exact", "--base", bench];
    here.bench_with(&args, &[("PATH", empty.to_str().unwrap())])
        .expect(1, &["expected the program `valgrind`", "apt-get install valgrind"]);
    here.bench(&["triage", "--base", bench, "--head", bench, "--workload", "decode-61"])
        .expect(1, &["has no workload `decode-61`", "nearest: `decode-16`"]);
    here.bench(&["triage"]).expect(5, &["no baseline `main`"]);
    here.bench(&["triage", "--from", "nowhere"]).expect(5, &["there is no such file"]);
    here.bench(&["triage", "--base", bench, "--head", bench, "--pairs", "1"])
        .expect(1, &["`--pairs`: expected 2 to 1000, found 1"]);
}
