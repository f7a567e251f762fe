//! `bench baseline` on scripted stores: what each subcommand prints, writes and refuses. Nothing here measures.

mod common;

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use baselines::{
    Digest, RunRecord,
    store::{Action, DirStore, Note},
    testing,
};
use common::Folder;

/// A folder whose store has a kept binary.
struct Scripted {
    here: Folder,
    store: DirStore,
    binary: Digest,
}

impl Scripted {
    fn new() -> Self {
        let here = Folder::new();
        let store = DirStore::open(&here.path("store")).expect("a store");
        fs::write(here.path("kept"), "#!/bin/sh\n").expect("a file");
        let binary = store.put_binary(&here.path("kept")).expect("a binary");
        Self { here, store, binary }
    }

    /// `main` was recorded, and moved to a record that is 10 % slower.
    fn filled() -> (Self, Digest, Digest) {
        let scripted = Self::new();
        let (first, second) = (scripted.keep(&base()), scripted.keep(&slower(1.1)));
        scripted.add("main", Action::Record, first, "2026-03-02T10:00:00.000Z", "first");
        scripted.add("main", Action::Record, second, "2026-03-02T11:00:00.000Z", "new allocator");
        (scripted, first, second)
    }

    fn keep(&self, record: &RunRecord) -> Digest {
        let mut record = record.clone();
        record.subject.binary = self.binary;
        self.store.put_record(&record.sealed()).expect("a record")
    }

    fn add(&self, name: &str, action: Action, record: Digest, at: &str, reason: &str) {
        let note = Note {
            at: at.to_owned(),
            reason: reason.to_owned(),
            recorded_by: "ci".to_owned(),
            approved_by: None,
        };
        self.store.append(name, &[(action, record)], &note).expect("an entry");
    }

    fn current(&self, name: &str) -> Digest {
        let journal = self.store.journal(name).expect("it holds").expect("there is one");
        journal.current().expect("it points at something").record
    }

    fn n_entries(&self, name: &str) -> usize {
        self.store.journal(name).expect("it holds").map_or(0, |journal| journal.entries().len())
    }
}

/// A scripted record of the seed that all are recorded with.
fn base() -> RunRecord {
    RunRecord { seed: 42, ..testing::record(1) }
}

/// The same question, answered alike, `factor` times as slowly.
fn slower(factor: f64) -> RunRecord {
    let mut record = RunRecord { seed: 42, ..testing::evidence(2, factor).head };
    for process in &mut record.processes {
        process.outputs.clone_from(&base().processes[0].outputs);
    }
    record.ids = base().ids;
    record
}

