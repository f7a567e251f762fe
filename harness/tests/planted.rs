//! Builds with something planted are caught: a decode loop that is a fifth slower and puts out the same, a kernel with a sign
//! bug.

mod common;

use std::{fs, path::PathBuf};

use common::Folder;

/// The examples are built beside the binary by every `cargo test` and `cargo nextest run`.
fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_bench")).with_file_name("examples").join(name)
}

#[test]
fn a_worker_slowed_by_a_fifth_fails_the_gate_and_goes_to_the_perf_fixer() {
    let here = Folder::new();
    here.bench(&["baseline", "record"]).expect(0, &[]);
    // Twice the usual pairs: on a shared machine whose pairs scatter by 20 %, 16 would now and then not decide.
    let gate = here.run(&example("slow_worker"), &["gate", "--pairs", "32"], &[]).expect(2, &[]);
    assert!(gate.stdout.contains("✘ regressed"), "{}", gate.stdout);
    assert!(gate.stdout.contains("1 compared, 1 regressed"), "{}", gate.stdout);
    let route = fs::read_to_string(here.path("ci/route.json")).unwrap();
    assert!(route.contains("\"to\": \"perf-fixer\""), "{route}");
    // The verdict follows from the evidence: the slow build itself cannot talk it away.
    here.bench(&["verify", "ci"]).expect(0, &[]);
}

/// Requirement: Q4.
#[test]
fn a_kernel_with_a_sign_bug_breaks_the_accuracy_budget() {
    let here = Folder::new();
    // No baseline: the gate takes this very build as its own base, so that only accuracy can tell.
    let broken = example("broken_worker");
    let gate = here.run(&broken, &["gate", "--pairs", "16"], &[]).expect(2, &[]);
    let perf = fs::read_to_string(here.path("ci/perf_gate.json")).unwrap();
    assert!(perf.contains("top-1 agreement with the float run"), "{perf}");
    assert!(perf.contains("\"broken\""), "{perf}\n{}", gate.stdout);
    // The same build against a base without the bug: another output is no evidence about time.
    let here = Folder::new();
    here.bench(&["baseline", "record"]).expect(0, &[]);
    here.run(&broken, &["gate", "--pairs", "16"], &[]).expect(4, &[]);
}
