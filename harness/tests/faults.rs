//! The fault table (`docs/methodology.md`): under each fault `bench run --json` leaves `success: false`, the stable kind and not
//! one number where an older success stood, and nothing half-written beside it.
//!
//! Requirement rows are cited at each test: P4.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use common::Folder;
use engine::gguf::{File, Writer};
use serde_json::Value;

const STORIES: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/models/bitnet-stories-14m-i2_s.gguf");
const OUT: &str = "out.json";
const RUN: [&str; 6] = ["run", "--processes", "1", "--without-accuracy", "--json", OUT];

/// A folder where an earlier run left a success.
fn here() -> Folder {
    let here = Folder::new();
    fs::write(here.path(OUT), r#"{"success": true, "timing": {"load_ms": 99.0}}"#).unwrap();
    here
}

/// The file says that it failed, of which kind, and no number; nothing lies beside it.
#[track_caller]
fn assert_failed(here: &Folder, kind: &str) {
    let text = fs::read_to_string(here.path(OUT)).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["success"], false, "{text}");
    assert_eq!(document["error_kind"], kind, "{text}");
    assert!(document["error"].as_str().is_some_and(|error| error.len() > 10), "{text}");
    assert!(!has_number(&document), "{text}");
    let names: Vec<String> = fs::read_dir(here.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["bench.toml", "ci", "store", OUT].contains(&&**name))
        .filter(|name| !name.ends_with(".gguf"))
        .collect();
    assert!(names.is_empty(), "left behind: {names:?}");
}

fn has_number(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Array(values) => values.iter().any(has_number),
        Value::Object(members) => members.values().any(has_number),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Requirement: P4.
#[test]
fn bad_gguf() {
    let whole = fs::read(STORIES).unwrap();
    let truncated = &whole[..whole.len() / 2];
    for bytes in [truncated, b"no GGUF at all", b""] {
        let here = here();
        fs::write(here.path("bad.gguf"), bytes).unwrap();
        let args = [&RUN[..], &["--model", "bad.gguf"]].concat();
        here.bench(&args).expect(1, &["failed to open model `bad.gguf`"]);
        assert_failed(&here, "gguf");
    }
    // No file at all.
    let here = here();
    here.bench(&[&RUN[..], &["--model", "none.gguf"]].concat()).expect(1, &["no such file"]);
    assert_failed(&here, "model_not_found");
}

/// Requirement: P4.
#[test]
fn no_tokenizer() {
    let here = here();
    let file = File::parse(fs::read(STORIES).unwrap().into()).unwrap();
    let mut writer = Writer::new();
    for (key, value) in file.entries().filter(|(key, _)| !key.starts_with(b"tokenizer.")) {
        writer.entry(key, &value);
    }
    for tensor in file.tensors() {
        let dims: Vec<u64> = tensor.dims().iter().map(|n| *n as u64).collect();
        writer.tensor(tensor.name(), &dims, tensor.format().id(), file.tensor_bytes(tensor));
    }
    fs::write(here.path("dumb.gguf"), writer.to_bytes()).unwrap();
    let suite = "[defaults]\nsuite = \"s\"\n[suites]\ns = [\"end-to-end\"]\n";
    fs::write(here.path("bench.toml"), suite).unwrap();
    let args = [&RUN[..], &["--model", "dumb.gguf"]].concat();
    here.bench(&args).expect(1, &["tokenizer"]);
    assert_failed(&here, "missing_tokenizer");
}

/// Requirement: P3, P4.
#[test]
fn out_of_memory() {
    let here = here();
    let args = [&RUN[..], &["--memory-limit", "100K"]].concat();
    here.bench(&args).expect(1, &["memory", "expected at most 102400 together"]);
    assert_failed(&here, "out_of_memory");
    // With enough of it the same run is a record.
    here.bench(&[&RUN[..], &["--memory-limit", "64M"]].concat()).expect(0, &[]);
    assert!(fs::read_to_string(here.path(OUT)).unwrap().contains("\"success\": true"));
}

/// Requirement: I4, P4.
#[test]
fn bad_seed() {
    let here = here();
    here.bench_with(&RUN, &[("BITNET_SEED", "forty-two")]).expect(1, &["BITNET_SEED"]);
    assert_failed(&here, "seed");
    // On the command line it is a usage error: nothing is run and nothing touched.
    let before = fs::read(here.path(OUT)).unwrap();
    here.bench(&[&RUN[..], &["--seed=-1"]].concat()).expect(1, &["--seed"]);
    assert_eq!(fs::read(here.path(OUT)).unwrap(), before);
}

/// The system lets this process write no more than a kilobyte a file, and says so as it does of a full disk.
///
/// Requirement: P4.
#[test]
fn disk_full() {
    let here = here();
    let script = format!("trap '' XFSZ; ulimit -f 2; exec \"$0\" {}", RUN.join(" "));
    let shell = ["-c", &script, env!("CARGO_BIN_EXE_bench")];
    here.run(Path::new("sh"), &shell, &[("PATH", env!("PATH"))])
        .expect(1, &["failed to write the record", OUT]);
    assert_failed(&here, "io");
}

/// Requirement: P4.
#[test]
fn time_limit() {
    let here = here();
    let args = [&RUN[..], &["--time-limit", "0.2"]].concat();
    here.bench(&args).expect(1, &["time limit", "--time-limit"]);
    assert_failed(&here, "time_limit");
}

/// Ctrl-C in a terminal goes to the workers too; a signal to the parent alone does not.
///
/// Requirement: P4.
#[test]
fn cancelled() {
    let here = here();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["run", "--processes", "50", "--suite", "quick", "--json", OUT])
        .current_dir(here.path("."))
        .env_clear()
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Until it has begun.
    while !fs::read_to_string(here.path(OUT)).unwrap().contains("unfinished") {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_failed(&here, "unfinished");
    let pid = child.id().to_string();
    let killed = Command::new("sh").args(["-c", &format!("kill -INT {pid}")]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_failed(&here, "cancelled");
}
