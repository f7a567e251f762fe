//! The journal of a baseline: what is added comes out in order, and whatever else is done to its bytes is noticed.

mod common;
mod edit;

use std::fs;

use baselines::{
    Digest, ErrorKind, RunRecord,
    store::{Action, DirStore, Entry, Journal, MAX_JOURNAL_BYTES, Note},
};
use common::small_record;
use proptest::prelude::*;
use serde_json::json;

/// A store with three records of one binary, and `main` moved to each in turn.
struct Fixture {
    _dir: tempfile::TempDir,
    store: DirStore,
    records: Vec<Digest>,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let store = DirStore::open(&dir.path().join("store")).expect("a store");
        let source = dir.path().join("bench");
        fs::write(&source, b"#!/bin/sh\n").expect("a file");
        let binary = store.put_binary(&source).expect("a binary");
        let record = |seed| {
            let mut record = small_record();
            record.subject.binary = binary;
            record.seed = seed;
            store.put_record(&record).expect("a record")
        };
        let records: Vec<Digest> = (0..3).map(record).collect();
        Self { _dir: dir, store, records }
    }

    fn filled() -> Self {
        let fixture = Self::new();
        fixture.add(Action::Record, 0);
        fixture.add(Action::Record, 1);
        fixture.add(Action::Promote, 2);
        fixture
    }

    fn add(&self, action: Action, record: usize) -> Entry {
        let changes = [(action, self.records[record])];
        self.store.append("main", &changes, &note("why")).expect("an entry").remove(0)
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.store.root().join("baselines").join(file)
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path("main.jsonl")).expect("a journal")
    }

    fn journal(&self) -> Journal {
        self.store.journal("main").expect("it holds").expect("there is one")
    }

    /// The error after the journal's bytes were replaced.
    fn fault(&self, bytes: &[u8]) -> baselines::Error {
        fs::write(self.path("main.jsonl"), bytes).expect("a file");
        self.store.journal("main").expect_err("a fault")
    }

    /// What an older bench wrote: a pointer, and no journal.
    fn write_pointer(&self, record: usize, reason: &str) {
        let found: RunRecord = self.store.get_record(self.records[record]).expect("a record");
        let pointer = json!({
            "schema": "tritgate.baseline",
            "version": "1.0",
            "name": "main",
            "record": self.records[record].to_string(),
            "binary": found.subject.binary.to_string(),
            "model": found.subject.engine().expect("one of the engine").model.digest.to_string(),
            "fingerprint": found.host.fingerprint.to_string(),
            "recorded_at": found.ended_at,
            "reason": reason,
            "recorded_by": "someone",
        });
        fs::create_dir_all(self.path("")).expect("a folder");
        fs::write(self.path("main.json"), pointer.to_string()).expect("a file");
    }
}

