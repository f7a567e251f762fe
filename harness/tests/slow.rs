//! A decode loop that is a fifth slower, and puts out the same, is caught: exit 2, route `perf-fixer`.

mod common;

use std::{fs, path::PathBuf};

use common::Folder;

/// The example is built beside the binary by every `cargo test` and `cargo nextest run`.
fn slow_worker() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_bench")).with_file_name("examples").join("slow_worker")
}

#[test]
fn a_worker_slowed_by_a_fifth_fails_the_gate_and_goes_to_the_perf_fixer() {
    let here = Folder::new();
    here.bench(&["baseline", "record"]).expect(0, &[]);
    // Twice the usual pairs: on a shared machine whose pairs scatter by 20 %, 16 would now and then not decide.
    let gate = here.run(&slow_worker(), &["gate", "--pairs", "32"], &[]).expect(2, &[]);
    assert!(gate.stdout.contains("✘ regressed"), "{}", gate.stdout);
    assert!(gate.stdout.contains("1 compared, 1 regressed"), "{}", gate.stdout);
    let route = fs::read_to_string(here.path("ci/route.json")).unwrap();
    assert!(route.contains("\"to\": \"perf-fixer\""), "{route}");
    // The verdict follows from the evidence: the slow build itself cannot talk it away.
    here.bench(&["verify", "ci"]).expect(0, &[]);
}
