//! Scripted stores → the model: classes, gaps, what is left out, the current session, baselines, waivers, steps, commits.

use std::{fs, path::Path, process::Command};

use baselines::{
    Digest, Evidence, RunRecord,
    record::SCHEMA_VERSION,
    store::{Action, DirStore, Note},
    testing::{self, Day, day, moved},
};
use reports::History;

use super::{Asked, history};
use crate::progress::Progress;

const DAY_MS: i64 = 86_400_000;

/// A store in a folder of its own.
struct Scripted {
    folder: tempfile::TempDir,
    store: DirStore,
}

impl Scripted {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = DirStore::open(&folder.path().join("store")).unwrap();
        Self { folder, store }
    }

    /// With a session a day, whose first of two series has these levels.
    fn of_levels(levels: &[f64]) -> Self {
        let scripted = Self::new();
        for (nth, level) in (0..).zip(levels) {
            scripted.put(&session(nth, *level));
        }
        scripted
    }

    fn put(&self, record: &RunRecord) -> Digest {
        self.store.put_record(record).unwrap()
    }

    /// The file of a record.
    fn file(&self, record: Digest) -> std::path::PathBuf {
        self.store.root().join(format!("records/{record}.json"))
    }

    /// Writes a file as a record of the name that its bytes have.
    fn plant(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        fs::create_dir_all(self.store.root().join("records")).unwrap();
        fs::write(self.file(digest), bytes).unwrap();
        digest
    }

    fn note(&self, name: &str, action: Action, record: Digest, at: &str, approved: Option<&str>) {
        let note = Note {
            at: at.to_owned(),
            reason: format!("{} it", action.name()),
            recorded_by: "ci".to_owned(),
            approved_by: approved.map(str::to_owned),
        };
        self.store.append(name, &[(action, record)], &note).unwrap();
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            store: &self.store,
            cache: None,
            fresh: false,
            baseline: "main",
            policy: None,
            evidence: None,
            commit_url: None,
            workload: None,
            command: "bench report".to_owned(),
            repository: self.folder.path(),
        }
    }

    fn history(&self) -> History {
        read(&self.asked())
    }
}

fn read(asked: &Asked<'_>) -> History {
    history(asked, &Progress::silent()).unwrap()
}

/// The session of the `nth` day; its second series stays as it is.
fn session(nth: i64, level: f64) -> RunRecord {
    day(&Day {
        seed: nth.unsigned_abs(),
        at_ms: nth * DAY_MS,
        commit: Some(format!("{nth:040x}")),
        levels: vec![level, 1.0],
    })
}

fn levels(n: usize, from: usize, level: f64) -> Vec<f64> {
    (0..n).map(|nth| if nth < from { 1.0 } else { level }).collect()
}

/// How many are left out for a reason that says this, and the first example.
fn left_out<'a>(history: &'a History, reason: &str) -> (usize, &'a str) {
    let found = history.left_out.iter().find(|left_out| left_out.reason.contains(reason));
    found.map_or((0, ""), |found| (found.n, found.examples.first().map_or("", String::as_str)))
}

#[test]
fn an_empty_store_is_an_empty_history() {
    let history = Scripted::new().history();
    assert_eq!(history, History { command: "bench report".to_owned(), ..History::default() });
}

#[test]
fn one_session_is_a_point_of_each_track_and_nothing_is_searched() {
    let history = Scripted::of_levels(&[1.0]).history();
    assert_eq!((history.sessions.len(), history.classes.len(), history.tracks.len()), (1, 1, 2));
    for track in &history.tracks {
        let [point] = track.points[..] else { panic!("{} points", track.points.len()) };
        assert_eq!(point.n_processes, 5);
        assert!(point.low <= point.median && point.median <= point.high);
        assert_eq!(track.processes_of(&point).len(), 5);
        assert_eq!(track.not_searched.as_deref(), Some("fewer than six sessions"));
    }
}

#[test]
fn sessions_are_in_the_order_of_time_whatever_their_names() {
    let scripted = Scripted::new();
    for nth in [3, 0, 2, 1] {
        scripted.put(&session(nth, 1.0));
    }
    let history = scripted.history();
    let commits: Vec<&str> =
        history.sessions.iter().filter_map(|session| session.commit.as_deref()).collect();
    assert_eq!(commits, (0..4).map(|nth| format!("{nth:040x}")).collect::<Vec<_>>());
}

