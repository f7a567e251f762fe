//! `bench model inspect`, `quantize`, `tokenize` and `generate`, whole outputs.

mod common;

use std::{
    fs,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
};

use common::Folder;
use engine::gguf::Writer;
use serde_json::Value;

/// The file of the built-in model.
fn stories() -> Vec<u8> {
    let path = "../engine/models/bitnet-stories-14m-i2_s.gguf";
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .expect("the model is in the repository")
}

/// A file of a graph that the engine doesn't run, with the defects of the official 2B-4T file.
fn unknown() -> Vec<u8> {
    let mut writer = Writer::new();
    writer.string("general.architecture", "mamba").string("tokenizer.ggml.model", "gpt2");
    writer.strings("tokenizer.ggml.tokens", &["<s>", "<|eot_id|>", "a\u{1b}[31m", "b"]);
    writer.u32("tokenizer.ggml.bos_token_id", 0).u32("tokenizer.ggml.eos_token_id", 0);
    writer.string("tokenizer.chat_template", "Human: {{ x }}\n\nBITNETAssistant: ");
    let mut bytes = vec![0b01_10_00_01; 32];
    bytes.extend(0.5_f32.to_le_bytes());
    bytes.resize(64, 7);
    writer.tensor("blk.0.ssm_in.weight", &[128, 1], 36, &bytes);
    writer.tensor("blk.1.ssm_in.weight", &[128, 1], 36, &bytes);
    writer.to_bytes()
}

/// What is printed is what the file says; `UPDATE_GOLDEN=1` writes it anew.
#[track_caller]
fn holds(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    #[expect(
        clippy::disallowed_methods,
        reason = "the switch of people who change what is printed"
    )]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).expect("the folder is writable");
    }
    assert_eq!(found, fs::read_to_string(&path).unwrap_or_default(), "{name}");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("bench prints JSON")
}

#[test]
fn a_model_is_shown_in_80_columns() {
    let here = Folder::new();
    let shown = here.bench(&["model", "inspect"]).expect(0, &[]).stdout;
    // Behind the sizes of the model and its products.
    let (_, rest) = shown.split_once("\n\n").unwrap();
    for line in rest.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    holds("inspect-stories.txt", rest);
    let each = here.bench(&["model", "inspect", "--tensors"]).expect(0, &[]).stdout;
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let last = each
        .lines()
        .map(words)
        .find(|words| words.first().is_some_and(|name| name == "blk.7.ffn_down.weight"));
    assert_eq!(last.unwrap()[1..5], ["i2_s", "1024", "×", "384"]);
    assert_eq!(each.lines().filter(|line| line.starts_with("blk.")).count(), 88 + 7, "{each}");
}

