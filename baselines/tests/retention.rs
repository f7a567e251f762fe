//! What a store forgets: never what a name points at, always said first, and only what the rule lets go of.

mod common;

use std::{
    fs,
    time::{Duration, SystemTime},
};

use baselines::{
    Digest, ErrorKind,
    retention::Rule,
    store::{Action, DirStore, Note},
    timestamp,
};
use common::small_record;

const DAY_MS: i64 = 86_400_000;

/// `main` was moved to four records, each a day after the other and of a binary of its own; one more record is history.
struct Fixture {
    _dir: tempfile::TempDir,
    store: DirStore,
    records: Vec<Digest>,
    binaries: Vec<Digest>,
    /// When the last of them was made.
    last_ms: i64,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let store = DirStore::open(&dir.path().join("store")).expect("a store");
        let (mut records, mut binaries) = (Vec::new(), Vec::new());
        let first_ms = timestamp::parse_ms(&small_record().ended_at).expect("a time");
        for n in 0..5 {
            let source = dir.path().join("bench");
            fs::write(&source, format!("binary {n}")).expect("a file");
            let mut record = small_record();
            record.seed = n;
            record.ended_at =
                timestamp::format_ms(first_ms + DAY_MS * i64::try_from(n).expect("small"))
                    .expect("a time");
            record.subject.binary = store.put_binary(&source).expect("a binary");
            records.push(store.put_record(&record).expect("a record"));
            binaries.push(record.subject.binary);
        }
        let fixture = Self { _dir: dir, store, records, binaries, last_ms: first_ms + 4 * DAY_MS };
        for n in 0..4 {
            fixture.add("main", Action::Record, n);
        }
        fixture.age_binaries();
        fixture
    }

    fn add(&self, name: &str, action: Action, n: usize) {
        self.store.append(name, &[(action, self.records[n])], &note()).expect("an entry");
    }

    /// Every binary was put in 1970: none is of a session under way.
    fn age_binaries(&self) {
        for binary in &self.binaries {
            let path = self.store.binary_path(*binary).expect("a binary");
            let file = fs::File::options().write(true).open(path).expect("a file");
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).expect("its time");
        }
    }

    /// Numbers of the records and binaries that `rule` lets go of, `days` after the last was made.
    fn doomed(&self, keep: usize, history_days: u32, days: i64) -> (Vec<usize>, Vec<usize>) {
        let now_ms = self.last_ms + days * DAY_MS;
        let plan = self.store.prunable(Rule { keep, history_days }, now_ms).expect("a plan");
        let numbers = |files: &[baselines::retention::File], all: &[Digest]| {
            let place = |file: &baselines::retention::File| {
                all.iter().position(|digest| *digest == file.digest).expect("one of ours")
            };
            let mut numbers: Vec<usize> = files.iter().map(place).collect();
            numbers.sort_unstable();
            numbers
        };
        (numbers(&plan.records, &self.records), numbers(&plan.binaries, &self.binaries))
    }
}

fn note() -> Note {
    Note {
        at: "2026-04-01T10:00:00.000Z".to_owned(),
        reason: "a test".to_owned(),
        recorded_by: "someone".to_owned(),
        approved_by: None,
    }
}

#[test]
fn the_last_of_each_name_stay_with_their_binaries_and_recent_records_without() {
    let fixture = Fixture::new();
    // Record 4 is in no journal; 3 is what `main` points at.
    assert_eq!(fixture.doomed(2, 0, 30), (vec![0, 1, 4], vec![0, 1, 4]));
    assert_eq!(fixture.doomed(9, 0, 30), (vec![4], vec![4]));
    assert_eq!(fixture.doomed(0, 0, 30), (vec![0, 1, 2, 4], vec![0, 1, 2, 4]));
    // Of the last 32 days are 2, 3 and 4, made 32, 31 and 30 days ago.
    assert_eq!(fixture.doomed(1, 32, 30), (vec![0, 1], vec![0, 1, 2, 4]));
    assert_eq!(fixture.doomed(1, 365, 30), (vec![], vec![0, 1, 2, 4]));
    // Before they were made, by a clock that is wrong: nothing is old.
    assert_eq!(fixture.doomed(0, 0, -30).0, Vec::<usize>::new());
}

