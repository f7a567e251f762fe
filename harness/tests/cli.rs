//! Bad input, one paragraph and the right exit code: nothing here measures for long.

mod common;

use std::fs;

use common::Folder;

#[test]
fn a_usage_error_exits_1_and_help_exits_0() {
    let here = Folder::new();
    here.bench(&["--nope"]).expect(1, &["--nope"]);
    here.bench(&["gate", "--pairs", "many"]).expect(1, &["many"]);
    here.bench(&[]).expect(1, &["Usage"]);
    assert!(here.bench(&["--help"]).expect(0, &[]).stdout.contains("Exit codes"));
    assert!(here.bench(&["--version"]).expect(0, &[]).stdout.starts_with("bench "));
}

/// Requirement: I4.
#[test]
fn a_seed_that_is_no_number_exits_1() {
    let here = Folder::new();
    let parts = ["BITNET_SEED", "expected a whole number", "found \"abc\"", "BITNET_SEED=42"];
    here.bench_with(&["run"], &[("BITNET_SEED", "abc")]).expect(1, &parts);
    here.bench_with(&["gate"], &[("BITNET_SEED", "abc")]).expect(1, &parts);
    here.bench_with(&["model", "generate", "--prompt", "x"], &[("BITNET_SEED", "abc")])
        .expect(1, &parts);
}

/// Requirement: K1–K6.
#[test]
fn a_missing_model_exits_1_and_names_the_built_in_one() {
    let here = Folder::new();
    let model = "microsoft-bitnet-b1.58-2B-4T-gguf/ggml-model-i2_s.gguf";
    let args = [
        "benchmark",
        "--model",
        model,
        "--allow-mock",
        "--json",
        "ci/inference.json",
        "--tokens",
        "64",
    ];
    here.bench(&args).expect(1, &["no such file", "--model stories", "There is no mock"]);
    let document = fs::read_to_string(here.path("ci/inference.json")).unwrap();
    assert!(document.contains("\"success\": false"), "{document}");
    assert!(document.contains("\"error_kind\": \"model_not_found\""), "{document}");
}

#[test]
fn a_corrupt_model_exits_1_and_says_which() {
    let here = Folder::new();
    let whole = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../engine/models/bitnet-stories-14m-i2_s.gguf"
    ))
    .unwrap();
    let truncated = &whole[..whole.len() / 2];
    let mut flipped = whole.clone();
    flipped[8] = 0xff;
    for (name, bytes) in
        [("truncated", truncated), ("flipped", &flipped), ("text", b"no GGUF at all")]
    {
        fs::write(here.path("bad.gguf"), bytes).unwrap();
        let run = here.bench(&["run", "--model", "bad.gguf"]);
        assert!(run.stderr.contains("failed to open model `bad.gguf`"), "{name}: {}", run.stderr);
        assert_eq!(run.code, 1, "{name}");
    }
}

#[test]
fn a_prompt_longer_than_the_context_exits_1() {
    let here = Folder::new();
    let prompt = "once upon a time ".repeat(400);
    here.bench(&["model", "generate", "--prompt", &prompt])
        .expect(1, &["context", "found", "shorten"]);
}

#[test]
fn an_instruction_set_that_is_none_exits_1() {
    let here = Folder::new();
    here.bench(&["run", "--isa", "sse9"]).expect(1, &["`sse9`", "`scalar`"]);
    here.bench_with(&["run"], &[("BENCH_ISA", "sse9")]).expect(1, &["BENCH_ISA"]);
}

#[test]
fn an_unknown_key_of_the_settings_exits_1_and_suggests_the_nearest() {
    let here = Folder::new();
    fs::write(here.path("bench.toml"), "[defaults]\nprocesess = 3\n").unwrap();
    here.bench(&["run"])
        .expect(1, &["bench.toml [defaults]", "`procesess`", "nearest: `processes`"]);
    fs::write(here.path("bench.toml"), "").unwrap();
    here.bench(&["run", "--suite", "quik"]).expect(1, &["nearest: `quick`"]);
}

#[test]
fn a_base_that_is_no_revision_exits_1_and_measures_nothing() {
    let here = Folder::new();
    let cache = here.path("cache");
    let cache = [("XDG_CACHE_HOME", cache.to_str().unwrap()), ("PATH", env!("PATH"))];
    here.bench_with(&["gate", "--base", "HEAD~1"], &cache).expect(1, &["HEAD~1", "repository"]);
    here.bench(&["gate", "--base", "HEAD~1"]).expect(1, &["XDG_CACHE_HOME"]);
    here.bench(&["gate", "--head", "HEAD"]).expect(1, &["--base"]);
    here.bench(&["gate", "--base", "a", "--layouts", "0"]).expect(1, &["layouts"]);
    assert!(!here.path("ci/evidence.json").exists());
}

#[test]
fn the_table_of_error_rates_turns_red_for_a_planted_fault() {
    let here = Folder::new();
    let args = ["validate", "--sessions", "200", "--plant", "iterations"];
    let run = here.bench(&args).expect(2, &["planted: ten iterations"]);
    assert!(run.stdout.contains("✘ broken"), "{}", run.stdout);
    let wide = run.stdout.lines().find(|line| line.chars().count() > 80);
    assert_eq!(wide, None);
    here.bench(&["validate", "--plant", "luck"]).expect(1, &["winsor, alpha, iterations, family"]);
    here.bench(&["validate", "--sessions", "3"]).expect(1, &["100 to 1000000"]);
}