fn note(reason: &str) -> Note {
    Note {
        at: "2026-03-02T10:00:00.000Z".to_owned(),
        reason: reason.to_owned(),
        recorded_by: "someone".to_owned(),
        approved_by: Some("a reviewer".to_owned()),
    }
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

#[test]
fn entries_read_back_in_order_and_each_names_the_line_before() {
    let fixture = Fixture::filled();
    let journal = fixture.journal();
    let entries = journal.entries();
    assert_eq!(
        entries.iter().map(|entry| (entry.action, entry.record)).collect::<Vec<_>>(),
        [
            (Action::Record, fixture.records[0]),
            (Action::Record, fixture.records[1]),
            (Action::Promote, fixture.records[2])
        ]
    );
    let lines = lines(&fixture.bytes());
    assert_eq!(entries[0].previous, None);
    for idx in 1..3 {
        let before = lines[idx - 1].strip_suffix(b"\n").unwrap();
        assert_eq!(entries[idx].previous, Some(Digest::of(before)));
    }
    let record = fixture.store.get_record(fixture.records[2]).unwrap();
    let last = journal.current().unwrap();
    assert_eq!(
        (last.binary, last.model, last.fingerprint, &last.commit, &last.recorded_at),
        (
            record.subject.binary,
            record.subject.engine().unwrap().model.digest,
            record.host.fingerprint,
            &record.tool.commit,
            &record.ended_at
        )
    );
    assert_eq!((last.reason.as_str(), last.approved_by.as_deref()), ("why", Some("a reviewer")));
    assert_eq!(fixture.store.promoted("main").unwrap(), entries);
    let selection = fixture.store.select("main", last.fingerprint, 2, None).unwrap();
    assert_eq!(selection.chosen, [entries[2].clone(), entries[1].clone()]);
}

#[test]
fn an_expired_record_is_said_to_be_until_it_is_promoted_again() {
    let fixture = Fixture::filled();
    let record = fixture.records[2];
    assert_eq!(fixture.journal().expiry_of(record), None);
    let expiry = fixture.add(Action::Expire, 2);
    let journal = fixture.journal();
    assert_eq!(journal.current().map(|entry| entry.record), Some(record));
    assert_eq!(journal.expiry_of(record), Some(&expiry));
    assert_eq!(journal.expiry_of(fixture.records[0]), None);
    fixture.add(Action::Promote, 2);
    assert_eq!(fixture.journal().expiry_of(record), None);
    assert_eq!(fixture.journal().entries().len(), 5);
}

#[test]
fn what_cannot_be_said_is_not_written() {
    let fixture = Fixture::filled();
    let before = fixture.bytes();
    let store = &fixture.store;
    let (there, gone) = (fixture.records[0], Digest::of(b"gone"));
    let good = note("why");
    for (name, change, note, kind) in [
        ("main", (Action::Promote, gone), good.clone(), ErrorKind::NotFound),
        ("main", (Action::Expire, gone), good.clone(), ErrorKind::NotFound),
        ("other", (Action::Expire, there), good.clone(), ErrorKind::NotFound),
        ("../main", (Action::Promote, there), good.clone(), ErrorKind::Malformed),
        ("main", (Action::Promote, there), note(" "), ErrorKind::Malformed),
        ("main", (Action::Promote, there), note("two\nlines"), ErrorKind::Malformed),
        (
            "main",
            (Action::Promote, there),
            Note { recorded_by: String::new(), ..good.clone() },
            ErrorKind::Malformed,
        ),
        (
            "main",
            (Action::Promote, there),
            Note { at: "yesterday".to_owned(), ..good.clone() },
            ErrorKind::Malformed,
        ),
    ] {
        let error = store.append(name, &[change], &note).unwrap_err();
        assert_eq!(error.kind(), kind, "{name} {change:?} {note:?}: {error}");
    }
    // The second of two cannot be done: neither is.
    let both = [(Action::Promote, there), (Action::Promote, gone)];
    store.append("main", &both, &good).unwrap_err();
    // A baseline whose binary is gone could never be run again.
    fs::remove_file(store.binary_path(fixture.journal().entries()[0].binary).unwrap()).unwrap();
    let error = store.append("main", &[(Action::Promote, there)], &good).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(fixture.bytes(), before);
    assert_eq!(store.names().unwrap(), ["main"]);
}

/// Planted faults, and what the error must say.
#[test]
fn every_planted_fault_is_found_and_named() {
    let whole = Fixture::filled();
    let bytes = whole.bytes();
    let lines = lines(&bytes);
    let join =
        |order: &[usize]| order.iter().flat_map(|idx| lines[*idx].clone()).collect::<Vec<u8>>();
    let edited = |line: usize, pointer: &str, value: serde_json::Value| {
        let mut edited = lines.clone();
        edited[line] = edit::with(&lines[line], pointer, value);
        edited[line].push(b'\n');
        edited.concat()
    };
    let mut latin1 = bytes.clone();
    let at = bytes.windows(3).position(|three| three == b"why").unwrap();
    latin1[at] = 0xe9;
    let other_name = edited(0, "/name", json!("other"));
    let table: Vec<(&str, Vec<u8>, ErrorKind, &str)> = vec![
        (
            "reordered",
            join(&[1, 0, 2]),
            ErrorKind::Malformed,
            "line 1: `previous`: expected nothing",
        ),
        ("swapped end", join(&[0, 2, 1]), ErrorKind::Malformed, "line 2: `previous`"),
        ("first dropped", join(&[1, 2]), ErrorKind::Malformed, "line 1: `previous`"),
        ("middle dropped", join(&[0, 2]), ErrorKind::Malformed, "line 2: `previous`"),
        ("last dropped", join(&[0, 1]), ErrorKind::Malformed, "its end is missing"),
        ("all dropped", Vec::new(), ErrorKind::Malformed, "its end is missing"),
        ("repeated", join(&[0, 0, 1, 2]), ErrorKind::Malformed, "line 2: `previous`"),
        ("repeated end", join(&[0, 1, 2, 2]), ErrorKind::Malformed, "line 4: `previous`"),
        (
            "torn within the last line",
            bytes[..bytes.len() - 9].to_vec(),
            ErrorKind::Malformed,
            "its end is missing",
        ),
        (
            "newline cut off",
            bytes[..bytes.len() - 1].to_vec(),
            ErrorKind::Malformed,
            "its end is missing",
        ),
        (
            "edited reason",
            edited(0, "/reason", json!("another")),
            ErrorKind::Malformed,
            "line 2: `previous`",
        ),
        (
            "edited last reason",
            edited(2, "/reason", json!("another")),
            ErrorKind::Malformed,
            "as its head says",
        ),
        (
            "edited record",
            edited(1, "/record", json!("0".repeat(64))),
            ErrorKind::Malformed,
            "line 3: `previous`",
        ),
        (
            "unknown version",
            edited(2, "/version", json!("9.0")),
            ErrorKind::Version,
            "line 3: baseline journal entry schema 9.0 is newer",
        ),
        ("older version", edited(0, "/version", json!("0.9")), ErrorKind::Version, "line 1"),
        (
            "unknown action",
            edited(1, "/action", json!("erase")),
            ErrorKind::Malformed,
            "line 2: baseline journal entry `action`",
        ),
        (
            "unknown field",
            edited(1, "/note", json!(1)),
            ErrorKind::Malformed,
            "line 2: baseline journal entry `note`",
        ),
        (
            "another name",
            other_name,
            ErrorKind::Malformed,
            "line 1: `name`: expected \"main\", found \"other\"",
        ),
        (
            "escape sequence",
            edited(0, "/reason", json!("\u{1b}[2J")),
            ErrorKind::Malformed,
            "line 1: `reason`",
        ),
        (
            "expiry of nothing",
            edited(0, "/action", json!("expire")),
            ErrorKind::Malformed,
            "line 1: `record`: expected one that an entry before",
        ),
        ("not UTF-8", latin1, ErrorKind::Malformed, "line 1"),
        ("an empty line", [b"\n", &bytes[..]].concat(), ErrorKind::Malformed, "line 1"),
        ("NUL bytes", vec![0; 4096], ErrorKind::Malformed, "its end is missing"),
        ("NUL lines", b"\0\n".repeat(2000), ErrorKind::Malformed, "line 1"),
        ("nested", [b"[".repeat(100_000), b"\n".to_vec()].concat(), ErrorKind::Malformed, "line 1"),
        (
            "100 MB",
            vec![b'{'; 100 << 20],
            ErrorKind::Malformed,
            "expected at most 16777216 bytes, found 104857600",
        ),
    ];
    for (what, bytes, kind, part) in table {
        let error = whole.fault(&bytes);
        assert_eq!(error.kind(), kind, "{what}: {error}");
        let text = error.to_string();
        assert!(text.starts_with("journal of baseline `main`"), "{what}: {text}");
        assert!(text.contains(part), "{what}: {text}");
        assert!(!text.contains('\u{1b}') && text.len() < 1_000, "{what}: {text}");
        // Nothing is added to a chain that is broken: neither a record nor anything else.
        let added = whole.store.append("main", &[(Action::Promote, whole.records[0])], &note("x"));
        assert_eq!(added.unwrap_err().kind(), kind, "{what}");
    }
    // 1 TiB of nothing takes no space; it is refused by its size, before it is read.
    fs::File::create(whole.path("main.jsonl")).unwrap().set_len(1 << 40).unwrap();
    let error = whole.store.journal("main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    fs::write(whole.path("main.jsonl"), &bytes).unwrap();
    assert_eq!(whole.journal().entries().len(), 3);
    assert!(bytes.len() < MAX_JOURNAL_BYTES);
}

#[test]
fn a_last_line_that_was_never_acknowledged_is_said_and_not_used() {
    let fixture = Fixture::filled();
    let whole = fixture.bytes();
    let torn = [&whole[..], &lines(&whole)[2][..40]].concat();
    fs::write(fixture.path("main.jsonl"), &torn).unwrap();
    let journal = fixture.journal();
    assert_eq!((journal.entries().len(), journal.torn_bytes()), (3, 40));
    // The next entry follows the last whole one, and the torn one is gone.
    fixture.add(Action::Promote, 0);
    let journal = fixture.journal();
    assert_eq!((journal.entries().len(), journal.torn_bytes()), (4, 0));
    assert!(fixture.bytes().starts_with(&whole));
}

#[test]
fn a_head_that_lags_is_a_write_that_ended_early_and_no_other_is_taken() {
    let fixture = Fixture::new();
    fixture.add(Action::Record, 0);
    let head = fs::read(fixture.path("main.json")).unwrap();
    fs::remove_file(fixture.path("main.json")).unwrap();
    assert_eq!(fixture.journal().entries().len(), 1);
    fixture.add(Action::Record, 1);
    let whole = fs::read(fixture.path("main.json")).unwrap();
    fs::write(fixture.path("main.json"), &head).unwrap();
    assert_eq!(fixture.journal().entries().len(), 2);

    for (what, bytes, part) in [
        ("no head", None, "expected a head beside 2 entries, found none"),
        ("too many", Some(edit::with(&whole, "/n_entries", json!(3))), "its end is missing"),
        (
            "too many by far",
            Some(edit::with(&whole, "/n_entries", json!(u64::MAX))),
            "its end is missing",
        ),
        ("none", Some(edit::with(&whole, "/n_entries", json!(0))), "as its head says"),
        (
            "another digest",
            Some(edit::with(&whole, "/last", json!("0".repeat(64)))),
            "as its head says",
        ),
        (
            "another name",
            Some(edit::with(&whole, "/name", json!("x"))),
            "`name`: expected \"main\"",
        ),
        ("newer", Some(edit::with(&whole, "/version", json!("9.0"))), "upgrade bench"),
        ("torn", Some(whole[..20].to_vec()), "main.json"),
        ("empty", Some(Vec::new()), "main.json"),
        ("not UTF-8", Some(vec![0xff; 9]), "main.json"),
    ] {
        match bytes {
            Some(bytes) => fs::write(fixture.path("main.json"), bytes).unwrap(),
            None => fs::remove_file(fixture.path("main.json")).unwrap(),
        }
        let error = fixture.store.journal("main").expect_err(what).to_string();
        assert!(error.contains(part), "{what}: {error}");
    }
    // A journal that was deleted leaves its head behind.
    fs::write(fixture.path("main.json"), &whole).unwrap();
    fs::remove_file(fixture.path("main.jsonl")).unwrap();
    let error = fixture.store.journal("main").unwrap_err().to_string();
    assert!(error.contains("expected 2 entries, as its head says, found 0"), "{error}");
}

#[test]
fn a_store_without_a_journal_is_read_and_its_pointer_becomes_the_first_entry() {
    let fixture = Fixture::new();
    fixture.write_pointer(0, "two\nlines");
    let before = fixture.journal();
    let first = before.current().unwrap().clone();
    assert_eq!((first.record, first.reason.as_str()), (fixture.records[0], "two lines"));
    assert!(first.commit.is_some() && first.at == first.recorded_at);
    assert!(!fixture.path("main.jsonl").exists(), "reading writes nothing");
    assert_eq!(fixture.store.names().unwrap(), ["main"]);
    assert_eq!(fixture.store.resolve("main").unwrap(), fixture.records[0]);

    fixture.add(Action::Record, 1);
    let journal = fixture.journal();
    assert_eq!(journal.entries().len(), 2);
    assert_eq!(journal.entries()[0], first);

    // The write ended between journal and head: the old pointer is still there.
    fixture.write_pointer(0, "two lines");
    assert_eq!(fixture.journal().entries().len(), 2);
    // An older bench wrote its own pointer after that.
    fixture.write_pointer(2, "old bench");
    let error = fixture.store.journal("main").unwrap_err().to_string();
    assert!(error.contains("of a bench that keeps no journal"), "{error}");
}

#[test]
fn a_name_a_digest_and_its_first_digits_find_a_record() {
    let fixture = Fixture::filled();
    let store = &fixture.store;
    let [record, ..] = fixture.records[..] else { unreachable!() };
    assert_eq!(store.resolve("main").unwrap(), fixture.records[2]);
    assert_eq!(store.resolve(&record.to_string()).unwrap(), record);
    assert_eq!(store.resolve(&record.short()).unwrap(), record);
    for text in ["", "mian", "abc", &"0".repeat(64), "../main", "é"] {
        let error = store.resolve(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{text}");
        assert!(error.to_string().contains("bench baseline list"), "{error}");
    }
    // Two records that begin alike: put there by hand, since none can be made to order.
    let folder = store.root().join("records");
    for end in ["0", "1"] {
        fs::write(folder.join(format!("abcd{}{end}.json", "0".repeat(59))), "{}").unwrap();
    }
    let error = store.resolve("abcd").unwrap_err().to_string();
    assert!(error.contains("found 2 (abcd00000000, abcd00000000); give more digits"), "{error}");
}

#[test]
fn writers_of_one_name_do_not_lose_entries_of_each_other() {
    let fixture = Fixture::filled();
    std::thread::scope(|scope| {
        for record in 0..3 {
            let fixture = &fixture;
            scope.spawn(move || (0..5).for_each(|_| drop(fixture.add(Action::Promote, record))));
        }
    });
    assert_eq!(fixture.journal().entries().len(), 3 + 15);
}

proptest! {
    /// Any bytes, and any change of one byte: an error or a journal, never a panic; and a changed byte is always noticed.
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Journal::parse("main", &bytes);
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let fixture = Fixture::filled();
    let whole = fixture.bytes();
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x01;
        fixture.fault(&bytes);
    }
}