#[test]
fn a_planted_step_is_found_at_its_commit_and_only_there() {
    let history = Scripted::of_levels(&levels(40, 25, 1.1)).history();
    let [stepped, steady] = &history.tracks[..] else { panic!() };
    let [change] = stepped.changes[..] else { panic!("{:?}", stepped.changes) };
    assert_eq!(change.place, 25);
    assert!((change.log_ratio - 1.1_f64.ln()).abs() < 0.01, "{}", change.log_ratio);
    assert!(change.last_good < 25 && 25 <= change.first_bad, "{change:?}");
    let commit = &history.session(&stepped.points[change.place]).commit;
    assert_eq!(commit.as_deref(), Some(&*format!("{:040x}", 25)));
    assert_eq!((steady.changes.len(), &steady.not_searched), (0, &None));
}

#[test]
fn another_machine_setting_or_pairing_is_another_class() {
    let scripted = Scripted::of_levels(&[1.0, 1.0]);
    let mut machine = session(2, 1.0);
    machine.host.cpu_model = "Another".to_owned();
    machine.host.fingerprint = machine.host.computed_fingerprint();
    let mut threads = session(3, 1.0);
    threads.subject.engine_mut().unwrap().settings.threads = 1;
    let mut paired = session(4, 1.0);
    paired.purpose = baselines::record::Purpose::Paired;
    for record in [machine, threads, paired] {
        scripted.put(&record);
    }
    let history = scripted.history();
    let classes: Vec<(&str, usize)> =
        history.classes.iter().map(|class| (&*class.subject, class.n_sessions)).collect();
    assert_eq!(
        classes,
        [
            ("stories, avx512, 2 threads, measured in pairs", 1),
            ("stories, avx512, 1 thread", 1),
            ("stories, avx512, 2 threads, measured alone", 1),
            ("stories, avx512, 2 threads, measured alone", 2),
        ]
    );
    assert_eq!(history.classes[2].cpu_model, "Another");
    // By name, then by the latest session.
    let order: Vec<(&str, usize)> =
        history.tracks.iter().map(|track| (&*track.workload, track.class)).collect();
    let of = |name| (0..4).map(move |class| (name, class));
    assert_eq!(order, of("work-00").chain(of("work-01")).collect::<Vec<_>>());
}

#[test]
fn another_definition_of_a_workload_is_another_track_of_its_class() {
    let scripted = Scripted::of_levels(&[1.0]);
    let mut other = session(1, 1.0);
    other.suite.workloads[0].params.insert("iterations".to_owned(), 50);
    scripted.put(&other);
    let history = scripted.history();
    assert_eq!(history.classes.len(), 1);
    let tracks: Vec<(&str, usize)> =
        history.tracks.iter().map(|track| (&*track.definition, track.points.len())).collect();
    assert_eq!(
        tracks,
        [("matmul, iterations 50", 1), ("matmul, iterations 5", 1), ("matmul, iterations 5", 2)]
    );
}

#[test]
fn a_session_without_a_series_is_a_gap_of_its_track_alone() {
    let scripted = Scripted::of_levels(&[1.0, 1.0]);
    let mut gap = session(2, 1.0);
    for process in &mut gap.processes {
        process.series.remove(0);
    }
    scripted.put(&gap);
    scripted.put(&session(3, 1.0));
    let history = scripted.history();
    let sessions = |track: usize| -> Vec<usize> {
        history.tracks[track].points.iter().map(|point| point.session).collect()
    };
    assert_eq!((sessions(0), sessions(1)), (vec![0, 1, 3], vec![0, 1, 2, 3]));
}