#[test]
fn a_file_that_the_engine_does_not_run_is_shown_with_the_reason() {
    let here = Folder::new();
    fs::write(here.path("m.gguf"), unknown()).unwrap();
    let shown = here.bench(&["model", "inspect", "--model", "m.gguf"]).expect(0, &[]).stdout;
    let (_, rest) = shown.split_once('\n').unwrap();
    holds("inspect-unknown.txt", rest);
    let args = ["--format", "json", "model", "inspect", "--model", "m.gguf"];
    let document = json(&here.bench(&args).expect(0, &[]).stdout);
    assert_eq!(document["runs"], false);
    assert!(document["reason"].as_str().unwrap().contains("found \"mamba\""));
    assert_eq!(document["ternary"][0]["plus"], 64);
    let names: Vec<&str> = document["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["eos_without_eot", "i2_s_filler", "missing_pre", "wrong_chat_template"]);
    // No GGUF file at all is an error, as everywhere.
    fs::write(here.path("m.gguf"), "no GGUF at all").unwrap();
    here.bench(&["model", "inspect", "--model", "m.gguf"])
        .expect(1, &["failed to open model `m.gguf`"]);
}

#[test]
fn a_model_converts_and_back_to_the_same_bytes() {
    let here = Folder::new();
    for format in ["tq1_0", "tq2_0"] {
        let args = ["model", "quantize", "--model", "stories", "--to", format, "--out", "new.gguf"];
        let said = here.bench(&args).expect(0, &[]).stdout;
        assert!(said.contains("warning: 48 tensors stay as they were"), "{said}");
        assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
        let args = ["--format", "json", "model", "inspect", "--model", "new.gguf"];
        let document = json(&here.bench(&args).expect(0, &[]).stdout);
        let tensors = document["tensors"].as_array().unwrap();
        assert_eq!(tensors.iter().filter(|tensor| tensor["type"] == format).count(), 8);
        let args =
            ["model", "quantize", "--model", "new.gguf", "--to", "i2_s", "--out", "back.gguf"];
        let said = here.bench(&args).expect(0, &[]).stdout;
        assert!(!said.contains("warning"), "{said}");
        assert!(fs::read(here.path("back.gguf")).unwrap() == stories(), "{format}");
    }
}

#[test]
fn a_format_that_is_not_ternary_exits_1_and_writes_nothing() {
    let here = Folder::new();
    for format in ["f16", "q9"] {
        here.bench(&["model", "quantize", "--to", format, "--out", "x.gguf"])
            .expect(1, &["expected a ternary format (i2_s, ", &format!("found `{format}`")]);
        assert!(!here.path("x.gguf").exists());
    }
}

#[test]
fn a_text_is_printed_token_by_token_and_its_ids_as_json() {
    let here = Folder::new();
    let text = "One day, a\u{1b}[31m bear";
    let shown = here.bench(&["model", "tokenize", "--text", text]).expect(0, &[]).stdout;
    holds("tokenize.txt", &shown);
    fs::write(here.path("text"), text).unwrap();
    let args = ["--format", "json", "model", "tokenize", "--file", "text", "--bos"];
    let document = json(&here.bench(&args).expect(0, &[]).stdout);
    let first = |line: &str| line.split_whitespace().next().unwrap().parse::<u64>().unwrap();
    let ids: Vec<u64> = shown.lines().map(first).collect();
    let found: Vec<u64> =
        document["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    assert_eq!(found[1..], ids);
    assert_eq!(document["bytes"], text.len());
}

#[test]
fn a_text_of_0_bytes_of_10_mb_and_one_that_is_no_utf_8() {
    let here = Folder::new();
    let args = ["--format", "json", "model", "tokenize", "--file", "text"];
    fs::write(here.path("text"), "").unwrap();
    assert_eq!(json(&here.bench(&args).expect(0, &[]).stdout)["ids"], Value::Array(Vec::new()));
    // One word of 10 MB, which no blank cuts.
    fs::write(here.path("text"), vec![b'a'; 10_000_000]).unwrap();
    assert_eq!(json(&here.bench(&args).expect(0, &[]).stdout)["bytes"], 10_000_000);
    fs::write(here.path("text"), b"ab\xff").unwrap();
    here.bench(&args).expect(1, &["failed to read the text: expected UTF-8", "index 2"]);
    here.bench(&["model", "tokenize"]).expect(1, &["--text"]);
}

#[test]
fn a_continuation_is_streamed_or_one_document_and_both_say_the_same() {
    let here = Folder::new();
    let args = ["model", "generate", "--prompt", "Once upon a time", "--tokens", "24"];
    let greedy = [&args[..], &["--temperature", "0"]].concat();
    let shown = here.bench(&greedy).expect(0, &["24 tokens, the first after", "stop: length"]);
    let document =
        json(&here.bench(&[&["--format", "json"], &greedy[..]].concat()).expect(0, &[]).stdout);
    let text = document["text"].as_str().unwrap();
    assert_eq!(shown.stdout, format!("Once upon a time{text}\n"));
    assert_eq!(document["ids"].as_array().unwrap().len(), 24);
    assert_eq!(document["metrics"]["steps_ns"].as_array().unwrap().len(), 23);
    let stop: String = text.chars().skip(20).take(6).collect();
    let stopped = here
        .bench(&[&greedy[..], &["--stop", &stop]].concat())
        .expect(0, &["stop: stop_text"])
        .stdout;
    assert_eq!(stopped, format!("Once upon a time{}\n", text.split(&stop).next().unwrap()));
    let hot = [&["--format", "json"], &args[..], &["--seed", "1"]].concat();
    let once = json(&here.bench(&hot).expect(0, &[]).stdout);
    assert_eq!(once["ids"], json(&here.bench(&hot).expect(0, &[]).stdout)["ids"]);
    let other = [&["--format", "json"], &args[..], &["--seed", "2"]].concat();
    assert_ne!(once["ids"], json(&here.bench(&other).expect(0, &[]).stdout)["ids"]);
}

#[test]
fn options_of_a_generation_out_of_range_exit_1() {
    let here = Folder::new();
    for (option, value, said) in [
        ("--temperature", "NaN", "`temperature`: expected a finite number from 0, found NaN"),
        ("--temperature", "-1", "`temperature`"),
        ("--top-p", "0", "`top_p`"),
        ("--min-p", "1.5", "`min_p`"),
        ("--repetition-penalty", "0.5", "`repetition_penalty`"),
        ("--stop", "", "stop string 0: expected a text"),
        ("--time-limit", "-1", "negative"),
        ("--seed", "x", "invalid digit"),
    ] {
        let args = ["model", "generate", "--prompt", "a", option, value];
        here.bench(&args).expect(1, &[said]);
    }
}

#[test]
fn ctrl_c_ends_a_generation_cleanly_with_130() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["model", "generate", "--prompt", "Once upon a time", "--tokens", "450"])
        .args(["--isa", "scalar", "--threads", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first token is there: its answer is under way.
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [0; 17];
    stdout.read_exact(&mut first).unwrap();
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(rest.ends_with('\n'), "{rest}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("stop: cancelled"), "{said}");
}
