//! The folder store: what is put in comes out, what was changed is refused, what cannot be written leaves no trace.

mod common;

use std::{fs, path::Path};

use baselines::{
    Digest, ErrorKind, RunRecord,
    record::Purpose,
    store::{Action, DirStore, Note},
};
use common::small_record;

/// A store in a fresh folder, with a binary and the record that names it.
struct Fixture {
    dir: tempfile::TempDir,
    store: DirStore,
    record: RunRecord,
    binary: Digest,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let store = DirStore::open(&dir.path().join("store")).expect("a store");
        let source = dir.path().join("bench");
        fs::write(&source, b"#!/bin/sh\necho bench\n").expect("a file");
        let binary = store.put_binary(&source).expect("a binary");
        let mut record = small_record();
        record.subject.binary = binary;
        Self { dir, store, record, binary }
    }

    fn record_file(&self, digest: Digest) -> std::path::PathBuf {
        self.store.root().join(format!("records/{digest}.json"))
    }
}

fn note() -> Note {
    Note {
        at: "2026-03-02T10:00:00.000Z".to_owned(),
        reason: "first".to_owned(),
        recorded_by: "someone".to_owned(),
        approved_by: None,
    }
}

/// Every file below `folder`, sorted.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found.sort();
    found
}

#[test]
fn a_record_of_a_calibration_is_never_kept() {
    let mut fixture = Fixture::new();
    fixture.record.purpose = Purpose::Calibration;
    let error = fixture.store.put_record(&fixture.record).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("found `calibration`"), "{error}");
    assert_eq!(fixture.store.records().unwrap(), []);
}

#[test]
fn a_store_that_does_not_exist_is_empty_and_is_not_made_by_reading() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("none");
    let store = DirStore::open(&root).unwrap();
    assert_eq!(store.records().unwrap(), []);
    assert_eq!(store.names().unwrap(), [""; 0]);
    assert_eq!(store.binaries().unwrap(), []);
    assert_eq!(store.journal("main").unwrap(), None);
    assert_eq!(store.promoted("main").unwrap(), []);
    assert_eq!(store.resolve("main").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.get_record(Digest::of(b"x")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.binary_path(Digest::of(b"x")).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!root.exists());
}

#[test]
fn a_record_is_named_by_its_bytes_and_putting_it_again_changes_nothing() {
    let fixture = Fixture::new();
    let digest = fixture.store.put_record(&fixture.record).unwrap();
    assert_eq!(digest, Digest::of(&fixture.record.to_json()));
    let modified = || fs::metadata(fixture.record_file(digest)).unwrap().modified().unwrap();
    let (first, listed) = (modified(), files(fixture.store.root()));
    assert_eq!(fixture.store.put_record(&fixture.record).unwrap(), digest);
    assert_eq!((modified(), files(fixture.store.root())), (first, listed));
    assert_eq!(fixture.store.get_record(digest).unwrap(), fixture.record);

    let mut other = fixture.record.clone();
    other.seed += 1;
    let mut both = vec![digest, fixture.store.put_record(&other).unwrap()];
    both.sort();
    assert_eq!(fixture.store.records().unwrap(), both);
}

/// Requirement: C1.
#[test]
fn a_record_edited_by_hand_is_refused_and_can_be_put_right() {
    let fixture = Fixture::new();
    let digest = fixture.store.put_record(&fixture.record).unwrap();
    let path = fixture.record_file(digest);
    // One digit of one sample, and the file is still a valid record.
    let text = fs::read_to_string(&path).unwrap();
    let at = text.find("\"samples\":[").unwrap() + "\"samples\":[".len();
    let digit = if text.as_bytes()[at] == b'9' { "8" } else { "9" };
    let edited = format!("{}{digit}{}", &text[..at], &text[at + 1..]);
    RunRecord::from_json(edited.as_bytes()).unwrap();
    fs::write(&path, &edited).unwrap();
    let error = fixture.store.get_record(digest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Digest);
    let (found, text) = (Digest::of(edited.as_bytes()).to_string(), error.to_string());
    for word in [&digest.to_string(), &found, "changed after it was written", "delete it"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let error = fixture.store.append("main", &[(Action::Record, digest)], &note()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Digest);

    fixture.store.put_record(&fixture.record).unwrap();
    assert_eq!(fixture.store.get_record(digest).unwrap(), fixture.record);
}

#[test]
fn a_record_that_would_not_read_back_is_not_kept() {
    let fixture = Fixture::new();
    for sample in [f64::NAN, f64::INFINITY, -1.0] {
        let mut record = fixture.record.clone();
        record.processes[0].series[0].samples[0] = sample;
        let error = fixture.store.put_record(&record).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains("`processes[0].series[0].samples[0]`"), "{error}");
    }
    assert_eq!(fixture.store.records().unwrap(), []);
}

#[cfg(unix)]
#[test]
fn a_kept_binary_runs_and_is_refused_once_changed() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::new();
    let path = fixture.store.binary_path(fixture.binary).unwrap();
    assert_eq!(path.file_name().unwrap().to_str().unwrap(), fixture.binary.to_string());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(fs::read(&path).unwrap(), b"#!/bin/sh\necho bench\n");

    fs::write(&path, b"#!/bin/sh\necho other\n").unwrap();
    let error = fixture.store.binary_path(fixture.binary).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Digest);
    assert!(error.to_string().starts_with("read kept binary"), "{error}");
}

#[test]
fn foreign_files_in_the_folders_are_passed_over() {
    let fixture = Fixture::new();
    let record = fixture.store.put_record(&fixture.record).unwrap();
    fixture.store.append("main", &[(Action::Record, record)], &note()).unwrap();
    for name in [
        "records/.tmp-abc",
        "records/README.md",
        "records/short.json",
        "baselines/.DS_Store",
        "binaries/x",
    ] {
        fs::write(fixture.store.root().join(name), b"x").unwrap();
    }
    assert_eq!(fixture.store.records().unwrap(), [record]);
    assert_eq!(fixture.store.binaries().unwrap(), [fixture.binary]);
    assert_eq!(fixture.store.names().unwrap(), ["main"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_one_error_and_leaves_no_partial_file() {
    let fixture = Fixture::new();
    // A file in the folder's place stops every user, also one whom permissions do not.
    fs::write(fixture.store.root().join("records"), b"").unwrap();
    let before = files(fixture.dir.path());
    let error = fixture.store.put_record(&fixture.record).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let text = error.to_string();
    assert!(text.contains("records") && text.contains("choose another store folder"), "{text}");
    assert!(!text.contains('\n'), "{text}");
    assert_eq!(files(fixture.dir.path()), before);

    let error = DirStore::open(&fixture.store.root().join("records")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("expected a folder, found a file"), "{error}");
}