#[test]
fn what_cannot_be_read_is_counted_by_reason_and_named() {
    let scripted = Scripted::of_levels(&[1.0, 1.0, 1.0]);
    let text = String::from_utf8(session(9, 1.0).to_json()).unwrap();
    let newer =
        scripted.plant(text.replacen(&format!("\"{SCHEMA_VERSION}\""), "\"1.99\"", 1).as_bytes());
    let malformed = scripted.plant(b"{\"schema\":\"tritgate.run-record\"}");
    let changed = scripted.put(&session(5, 1.0));
    let mut bytes = fs::read(scripted.file(changed)).unwrap();
    let at = bytes.len() - 9;
    bytes[at] ^= 1;
    fs::write(scripted.file(changed), bytes).unwrap();
    let folder = Digest::of(b"a folder");
    fs::create_dir(scripted.file(folder)).unwrap();
    let mut empty = session(6, 1.0);
    empty.processes.clear();
    let empty = scripted.plant(&empty.to_json());
    let mut stray = session(7, 1.0);
    stray.suite.workloads.remove(0);
    let stray = scripted.put(&stray);

    let history = scripted.history();
    assert_eq!(history.sessions.len(), 4, "three and the one with a stray series");
    for (reason, n, record) in [
        ("schema version", 1, newer),
        ("none by the schema", 2, malformed.min(folder)),
        ("changed after", 1, changed),
        ("without any series", 1, empty),
        ("does not define", 1, stray),
    ] {
        let (found, example) = left_out(&history, reason);
        assert_eq!(found, n, "{reason}: {:?}", history.left_out);
        assert!(example.starts_with(&record.short()), "{reason}: {example}");
    }
    assert_eq!(history.left_out.iter().map(|left_out| left_out.n).sum::<usize>(), 6);
}

#[test]
fn values_that_no_chart_can_show_are_counted_and_zero_is_not_searched() {
    let scripted = Scripted::of_levels(&[1.0; 7]);
    // The reader takes no negative sample.
    for (nth, value) in [(7, 1e300), (8, 1e15), (9, 0.0)] {
        let mut record = session(nth, 1.0);
        for process in &mut record.processes {
            process.series[0].samples.fill(value);
        }
        scripted.plant(&record.sealed().to_json());
    }
    let history = scripted.history();
    let [bad, good] = &history.tracks[..] else { panic!("{:?}", history.left_out) };
    assert_eq!((bad.points.len(), bad.n_unusable), (8, 2));
    assert_eq!(bad.not_searched.as_deref(), Some("a value is zero, and has no ratio to another"));
    assert_eq!((good.points.len(), good.n_unusable, &good.not_searched), (10, 0, &None));
}

#[test]
fn only_tracks_that_are_asked_for_are_shown_and_the_rest_is_counted() {
    let scripted = Scripted::of_levels(&[1.0]);
    let history = read(&Asked { workload: Some("01/matmul"), ..scripted.asked() });
    assert_eq!(history.tracks.len(), 1);
    assert_eq!(history.tracks[0].workload, "work-01");
    assert_eq!(left_out(&history, "--workload"), (1, "work-00/matmul_ns"));
}

/// A bundle whose head is a session of the store's class, on the `nth` day.
fn bundle(nth: i64) -> Evidence {
    let mut evidence = testing::evidence(1, 1.0);
    evidence.head = session(nth, 1.0);
    evidence
}

#[test]
fn the_session_of_the_page_is_the_latest_point_and_is_there_once() {
    let scripted = Scripted::of_levels(&[1.0, 1.0]);
    let evidence = bundle(2);
    let asked = Asked { evidence: Some(&evidence), ..scripted.asked() };
    let before = read(&asked);
    let current: Vec<bool> = before.sessions.iter().map(|session| session.is_current).collect();
    assert_eq!(current, [false, false, true]);
    assert!(before.tracks.iter().all(|track| track.points.len() == 3));
    // The gate keeps its head: the same record, whoever has it.
    scripted.put(&evidence.head);
    assert_eq!(read(&asked), before);
}

#[test]
fn a_session_of_a_new_class_has_tracks_of_its_own() {
    let scripted = Scripted::of_levels(&[1.0]);
    let evidence = testing::evidence(1, 1.0);
    let history = read(&Asked { evidence: Some(&evidence), ..scripted.asked() });
    assert_eq!(history.classes.len(), 2);
    assert_eq!(history.tracks.len(), 2 + 7);
    assert!(history.sessions.iter().any(|session| session.is_current));
}

/// A store with a kept binary, whose `main` was recorded on the first day and moved on the third.
fn with_baseline() -> (Scripted, Vec<Digest>) {
    let scripted = Scripted::new();
    let path = scripted.folder.path().join("kept");
    fs::write(&path, "a binary").unwrap();
    let binary = scripted.store.put_binary(&path).unwrap();
    let records: Vec<Digest> = (0..4)
        .map(|nth| {
            let mut record = session(nth, 1.0);
            record.subject.binary = binary;
            scripted.put(&record.sealed())
        })
        .collect();
    scripted.note("main", Action::Record, records[0], "2026-03-02T10:00:00.000Z", None);
    scripted.note("main", Action::Promote, records[2], "2026-03-04T10:00:00.000Z", Some("Ada"));
    (scripted, records)
}