#[test]
fn what_another_name_needs_stays_and_what_expired_is_not_counted() {
    let fixture = Fixture::new();
    fixture.add("release", Action::Promote, 0);
    assert_eq!(fixture.doomed(1, 0, 30), (vec![1, 2, 4], vec![1, 2, 4]));
    fixture.add("main", Action::Expire, 2);
    assert_eq!(fixture.doomed(2, 0, 30), (vec![2, 4], vec![2, 4]));
    // What a name points at stays even after it expired.
    fixture.add("main", Action::Expire, 3);
    assert_eq!(fixture.doomed(0, 0, 30), (vec![1, 2, 4], vec![1, 2, 4]));
}

#[test]
fn a_binary_of_the_last_day_is_left_to_the_session_that_put_it() {
    let fixture = Fixture::new();
    let path = fixture.store.binary_path(fixture.binaries[0]).unwrap();
    let now = u64::try_from(fixture.last_ms + 30 * DAY_MS).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(now - 3_600_000)).unwrap();
    assert_eq!(fixture.doomed(2, 0, 30).1, [1, 4]);
}

#[test]
fn pruning_says_so_first_deletes_what_it_planned_and_is_done_once() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let rule = Rule { keep: 1, history_days: 33 };
    let now_ms = fixture.last_ms + 30 * DAY_MS;
    let planned = store.prunable(rule, now_ms).unwrap();
    assert_eq!(store.records().unwrap().len(), 5, "a plan deletes nothing");
    let done = store.prune(rule, now_ms, &note()).unwrap();
    assert_eq!(done, planned);
    assert!(done.bytes() > 0);
    // 1, 2, 3 and 4 are of the last 33 days.
    for (n, (record, binary)) in fixture.records.iter().zip(&fixture.binaries).enumerate() {
        assert_eq!(store.get_record(*record).is_ok(), n >= 1, "record {n}");
        assert_eq!(store.binary_path(*binary).is_ok(), n == 3, "binary {n}");
    }
    let journal = store.journal("main").unwrap().unwrap();
    let said = |n: usize| journal.pruning_of(fixture.records[n]).map(|entry| entry.action);
    assert_eq!(
        [0, 1, 2, 3].map(said),
        [Some(Action::Prune), Some(Action::PruneBinary), Some(Action::PruneBinary), None]
    );
    let n_entries = journal.entries().len();
    assert_eq!(n_entries, 4 + 3);
    assert_eq!(store.prune(rule, now_ms, &note()).unwrap().bytes(), 0);
    assert_eq!(store.journal("main").unwrap().unwrap().entries().len(), n_entries);
    // A record without its binary cannot be promoted; its samples still count.
    let error =
        store.append("main", &[(Action::Promote, fixture.records[1])], &note()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let chosen = store.select("main", small_record().host.fingerprint, 9, None).unwrap().chosen;
    let chosen: Vec<_> = chosen.iter().map(|entry| entry.record).collect();
    assert_eq!(chosen, [fixture.records[3], fixture.records[2], fixture.records[1]]);
}

#[test]
fn where_a_journal_does_not_hold_nothing_is_deleted() {
    let fixture = Fixture::new();
    let path = fixture.store.root().join("baselines/main.jsonl");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let rule = Rule { keep: 0, history_days: 0 };
    let error = fixture.store.prune(rule, fixture.last_ms + 99 * DAY_MS, &note()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert_eq!(fixture.store.records().unwrap().len(), 5);
    assert_eq!(fixture.store.binaries().unwrap().len(), 5);
}