/// As printed by this test's own scripted store (`baselines::testing`), read by eye and pasted.
#[test]
fn the_texts_for_people_are_as_agreed() {
    let (scripted, first, _) = Scripted::filled();
    let bench = |args: &[&str]| {
        let args: Vec<&str> = std::iter::once("baseline").chain(args.iter().copied()).collect();
        let said = scripted.here.bench(&args).expect(0, &[]).stdout;
        for line in said.lines().filter(|line| !line.starts_with(['N', 'w', 't'])) {
            assert!(line.chars().count() <= 80, "{line}");
        }
        said
    };
    assert_eq!(
        bench(&["list"]),
        "\
name  recorded          record        machine       state   reason
main  2026-03-02 09:01  74fe7bed577d  dd49775d7c76  in use  new allocator
"
    );
    let shown = bench(&["show"]);
    let (journal, measured) = shown.split_at(shown.find("stories").expect("what was measured"));
    assert_eq!(
        journal,
        "\
baseline `main`
when (UTC)        what    record        by  reason
2026-03-02 10:00  record  24c1b9d066bf  ci  first
2026-03-02 11:00  record  74fe7bed577d  ci  new allocator
"
    );
    assert!(measured.contains("decode-64 decode_step   452.3 µs"), "{measured}");
    assert_eq!(
        bench(&["diff", &first.to_string()[..8], "main"]),
        "           24c1b9d0                          main
record     24c1b9d066bf                      74fe7bed577d                      ≠
recorded   2026-03-02 09:01                  2026-03-02 09:01
commit     0123456789ab                      89abcdef0123                      ≠
binary     a8076d3d28d2                      a8076d3d28d2
model      stories 261f5da193fe              stories 261f5da193fe
machine    dd49775d7c76                      dd49775d7c76
cpu        Scripted Xeon @ 2.90GHz           Scripted Xeon @ 2.90GHz
suite      quick dba2b35450b7                quick dba2b35450b7
settings   avx512, 2 threads pinned, int8,   avx512, 2 threads pinned, int8,
           batch 512, cpu                    batch 512, cpu
seed       42                                42
processes  16                                16

                        24c1b9d0      main   change    95 % interval
load load               12.35 ms  13.67 ms  +10.7 %  +9.8 to +11.7 %
prefill-128 prefill     18.14 ms  20.07 ms  +10.6 %  +9.9 to +11.3 %
decode-64 decode_step   410.1 µs  452.3 µs  +10.3 %  +9.9 to +10.8 %
end-to-end e2e          31.55 ms  34.87 ms  +10.6 %  +9.9 to +11.2 %
end-to-end ttft         5.083 ms  5.598 ms  +10.1 %  +9.6 to +10.7 %
quantize-i2_s quantize  5.029 ms  5.535 ms  +10.2 %  +9.6 to +10.9 %
matmul matmul           48.09 µs  53.08 µs  +10.4 %  +9.9 to +10.8 %
Not judged: the records are of two sessions, and the machine's drift between them is in every number.
"
    );
    assert_eq!(bench(&["verify"]), "holds: 2 journal entries, 2 records and 1 binary\n");
    assert_eq!(
        bench(&["prune", "--keep", "1", "--dry-run", "--history-days", "0"]),
        "would delete record 24c1b9d066bf (195.8 kB)\nwould delete 1 record and 0 binaries: 195.8 kB\n"
    );
}

#[test]
fn promoting_moves_the_name_and_says_why_and_by_whom() {
    let (scripted, first, _) = Scripted::filled();
    let prefix = &first.to_string()[..8];
    let args = ["baseline", "promote", prefix, "--reason", "faster", "--approved-by", "Ada"];
    let said = scripted.here.bench(&args).expect(0, &[]).stdout;
    assert_eq!(
        said,
        "baseline `main`: record 24c1b9d066bf of 2026-03-02 09:01, approved by Ada: faster\n"
    );
    assert_eq!((scripted.current("main"), scripted.n_entries("main")), (first, 3));
    // There is nothing to move a second time; another name can be moved to what this one points at.
    scripted.here.bench(&args).expect(1, &["found the same"]);
    let args = [
        "baseline",
        "promote",
        "main",
        "--to",
        "release-1",
        "--reason",
        "r",
        "--approved-by",
        "Ada",
    ];
    scripted.here.bench(&args).expect(0, &[]);
    assert_eq!(scripted.current("release-1"), first);
    assert_eq!(scripted.n_entries("main"), 3);
    scripted.here.bench(&["baseline", "verify"]).expect(0, &[]);
}

/// Requirement: S1.
#[test]
fn a_promotion_without_a_reason_a_name_or_evidence_is_refused() {
    let (scripted, ..) = Scripted::filled();
    let mut few = slower(1.0);
    few.processes.truncate(9);
    let few = scripted.keep(&few).to_string();
    let mut impossible = slower(1.0);
    impossible.host.cpus += 1; // The fingerprint no longer follows from the facts.
    let impossible = scripted.keep(&impossible).to_string();
    let homeless = scripted.store.put_record(&testing::record(9)).unwrap().to_string();
    let promote = |record: &str, reason: &str, who: &str| {
        let args = ["baseline", "promote", record, "--reason", reason, "--approved-by", who];
        scripted.here.bench(&args)
    };
    promote("main", "", "Ada").expect(1, &["`--reason`: expected 1 to 1000 characters"]);
    promote("main", " ", "Ada").expect(1, &["`--reason`"]);
    promote(&few, "two\nlines", "Ada").expect(1, &["`--reason`"]);
    promote(&few, "r", "").expect(1, &["`--approved-by`"]);
    scripted.here.bench(&["baseline", "promote", "main"]).expect(1, &["--reason", "--approved-by"]);
    promote("mian", "r", "Ada").expect(5, &["\"mian\"", "bench baseline list"]);
    promote(&"0".repeat(64), "r", "Ada").expect(5, &["found none"]);
    promote(&few, "r", "Ada").expect(4, &["expected at least 10 processes, found 9"]);
    promote(&impossible, "r", "Ada").expect(4, &["rule `fingerprint`", "expected", "found"]);
    promote(&homeless, "r", "Ada").expect(5, &["kept binary", "a baseline keeps its binary"]);
    assert_eq!(scripted.n_entries("main"), 2);
}

