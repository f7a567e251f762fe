//! Records that were not measured here: another machine's baseline, and times that no machine can reach.

mod common;

use std::fs;

use baselines::{
    RunRecord,
    store::{Action, DirStore, Note},
    testing,
};
use common::Folder;

/// A store whose baseline `main` is `record`, with a file of its own as the kept binary.
fn keep(here: &Folder, mut record: RunRecord) {
    let writable = "the folder is writable";
    let store = DirStore::open(&here.path("store")).expect(writable);
    fs::write(here.path("kept"), "a binary").expect(writable);
    record.subject.binary = store.put_binary(&here.path("kept")).expect(writable);
    let note = Note {
        at: record.ended_at.clone(),
        reason: "a test".to_owned(),
        recorded_by: "a test".to_owned(),
        approved_by: None,
    };
    let digest = store.put_record(&record).expect(writable);
    store.append("main", &[(Action::Record, digest)], &note).expect("record and binary are kept");
}

#[test]
fn a_baseline_of_another_machine_exits_5_before_anything_is_measured() {
    let here = Folder::new();
    keep(&here, testing::record(7));
    here.bench(&["gate"]).expect(5, &["the machine's fingerprint", "bench baseline record"]);
    assert!(!here.path("ci/evidence.json").exists());
}

#[test]
fn a_baseline_of_another_model_exits_5() {
    let here = Folder::new();
    let mut record = testing::record(7);
    // The fingerprint of this machine, as a session on it records it.
    here.bench(&["run", "--processes", "1", "--json", "here.json"]).expect(0, &[]);
    let text = fs::read_to_string(here.path("here.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mine = RunRecord::from_json(&serde_json::to_vec(&document["record"]).unwrap()).unwrap();
    record.host = mine.host;
    keep(&here, record);
    here.bench(&["gate"]).expect(5, &["the model's SHA-256"]);
}

#[test]
fn a_record_faster_than_the_machine_exits_4_and_names_the_physics_rule() {
    let here = Folder::new();
    let path = here.path("record.json");
    let mut record = testing::record(7);
    fs::write(&path, record.to_json()).unwrap();
    here.bench(&["verify", "record.json"]).expect(0, &[]);

    for series in record.processes.iter_mut().flat_map(|process| &mut process.series) {
        for sample in &mut series.samples {
            *sample = (*sample / 1000.0).max(1.0);
        }
    }
    fs::write(&path, record.to_json()).unwrap();
    let verify = here.bench(&["verify", "record.json"]).expect(4, &[]);
    assert!(verify.stdout.contains("rule `physics-"), "{}", verify.stdout);
}