/// The policy that ships, for a track of these records.
fn policy(waiver: &str) -> String {
    let gated = "[[gated]]\nworkload = \"decode-64\"\nmetric = \"decode_step_ns\"";
    assert!(gates::DEFAULT_POLICY.contains(gated));
    let ours = "[[gated]]\nworkload = \"work-00\"\nmetric = \"matmul_ns\"";
    format!("{}\n{waiver}", gates::DEFAULT_POLICY.replace(gated, ours))
}

#[test]
fn a_promotion_is_an_event_and_its_record_the_reference_with_the_margins_of_the_policy() {
    let (scripted, records) = with_baseline();
    let policy = policy("");
    let asked = Asked { policy: Some(&policy), ..scripted.asked() };
    let history = read(&asked);
    let events: Vec<_> = history
        .events
        .iter()
        .map(|event| (&*event.action, event.session, &*event.by, &*event.reason))
        .collect();
    assert_eq!(
        events,
        [
            ("record", Some(0), "ci", "record it"),
            ("promote", Some(2), "ci, approved by Ada", "promote it")
        ]
    );
    let [gated, other] = &history.tracks[..] else { panic!() };
    let reference = gated.reference.as_ref().unwrap();
    assert_eq!((&*reference.name, reference.place), ("main", 2));
    let (negligible, unacceptable) = reference.margins.unwrap();
    assert!((negligible.exp() - 1.01).abs() < 1e-12 && (unacceptable.exp() - 1.05).abs() < 1e-12);
    assert_eq!(other.reference.as_ref().unwrap().margins, None);

    let none = read(&Asked { baseline: "other", ..scripted.asked() });
    assert!(none.tracks.iter().all(|track| track.reference.is_none()));
    scripted.note("main", Action::Expire, records[2], "2026-03-05T10:00:00.000Z", None);
    let expired = read(&asked);
    assert!(expired.tracks.iter().all(|track| track.reference.is_none()));
    assert_eq!(expired.events.len(), 3);
}

#[test]
fn a_journal_that_cannot_be_read_is_named_and_the_others_are_read() {
    let (scripted, records) = with_baseline();
    scripted.note("spare", Action::Record, records[1], "2026-03-03T10:00:00.000Z", None);
    let path = scripted.store.root().join("baselines/main.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("record it", "nothing", 1)).unwrap();
    let history = scripted.history();
    let names: Vec<&str> = history.events.iter().map(|event| &*event.baseline).collect();
    assert_eq!(names, ["spare"]);
    let (n, example) = left_out(&history, "journals");
    assert!(n == 1 && example.starts_with("main: journal of baseline `main`"), "{example}");
    assert!(history.tracks.iter().all(|track| track.reference.is_none()));
}

#[test]
fn a_waiver_is_shown_with_its_state_at_the_latest_session() {
    let scripted = Scripted::of_levels(&[1.0, 1.0]);
    let state = |expires: &str| {
        let waiver = format!(
            "[[waiver]]\nmetric = \"matmul_ns\"\nworkload = \"work-00\"\nceiling = 1.2\nreason = \"why\"\nowner = \"Ada\"\n\
             expires = \"{expires}\"\n"
        );
        let policy = policy(&waiver);
        let history = read(&Asked { policy: Some(&policy), ..scripted.asked() });
        assert!(history.tracks[1].waivers.is_empty());
        let [waiver] = &history.tracks[0].waivers[..] else { panic!() };
        assert_eq!((&*waiver.owner, &*waiver.ceiling), ("Ada", "+20 %"));
        waiver.state.clone()
    };
    // The sessions are of 2 and 3 March 2026.
    assert_eq!(state("2026-03-03"), "in force");
    assert_eq!(state("2026-03-02"), "expired");
    assert_eq!(state("2028-01-01"), "ends too far away");
}

#[test]
fn a_policy_may_gate_a_metric_of_a_command_in_the_store() {
    let scripted = Scripted::new();
    scripted.put(&testing::commands(1, 1.0).base);
    let policy = gates::DEFAULT_POLICY.replace(
        "workload = \"decode-64\"\nmetric = \"decode_step_ns\"",
        &format!("workload = \"command\"\nmetric = \"{}\"", testing::OWN_METRIC),
    );
    let history = read(&Asked { policy: Some(&policy), ..scripted.asked() });
    assert_eq!(history.tracks.len(), 3);
    assert_eq!(history.classes[0].subject, "command work --old");
}

fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    baselines::git::isolate(&mut command).arg("-C").arg(folder);
    command.args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]);
    let output = command.args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn commits_that_git_knows_have_their_subject_and_a_link_and_the_others_have_none() {
    let scripted = Scripted::new();
    let folder = scripted.folder.path();
    git(folder, &["init", "--quiet"]);
    let hostile = format!("<script>\u{202e} {}", "é".repeat(10_000));
    let message = format!("{hostile}\n\nbody");
    git(folder, &["commit", "--quiet", "--allow-empty", "--message", &message]);
    let known = git(folder, &["rev-parse", "HEAD"]);
    git(folder, &["remote", "add", "origin", "git@github.com:o/r.git"]);
    let commits = [Some(known), Some("0".repeat(40)), Some("--all".to_owned()), None];
    for (nth, commit) in (0..).zip(commits) {
        scripted.put(&day(&Day { seed: 1, at_ms: nth * DAY_MS, commit, levels: vec![1.0] }));
    }
    let history = scripted.history();
    let subjects: Vec<Option<usize>> = history
        .sessions
        .iter()
        .map(|session| session.subject.as_ref().map(|subject| subject.chars().count()))
        .collect();
    assert_eq!(subjects, [Some(201), None, None, None]);
    let subject = history.sessions[0].subject.as_ref().unwrap();
    assert!(hostile.starts_with(subject.trim_end_matches('…')));
    assert_eq!(history.commit_url.as_deref(), Some("https://github.com/o/r/commit/"));
    let given = read(&Asked { commit_url: Some("https://x.example/"), ..scripted.asked() });
    assert_eq!(given.commit_url.as_deref(), Some("https://x.example/"));
    let http = Asked { commit_url: Some("http://x.example/"), ..scripted.asked() };
    let refused = history_error(&http);
    assert!(refused.contains("--commit-url"), "{refused}");
}