#[test]
fn an_expired_baseline_is_not_gated_with_and_stays_in_the_journal() {
    let (scripted, first, second) = Scripted::filled();
    let here = &scripted.here;
    here.bench(&["baseline", "expire", "main"]).expect(1, &["--reason"]);
    here.bench(&["baseline", "expire", "main", "--reason", ""]).expect(1, &["`--reason`"]);
    here.bench(&["baseline", "expire", "other", "--reason", "x"]).expect(5, &["`other`", "list"]);
    let args = ["baseline", "expire", "main", "--reason", "the disk was full"];
    assert_eq!(
        here.bench(&args).expect(0, &[]).stdout,
        "baseline `main`: record 74fe7bed577d expired: the disk was full\n"
    );
    here.bench(&args).expect(1, &["found one that has expired"]);
    // Nor does the gate record another by itself, with or without CI.
    for vars in [&[][..], &[("CI", "true")]] {
        here.bench_with(&["gate"], vars).expect(
            5,
            &["expired", "the disk was full", "bench baseline record --name main", "promote"],
        );
    }
    assert!(here.bench(&["baseline", "list"]).stdout.contains("expired 20"));
    let shown = here.bench(&["baseline", "show"]).expect(0, &[]).stdout;
    assert!(shown.contains("expire") && shown.contains("new allocator"), "{shown}");
    here.bench(&[
        "baseline",
        "promote",
        "main",
        "--to",
        "x",
        "--reason",
        "r",
        "--approved-by",
        "Ada",
    ])
    .expect(5, &["expected one in use"]);
    assert_eq!((scripted.current("main"), scripted.n_entries("main")), (second, 3));

    // Promoted again, it is in use: the gate goes on to the next obstacle, the machine.
    let digest = second.to_string();
    here.bench(&["baseline", "promote", &digest, "--reason", "it was not", "--approved-by", "Ada"])
        .expect(0, &[]);
    here.bench(&["gate"]).expect(5, &["the machine's fingerprint"]);

    // By age: both records are of 2026-03-02.
    let by_age = here.bench(&["baseline", "expire", "--older-than", "0"]).expect(0, &[]).stdout;
    assert!(by_age.contains(&first.short()) && by_age.contains(&digest[..12]), "{by_age}");
    assert!(by_age.contains("older than 0 days"), "{by_age}");
    let again = here.bench(&["baseline", "expire", "--older-than", "0"]).expect(0, &[]).stdout;
    assert_eq!(again, "nothing to expire\n");
}

#[test]
fn records_that_cannot_be_compared_say_what_would_help() {
    let (scripted, ..) = Scripted::filled();
    let mut machine = slower(1.0);
    machine.host.cpus = 4;
    machine.host.fingerprint = machine.host.computed_fingerprint();
    let mut settings = slower(1.0);
    settings.subject.engine_mut().unwrap().settings.threads = 1;
    let mut seed = slower(1.0);
    seed.seed = 7;
    let mut output = slower(1.0);
    output.processes[0].outputs[0].logits_digest = Digest::of(b"another");
    for (record, code, parts) in [
        (machine, 5, ["incomparable: fingerprint differs", "`bench gate`, makes them comparable"]),
        (settings, 5, ["incomparable: settings differs", "--isa avx512 --threads 2"]),
        (seed, 5, ["incomparable: seed differs", "--seed 42"]),
        (output, 4, ["incomparable: output of", "bench model logits"]),
    ] {
        let digest = scripted.keep(&record).to_string();
        let said = scripted.here.bench(&["baseline", "diff", "main", &digest]).expect(code, &[]);
        for part in parts {
            assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
        }
        // Medians are shown, and no change between them.
        assert!(
            said.stdout.contains("452.3 µs") && !said.stdout.contains(" to +"),
            "{}",
            said.stdout
        );
    }
    scripted.here.bench(&["baseline", "diff", "main", "nothing"]).expect(5, &["\"nothing\""]);
}

