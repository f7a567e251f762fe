//! `bench model perplexity`: the figures of the model card, and texts that are none.

mod common;

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use common::Folder;
use serde_json::Value;

const HELD_OUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/models/heldout.txt");

/// What the reference implementation dumped (`engine/tests/data/README.md` names it).
fn reference() -> Value {
    let path = "../engine/tests/data/stories/perplexity.json";
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    serde_json::from_slice(&bytes.expect("the file is in the repository")).expect("it is JSON")
}

#[track_caller]
fn perplexity(here: &Folder, args: &[&str]) -> Value {
    let all = [&["--format", "json", "model", "perplexity"], args].concat();
    serde_json::from_str(&here.bench(&all).expect(0, &[]).stdout).expect("bench prints JSON")
}

#[track_caller]
fn holds(row: &Value, want: &Value, tolerance: f64) {
    assert_eq!(row["positions"], want["tokens"]);
    let number = |value: &Value| value.as_f64().expect("a number");
    let (found, want) = (number(&row["perplexity"]), number(&want["ppl"]));
    assert!((found / want - 1.0).abs() < tolerance, "{found} against {want}");
}

/// Requirement: Q4.
#[test]
fn the_figures_of_the_card_come_out_in_all_three_protocols() {
    let here = Folder::new();
    // As tests/reference.rs of the engine: an int8 code may fall on the other side of a rounding boundary.
    let (reference, tolerance) = (&reference()["int8"], 1e-3);
    let windows = perplexity(&here, &["--text", HELD_OUT]);
    holds(&windows["rows"][0], &reference["windows"]["all_positions"], tolerance);
    holds(&windows["rows"][1], &reference["windows"]["second_half"], tolerance);
    assert_eq!(windows["text_bytes_read"], 60_045);
    let stories = perplexity(&here, &["--text", HELD_OUT, "--protocol", "stories"]);
    holds(&stories["rows"][0], &reference["per_story"], tolerance);
    let row = &stories["rows"][0];
    // 60,045 bytes less the line ends between and behind 129 stories.
    assert_eq!(row["bytes"], 60_045 - 2 * 128 - 1);
    let bits = row["nll_sum"].as_f64().unwrap() / 2_f64.ln();
    let near = |key: &str, want: f64| {
        let found = row[key].as_f64().unwrap();
        assert!((found / want - 1.0).abs() < 1e-12, "{key}: {found} against {want}");
    };
    near("bits_per_token", bits / 15_288.0);
    near("bits_per_byte", bits / 59_788.0);
    assert!(row["standard_error"].as_f64().unwrap() > 0.0);
}

#[test]
fn float_activations_are_scored_too() {
    let here = Folder::new();
    let args = ["--text", HELD_OUT, "--activations", "float", "--limit", "1022"];
    let found = perplexity(&here, &args);
    // The first two windows of the reference's 30, whose second halves it lists one by one.
    let reference = reference();
    let each = reference["float"]["windows"]["second_half"]["each"].as_array().unwrap();
    let want: f64 = each[..2].iter().map(|nll| nll.as_f64().unwrap()).sum();
    let sum = found["rows"][1]["nll_sum"].as_f64().unwrap();
    assert!((sum - want).abs() < 1e-2, "{sum} against {want}");
    assert_eq!(
        (&found["rows"][0]["positions"], &found["rows"][1]["positions"]),
        (&1022.into(), &510.into())
    );
}

/// Fewer bits of keys and values change a text's score, and by little.
#[test]
fn the_format_of_keys_and_values_is_stated_and_costs_little() {
    let here = Folder::new();
    let sum = |kv: &str| {
        let found = perplexity(&here, &["--text", HELD_OUT, "--limit", "1022", "--kv", kv]);
        assert_eq!(found["kv_format"], kv);
        found["rows"][0]["nll_sum"].as_f64().unwrap()
    };
    let exact = sum("f32");
    // A value that is rounded flips codes of the int8 activations behind it: 0.3 % here, whichever the format.
    for rounded in [sum("f16"), sum("int8")] {
        let share = (rounded / exact - 1.0).abs();
        assert!(share > 0.0 && share < 1e-2, "{rounded} against {exact}");
    }
    here.bench(&["model", "perplexity", "--text", HELD_OUT, "--kv", "int4"])
        .expect(1, &["int4", "f32, f16, int8"]);
}

#[test]
fn a_limit_is_exact_and_a_table_fits_80_columns() {
    let here = Folder::new();
    for limit in ["1", "100", "511", "512", "700"] {
        let found = perplexity(&here, &["--text", HELD_OUT, "--limit", limit]);
        assert_eq!(found["rows"][0]["positions"].to_string(), limit);
    }
    let args = ["model", "perplexity", "--text", HELD_OUT, "--limit", "300"];
    let shown = here.bench(&args).expect(0, &[]).stdout;
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(shown.contains("all positions") && shown.contains("second half"), "{shown}");
}

#[test]
fn standard_input_is_read_no_further_than_the_limit_needs() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["--format", "json", "model", "perplexity", "--text", "-", "--limit", "600"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It never ends by itself: who reads it all waits for ever.
    let mut stdin = child.stdin.take().unwrap();
    let line = fs::read_to_string(HELD_OUT).unwrap();
    let mut written = 0;
    while stdin.write_all(line.as_bytes()).is_ok() {
        written += line.len();
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["rows"][0]["positions"], 600);
    assert!(written < 2_000_000, "{written} bytes were taken");
}

#[test]
fn texts_that_are_none_exit_1_and_say_why() {
    let here = Folder::new();
    let long = "a word and ".repeat(3000);
    for (bytes, args, said) in [
        (&b""[..], &[][..], "expected a text, found none: it is empty"),
        (b"", &["--protocol", "stories"], "it is empty"),
        (b"\n\n\n", &["--protocol", "stories"], "found 3 line ends only"),
        (b"Once upon a time", &[], "expected a window of 512 tokens at least, found 4"),
        (b"Once\xff", &[], "expected UTF-8, found byte 0xff at byte 4"),
        (b"Once\xff", &["--protocol", "stories"], "found byte 0xff at byte 4"),
        (
            &[long.as_bytes(), b"\xc3"].concat(),
            &[],
            "expected UTF-8, found byte 0xc3 at byte 33000",
        ),
        (
            long.as_bytes(),
            &["--protocol", "stories"],
            "text at byte 0: expected at most 512 tokens",
        ),
        (b"x", &["--window", "1"], "expected 2 to 512 tokens"),
        (b"x", &["--window", "513"], "expected 2 to 512 tokens"),
        (b"x", &["--limit", "0"], "--limit"),
    ] {
        fs::write(here.path("text"), bytes).unwrap();
        // A small model: what is refused late is scored until then.
        let all = [&["model", "perplexity", "--text", "text"], args].concat();
        let cache = here.path("cache");
        let model = if bytes.len() > 1000 { "synthetic:tiny" } else { "stories" };
        let all = [&all[..], &["--model", model]].concat();
        here.bench_with(&all, &[("XDG_CACHE_HOME", cache.to_str().unwrap())]).expect(1, &[said]);
    }
    here.bench(&["model", "perplexity", "--text", "nothing"])
        .expect(1, &["failed to score text `nothing`", "No such file"]);
}