fn history_error(asked: &Asked<'_>) -> String {
    history(asked, &Progress::silent()).unwrap_err().to_string()
}

#[test]
fn the_history_is_the_same_with_and_without_the_cache() {
    let scripted = Scripted::of_levels(&levels(20, 12, 1.2));
    scripted.plant(b"{\"schema\":\"tritgate.run-record\"}");
    scripted.put(&moved(testing::commands(1, 1.0).base, DAY_MS));
    let cache = scripted.folder.path().join("cache");
    let cached = || Asked { cache: Some(cache.clone()), ..scripted.asked() };
    let without = scripted.history();
    let (first, second) = (read(&cached()), read(&cached()));
    let fresh = read(&Asked { fresh: true, ..cached() });
    assert!(without == first && first == second && second == fresh);
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 1);
}

#[test]
fn a_record_in_the_cache_is_not_read_again_and_one_that_is_gone_is_not_shown() {
    let scripted = Scripted::of_levels(&[1.0; 9]);
    let cache = scripted.folder.path().join("cache");
    let cached = || Asked { cache: Some(cache.clone()), ..scripted.asked() };
    let whole = read(&cached());
    let records = scripted.store.records().unwrap();
    fs::write(scripted.file(records[0]), "changed").unwrap();
    assert_eq!(read(&cached()), whole, "its bytes aren't looked at");
    let fresh = read(&Asked { fresh: true, ..cached() });
    assert_eq!((fresh.sessions.len(), left_out(&fresh, "changed after").0), (8, 1));
    fs::remove_file(scripted.file(records[1])).unwrap();
    assert_eq!(read(&cached()).sessions.len(), 7);
    // A later one is read beside those that are known.
    scripted.put(&session(20, 1.0));
    assert_eq!(read(&cached()).sessions.len(), 8);
}

#[test]
fn a_damaged_cache_costs_time_and_nothing_else() {
    let scripted = Scripted::of_levels(&[1.0; 9]);
    let cache = scripted.folder.path().join("cache");
    let cached = || Asked { cache: Some(cache.clone()), ..scripted.asked() };
    let whole = read(&cached());
    let file = fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    for bytes in [&b""[..], b"tritgate-history 1 1.3\nrecord x", b"\xff\0\n"] {
        fs::write(&file, bytes).unwrap();
        assert_eq!(read(&cached()), whole);
    }
    // A cache that can't be written: its folder is a file.
    let nowhere = Asked { cache: Some(file), ..scripted.asked() };
    assert_eq!(read(&nowhere), whole);
}