/// Damages a store, whose second record is named.
type Fault<'a> = &'a dyn Fn(&Scripted, &str);

/// Each fault planted in a store of its own: `verify` names the rule, exits 4, and `gate` does not use it.
#[test]
fn every_fault_of_a_store_is_found() {
    let journal = "store/baselines/main.jsonl";
    let plant: [(&str, Fault<'_>); 6] = [
        ("rule `journal`", &|scripted, _| {
            let text = fs::read_to_string(scripted.here.path(journal)).unwrap();
            let edited = text.replacen("first", "worst", 1);
            fs::write(scripted.here.path(journal), edited).unwrap();
        }),
        ("its end is missing", &|scripted, _| {
            let text = fs::read_to_string(scripted.here.path(journal)).unwrap();
            let first = text.split_inclusive('\n').next().unwrap();
            fs::write(scripted.here.path(journal), first).unwrap();
        }),
        ("rule `record`", &|scripted, second| {
            let path = scripted.here.path(&format!("store/records/{second}.json"));
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replacen("\"wall_ns\":", "\"wall_ns\":1", 1)).unwrap();
        }),
        ("rule `record`", &|scripted, second| {
            fs::remove_file(scripted.here.path(&format!("store/records/{second}.json"))).unwrap();
        }),
        ("rule `binary`", &|scripted, _| {
            let path = scripted.store.binary_path(scripted.binary).unwrap();
            fs::write(path, "#!/bin/sh\necho fast\n").unwrap();
        }),
        ("rule `binary`", &|scripted, _| {
            fs::remove_file(scripted.store.binary_path(scripted.binary).unwrap()).unwrap();
        }),
    ];
    for (part, fault) in plant {
        let (scripted, _, second) = Scripted::filled();
        fault(&scripted, &second.to_string());
        for args in [&["baseline", "verify"][..], &["baseline", "verify", "main"]] {
            let said = scripted.here.bench(args).expect(4, &[]).stdout;
            for part in [part, "expected", "does not hold: "] {
                assert!(said.contains(part), "{part}: {said}");
            }
        }
        let gate = scripted.here.bench(&["gate"]);
        assert!([4, 5].contains(&gate.code), "{part}: {} {}", gate.code, gate.stderr);
        assert!(!gate.stderr.contains("recording one first"), "{}", gate.stderr);
    }
}