#[test]
fn a_folder_without_foreign_series_exits_1_and_one_with_them_is_replayed() {
    let here = Folder::new();
    fs::create_dir(here.path("series")).unwrap();
    fs::write(here.path("series/notes.txt"), "nothing\n").unwrap();
    here.bench(&["validate", "--replay", "series"]).expect(1, &["left out: notes.txt", "no file"]);
    for day in ["1", "2"] {
        let run = |n: u32| format!("BenchmarkA {n} {} ns/op\n", 1_000 + (n * 7) % 13);
        let text: String = (1..30).map(run).collect();
        fs::write(here.path(&format!("series/day-{day}.txt")), text).unwrap();
    }
    let run = here.bench(&["validate", "--replay", "series", "--format", "json"]);
    assert!(run.stdout.contains("\"adjacent days: false slower\""), "{}{}", run.stdout, run.stderr);
}

#[test]
fn an_empty_store_exits_5_under_ci_and_writes_nothing() {
    let here = Folder::new();
    let old = r#"{"version":"1.1","to":"docs-reviewer","rule":"all is well","verdict":"pass"}"#;
    fs::write(here.path("ci/route.json"), old).unwrap();
    here.bench_with(&["gate"], &[("CI", "true")])
        .expect(5, &["no baseline `main`", "CI=true", "bench baseline record"]);
    assert!(!here.path("store").exists());
    // Nor is the green file of an earlier gate left behind.
    let left: Vec<_> =
        fs::read_dir(here.path("ci")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["policy.toml"]);
}

#[test]
fn an_output_folder_that_cannot_be_written_exits_1_before_anything_is_measured() {
    let here = Folder::new();
    fs::write(here.path("taken"), "a file, no folder").unwrap();
    here.bench(&["gate", "--out", "taken/ci"]).expect(1, &["output folder `taken/ci`"]);
    here.bench(&["run", "--json", "taken/out.json"]).expect(1, &["output folder `taken`"]);
    assert!(!here.path("store").exists());
}

/// Requirement: S4, K1–K6.
#[test]
fn comparing_with_a_missing_file_exits_5() {
    let here = Folder::new();
    here.bench(&[
        "bench-compare",
        "--current",
        "ci/inference.json",
        "--baseline",
        "tests/fixtures/performance_baselines.json",
    ])
    .expect(5, &["tests/fixtures/performance_baselines.json", "no such file"]);
}

#[test]
fn a_foreign_json_file_is_no_evidence() {
    let here = Folder::new();
    fs::write(here.path("seed.json"), r#"{"tokens_per_second": 200.0, "success": true}"#).unwrap();
    here.bench(&["verify", "seed.json"]).expect(4, &["schema"]);
    here.bench(&["compare", "--current", "seed.json", "--baseline", "seed.json"]).expect(4, &[]);
}

#[test]
fn a_worker_started_by_hand_says_who_starts_it() {
    let here = Folder::new();
    let run = here.bench(&["worker"]).expect(1, &["not by hand"]);
    assert!(run.stdout.contains("\"failed\""), "{}", run.stdout);
}

/// Requirement: I4.
#[test]
fn generation_is_reproducible_and_follows_its_seed() {
    let here = Folder::new();
    let generate = |seed: &str| {
        let args = [
            "model",
            "generate",
            "--prompt",
            "Once upon a time",
            "--tokens",
            "24",
            "--temperature",
            "1.0",
        ];
        here.bench_with(&args, &[("BITNET_SEED", seed)]).expect(0, &[]).stdout
    };
    let first = generate("42");
    assert!(first.starts_with("Once upon a time"), "{first}");
    assert!(first.len() > 40, "{first}");
    assert_eq!(first, generate("42"));
    assert_ne!(first, generate("43"));
}

#[test]
fn logits_are_written_as_safetensors() {
    let here = Folder::new();
    here.bench(&["model", "logits", "--ids", "1,2,3", "--out", "x.safetensors"])
        .expect(0, &["[3, 4096]"]);
    let bytes = fs::read(here.path("x.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let logits = tensors.tensor("logits").unwrap();
    assert_eq!(logits.shape(), [3, 4096]);
    assert_eq!(logits.dtype(), safetensors::Dtype::F32);

    here.bench(&["model", "logits", "--ids", "4096", "--out", "y.safetensors"])
        .expect(1, &["4096"]);
    assert!(!here.path("y.safetensors").exists());
}

#[test]
fn doctor_reports_on_this_machine_and_fails_only_when_asked_to() {
    let here = Folder::new();
    let run = here.bench(&["doctor", "--strict", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let unfit = document["fitness"] == "unfit";
    assert_eq!(run.code, if unfit { 3 } else { 0 }, "{document:#}");
    assert!(document["checks"].as_array().unwrap().len() > 10, "{document:#}");

    let run = here.bench(&["doctor"]).expect(0, &["watching this machine"]);
    assert!(run.stdout.starts_with("check "), "{}", run.stdout);
    assert!(!run.stdout.contains('\u{1b}'), "a pipe gets no colour: {}", run.stdout);
}

/// A flattened group's heading stands above all that follows it.
#[test]
fn the_gates_own_options_stand_under_no_other_heading() {
    let help = Folder::new().bench(&["gate", "--help"]).expect(0, &[]).stdout;
    let place = |text: &str| help.find(text).unwrap_or_else(|| panic!("{text} in {help}"));
    let headings = [place("External commands:"), place("Criterion bench targets:")];
    for option in [
        "--baseline <",
        "--base <",
        "--head <",
        "--layouts <",
        "--pairs <",
        "--out <",
        "--policy <",
    ] {
        assert!(headings.iter().all(|heading| place(option) < *heading), "{option}: {help}");
    }
    assert!(headings[0] < place("--base-command <") && headings[1] < place("--bench <"));
}
