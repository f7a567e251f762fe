//! `bench verify --replay` on what was really measured: honest evidence holds, and a forger who makes every digest again is found by
//! asking the model, where the rules alone cannot find him.

mod common;

use std::fs;

use baselines::{Digest, RunRecord};
use common::Folder;
use gates::check_record;

const NONCE: &str = "00112233445566778899aabbccddeeff";

/// A measured record in a folder of its own.
fn measured() -> (Folder, RunRecord) {
    let folder = Folder::new();
    let args =
        ["run", "--processes", "2", "--nonce", NONCE, "--json", "run.json", "--format", "json"];
    folder.bench(&args).expect(0, &[]);
    let text = fs::read(folder.path("run.json")).expect("just written");
    let document: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let record = RunRecord::from_json(document["record"].to_string().as_bytes()).expect("a record");
    (folder, record)
}

type Forgery = fn(&mut RunRecord);

/// What is forged, consistently, and the place that replay names.
#[rustfmt::skip] // a table
const FORGERIES: &[(Forgery, &str)] = &[
    (|r| { r.ids[1].generated[2] ^= 1; let digest = Digest::of_ids(&r.ids[1].generated); for p in &mut r.processes { p.outputs[1].output_ids_digest = digest; } }, "outputs[decode-16].output_ids_digest"),
    (|r| for p in &mut r.processes { p.outputs[0].logits_digest = Digest::of(b"other"); }, "outputs[prefill-8].logits_digest"),
    (|r| { r.ids[0].prompt[3] ^= 1; let digest = Digest::of_ids(&r.ids[0].prompt); for p in &mut r.processes { p.outputs[0].prompt_ids_digest = digest; } }, "outputs[prefill-8].prompt_ids_digest"),
    (|r| r.processes[1].challenges[1].generated[5] ^= 1, "challenges[decode-16].generated"),
    (|r| r.processes[1].challenges[0].logits_digest = Digest::of(b"other"), "challenges[prefill-8].logits_digest"),
    (|r| r.nonce = Some("f".repeat(32)), "challenges[prefill-8].prompt_ids_digest"),
    (|r| r.seed += 1, "outputs[prefill-8].prompt_ids_digest"),
    (|r| r.accuracy.as_mut().expect("counted").top1_equal += 1, "accuracy.top1_equal"),
    (|r| r.accuracy.as_mut().expect("counted").nll_int8 *= 1.001, "accuracy.nll_int8"),
];

/// Requirement: S5, H1.
#[test]
fn an_honest_record_is_answered_again_bit_by_bit_and_a_consistent_forgery_is_not() {
    let (folder, record) = measured();
    let held = folder.bench(&["verify", "run.json", "--replay", "--nonce", NONCE]).expect(0, &[]);
    // Of two workloads the fixed answer, and that of each process to the challenge.
    assert!(
        held.stdout.contains("replayed: 6 answers, and accuracy over 500 positions"),
        "{}",
        held.stdout
    );

    for (place, (forge, named)) in FORGERIES.iter().enumerate() {
        let mut forged = record.clone();
        forge(&mut forged);
        // No rule can see it: the record agrees with itself.
        assert_eq!(check_record(&forged), [], "forgery {place}");
        fs::write(folder.path("forged.json"), forged.to_json()).expect("writable");
        let found = folder.bench(&["verify", "forged.json", "--replay"]).expect(4, &[]);
        assert!(found.stdout.contains(named), "forgery {place}: {named} in\n{}", found.stdout);
    }
}

#[test]
fn the_nonce_that_was_drawn_and_the_model_that_was_measured_are_demanded() {
    let (folder, record) = measured();
    assert_eq!(record.nonce.as_deref(), Some(NONCE));
    let other = "f".repeat(32);
    let found = folder.bench(&["verify", "run.json", "--nonce", &other]).expect(4, &[]);
    assert!(found.stdout.contains(&format!("expected {other}, found {NONCE}")), "{}", found.stdout);
    folder.bench(&["verify", "run.json", "--nonce", "XYZ"]).expect(1, &["32 lowercase hex digits"]);

    fs::write(folder.path("other.gguf"), b"GGUF").expect("writable");
    let args = ["verify", "run.json", "--replay", "--model", "other.gguf"];
    folder.bench(&args).expect(1, &["failed to replay"]);
    folder.bench(&["verify", "run.json", "--model", "other.gguf"]).expect(1, &["--replay"]);
    folder.bench(&["verify", "run.json", "--policy", "ci/policy.toml"]).expect(1, &["--policy"]);
}