#[test]
fn a_record_against_the_rules_and_a_torn_line_are_faults_and_history_is_checked_too() {
    let scripted = Scripted::new();
    let mut record = base();
    record.host.cpus += 1;
    let digest = scripted.keep(&record);
    scripted.add("main", Action::Record, digest, "2026-03-02T10:00:00.000Z", "first");
    let said = scripted.here.bench(&["baseline", "verify"]).expect(4, &[]).stdout;
    assert!(said.contains("rule `fingerprint`"), "{said}");
    scripted.here.bench(&["baseline", "verify", "other"]).expect(5, &["`other`"]);

    let (scripted, ..) = Scripted::filled();
    let path = scripted.here.path("store/baselines/main.jsonl");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], b"{\"schema\":"].concat()).unwrap();
    let said = scripted.here.bench(&["baseline", "verify", "main"]).expect(4, &[]).stdout;
    assert!(said.contains("rule `journal-torn`") && said.contains("10 bytes"), "{said}");
    let shown = scripted.here.bench(&["baseline", "show"]).expect(0, &[]).stdout;
    assert!(shown.contains("warning: journal-torn"), "{shown}");
    fs::write(&path, &whole).unwrap();

    // An entry of a time that has not come.
    let digest = scripted.keep(&slower(1.2));
    scripted.add("late", Action::Record, digest, "2999-01-01T00:00:00.000Z", "a clock");
    let said = scripted.here.bench(&["baseline", "verify", "late"]).expect(4, &[]).stdout;
    assert!(said.contains("rule `timestamp`") && said.contains("found 2999-01-01"), "{said}");

    // A record that no journal names.
    let (scripted, ..) = Scripted::filled();
    let digest = scripted.keep(&slower(1.3));
    let path = scripted.here.path(&format!("store/records/{digest}.json"));
    fs::write(&path, "{}").unwrap();
    scripted.here.bench(&["baseline", "verify", "main"]).expect(0, &[]);
    let said = scripted.here.bench(&["baseline", "verify"]).expect(4, &[]).stdout;
    assert!(said.contains("✘ history: rule `record`"), "{said}");
}

#[test]
fn pruning_keeps_what_the_name_points_at_and_verify_still_holds() {
    let (scripted, first, second) = Scripted::filled();
    let here = &scripted.here;
    // A binary that nothing needs, put in 1970.
    fs::write(here.path("orphan"), "an old build").unwrap();
    let orphan = scripted.store.put_binary(&here.path("orphan")).unwrap();
    let path = scripted.store.binary_path(orphan).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();

    here.bench(&["baseline", "prune"]).expect(1, &["--keep"]);
    let prune = |more: &[&str]| {
        let mut args = vec!["baseline", "prune", "--keep", "1", "--history-days", "0"];
        args.extend(more);
        here.bench(&args).expect(0, &[]).stdout
    };
    let planned = prune(&["--dry-run"]);
    assert_eq!(scripted.store.records().unwrap().len(), 2);
    let done = prune(&[]);
    assert_eq!(done, planned.replace("would delete", "deleted"));
    assert!(done.contains(&first.short()) && done.contains(&orphan.short()), "{done}");
    assert!(done.ends_with("deleted 1 record and 1 binary: 195.8 kB\n"), "{done}");
    assert_eq!(scripted.store.records().unwrap(), [second]);
    assert_eq!(scripted.store.binaries().unwrap(), [scripted.binary]);
    assert_eq!(prune(&[]), "deleted 0 records and 0 binaries: 0 B\n");
    let said = here.bench(&["baseline", "verify"]).expect(0, &[]).stdout;
    assert_eq!(said, "holds: 3 journal entries, 1 record (1 record pruned) and 1 binary\n");
}

#[test]
fn a_store_goes_into_a_branch_and_comes_out_elsewhere() {
    let (scripted, ..) = Scripted::filled();
    let here = &scripted.here;
    let git = |args: &[&str]| here.run(Path::new("git"), args, &path()).expect(0, &[]).stdout;
    git(&["init", "--quiet", "--bare", "remote.git"]);
    git(&["init", "--quiet"]);
    git(&["remote", "add", "origin", here.path("remote.git").to_str().expect("UTF-8")]);
    fs::write(here.path("page.html"), "<h1>page</h1>\n").expect("a file");
    let bench = |args: &[&str]| here.bench_with(&[&["baseline"], args].concat(), &path());

    assert_eq!(
        bench(&["pull"]).expect(0, &[]).stdout,
        "branch `tritgate` of `origin` is not there yet; `bench baseline push` makes it\n"
    );
    // Whether March is packed depends on today.
    let said = bench(&["push", "--page", "page.html"]).expect(0, &[]).stdout;
    let pushed = "pushed to branch `tritgate` of `origin`: 2 records, journal of `main`, page";
    assert!(said.starts_with(pushed), "{said}");
    assert_eq!(
        bench(&["push"]).expect(0, &[]).stdout,
        "branch `tritgate` of `origin` has all of the store\n"
    );
    let shown = git(&["-C", "remote.git", "show", "tritgate:index.html"]);
    assert_eq!(shown, "<h1>page</h1>\n");
    assert_eq!(
        bench(&["pull", "--store", "copy"]).expect(0, &[]).stdout,
        "pulled from branch `tritgate` of `origin`: 2 new records (0 were here), journal of `main`\n"
    );
    let copy = DirStore::open(&here.path("copy")).expect("a store");
    assert_eq!(copy.journals().unwrap(), scripted.store.journals().unwrap());
    assert_eq!(copy.records().unwrap(), scripted.store.records().unwrap());

    bench(&["push", "--remote", "nowhere"]).expect(1, &["failed to push", "`git remote -v`"]);
    bench(&["pull", "--branch", "a b"])
        .expect(4, &["failed to find the branch", "e.g. `tritgate`"]);
    bench(&["push", "--page", "none.html"]).expect(5, &["failed to read the page", "none.html"]);
}

/// The one variable that a `bench` needs to find git.
#[expect(clippy::disallowed_methods, reason = "a test is its own main")]
fn path() -> Vec<(&'static str, &'static str)> {
    let path = std::env::var("PATH").expect("a path");
    vec![("PATH", Box::leak(path.into_boxed_str()))]
}

#[test]
fn every_subcommand_speaks_json() {
    let (scripted, first, _) = Scripted::filled();
    let first = first.to_string();
    for more in [&["--bare", "remote.git"][..], &[]] {
        let args = [&["init", "--quiet"], more].concat();
        scripted.here.run(Path::new("git"), &args, &path()).expect(0, &[]);
    }
    for args in [
        &["list"][..],
        &["show"],
        &["diff", "main", &first],
        &["verify"],
        &["prune", "--keep", "3", "--dry-run"],
        &["promote", &first, "--reason", "r", "--approved-by", "Ada"],
        &["expire", "main", "--reason", "r"],
        &["push", "--remote", "remote.git"],
        &["pull", "--remote", "remote.git"],
    ] {
        let mut all = vec!["--format", "json", "baseline"];
        all.extend(args);
        let said = scripted.here.bench_with(&all, &path()).expect(0, &[]).stdout;
        let value: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        assert!(value.is_object() || value.is_array(), "{args:?}: {said}");
    }
}

/// A session of commands or of a bench target has no baseline to move; its record is the store's history all the same.
#[test]
fn the_record_of_a_session_is_kept_for_the_history_if_it_holds_and_moves_nothing() {
    let here = Folder::new();
    let keep = ["baseline", "keep", "ci", "--store", "store"];
    here.bench(&keep).expect(5, &["there is no such file"]);
    let mut evidence = testing::benchmarks(6, 1.0);
    evidence.policy = gates::command_policy(&[(testing::BENCHMARK, "iteration_ns")]);
    fs::write(here.path("ci/evidence.json"), evidence.to_json()).unwrap();
    let digest = Digest::of(&evidence.head.to_json());
    for _ in 0..2 {
        let said = here.bench(&keep).expect(0, &[]).stdout;
        let kept = format!("kept record {} of commit eeeeeeeeeeee in", digest.short());
        assert!(said.starts_with(&kept), "{said}");
    }
    let store = DirStore::open(&here.path("store")).unwrap();
    assert_eq!(store.records().unwrap(), [digest], "the head's record, once");
    assert_eq!(store.get_record(digest).unwrap(), evidence.head);
    assert_eq!(store.names().unwrap(), [""; 0]);
    here.bench(&["baseline", "verify", "--store", "store"]).expect(0, &[]);

    evidence.head.host.cpu_model.push('x');
    fs::write(here.path("ci/evidence.json"), evidence.to_json()).unwrap();
    here.bench(&keep).expect(4, &["failed to keep the record", "rule `fingerprint`"]);
    assert_eq!(store.records().unwrap(), [digest], "nothing was kept of it");

    fs::write(here.path("record.json"), testing::record(7).to_json()).unwrap();
    here.bench(&["baseline", "keep", "record.json", "--store", "store"]).expect(0, &[]);
    assert_eq!(store.records().unwrap().len(), 2);
}
