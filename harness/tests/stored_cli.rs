//! `bench compare --baseline NAME` on scripted stores: what it prints, judges and refuses. Nothing here measures.

mod common;

use std::{fs, path::Path};

use baselines::{
    Digest, RunRecord,
    store::{Action, DirStore, Note},
    testing::{session, sessions},
};
use common::{Folder, Run};

/// A folder with a store, the policy that ships, and `current.json`.
struct Scripted {
    here: Folder,
    store: DirStore,
    binary: Digest,
}

impl Scripted {
    fn new(current: &RunRecord) -> Self {
        let here = Folder::new();
        fs::write(here.path("ci/policy.toml"), gates::DEFAULT_POLICY).expect("a file");
        let store = DirStore::open(&here.path("store")).expect("a store");
        fs::write(here.path("kept"), "#!/bin/sh\n").expect("a file");
        let binary = store.put_binary(&here.path("kept")).expect("a binary");
        fs::write(here.path("current.json"), current.to_json()).expect("a file");
        Self { here, store, binary }
    }

    /// With `main` recorded `past.len()` times, the last entry of `past` first.
    fn filled(current: &RunRecord, past: &[RunRecord]) -> Self {
        let scripted = Self::new(current);
        for record in past.iter().rev() {
            scripted.add(Action::Record, scripted.keep(record));
        }
        scripted
    }

    fn keep(&self, record: &RunRecord) -> Digest {
        let mut record = record.clone();
        record.subject.binary = self.binary;
        self.store.put_record(&record.sealed()).expect("a record")
    }

    fn add(&self, action: Action, record: Digest) {
        let n = self
            .store
            .journal("main")
            .expect("it holds")
            .map_or(0, |journal| journal.entries().len());
        let note = Note {
            at: format!("2026-03-02T10:{n:02}:00.000Z"),
            reason: "nightly".to_owned(),
            recorded_by: "ci".to_owned(),
            approved_by: None,
        };
        self.store.append("main", &[(action, record)], &note).expect("an entry");
    }

    fn compare(&self, more: &[&str]) -> Run {
        let mut args = vec!["compare", "--current", "current.json", "--baseline", "main"];
        args.extend(more);
        self.here.bench(&args)
    }
}

/// A session whose decode steps take `factor` times as long.
fn slow_decode(factor: f64) -> RunRecord {
    let mut record = session(9, 1.0);
    for series in record.processes.iter_mut().flat_map(|process| &mut process.series) {
        if series.metric == "decode_step_ns" {
            for ns in &mut series.samples {
                *ns *= factor;
            }
        }
    }
    record.sealed()
}

fn said(run: Run, code: i32) -> String {
    let said = run
        .expect(code, &[])
        .stdout
        .replace("\u{1b}[1;31m", "")
        .replace("\u{1b}[1;33m", "")
        .replace("\u{1b}[0m", "");
    for line in said.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    said
}

/// As printed from this test's own scripted store (`baselines::testing`), read by eye and pasted.
#[test]
fn the_texts_for_people_are_as_agreed() {
    let scripted = Scripted::filled(&slow_decode(1.2), &sessions(1, 10, 0.01));
    assert_eq!(
        said(scripted.compare(&[]), 2),
        "                  base  current  change  bound  k detects verdict
load          12.39 ms 12.38 ms  +0.0 % +5.8 % 10  +7.6 % ✔ unchanged
prefill-128   18.13 ms 18.25 ms  +0.2 % +5.7 % 10  +7.4 % ✔ unchanged
decode-64     411.4 µs 495.1 µs +20.1 % +5.8 % 10  +7.5 % ✘ regressed
end-to-end    31.67 ms 31.68 ms  +0.1 % +5.7 % 10  +7.4 % ✔ unchanged
quantize-i2_s 5.013 ms 5.038 ms  +0.0 % +6.0 % 10  +7.8 % ✔ unchanged
matmul        48.18 µs 48.34 µs  +0.0 % +5.8 % 10  +7.5 % ✔ unchanged
decode-64: +20.1 %: slower than the bound of +5.8 % (p = 6.03e-8, level
  1.7e-3); unconfirmed: `bench gate` pairs the builds

10 past sessions of `main`: 6 compared, 1 regressed, 0 improved, 5 unchanged,
  0 inconclusive, 0 missing
✘ fail, unconfirmed (exit 2) → regression-detector
"
    );
    let scripted = Scripted::filled(&session(9, 1.0), &sessions(1, 10, 0.01));
    assert_eq!(
        said(scripted.compare(&[]), 0),
        "                  base  current change  bound  k detects verdict
load          12.39 ms 12.38 ms +0.0 % +5.8 % 10  +7.6 % ✔ unchanged
prefill-128   18.13 ms 18.25 ms +0.2 % +5.7 % 10  +7.4 % ✔ unchanged
decode-64     411.4 µs 412.6 µs +0.1 % +5.8 % 10  +7.5 % ✔ unchanged
end-to-end    31.67 ms 31.68 ms +0.1 % +5.7 % 10  +7.4 % ✔ unchanged
quantize-i2_s 5.013 ms 5.038 ms +0.0 % +6.0 % 10  +7.8 % ✔ unchanged
matmul        48.18 µs 48.34 µs +0.0 % +5.8 % 10  +7.5 % ✔ unchanged

10 past sessions of `main`: 6 compared, 0 regressed, 0 improved, 6 unchanged,
  0 inconclusive, 0 missing
✔ pass (exit 0) → docs-reviewer
"
    );
    let scripted = Scripted::filled(&session(9, 1.0), &sessions(1, 2, 0.01));
    assert_eq!(
        said(scripted.compare(&[]), 3),
        "              base current change bound k detects verdict
load             –       –      –     – 2       – ? inconclusive
prefill-128      –       –      –     – 2       – ? inconclusive
decode-64        –       –      –     – 2       – ? inconclusive
end-to-end       –       –      –     – 2       – ? inconclusive
quantize-i2_s    –       –      –     – 2       – ? inconclusive
matmul           –       –      –     – 2       – ? inconclusive
load, prefill-128, decode-64, end-to-end, quantize-i2_s, matmul: too few past
  sessions (2 of the least 3)

2 past sessions of `main`: 0 compared, 0 regressed, 0 improved, 0 unchanged, 6
  inconclusive, 0 missing
? inconclusive (exit 3) → regression-detector
"
    );
}

#[test]
fn noise_is_inconclusive_and_a_slow_down_beyond_it_fails() {
    let past = sessions(1, 10, 0.04);
    let open = said(Scripted::filled(&session(9, 1.0), &past).compare(&[]), 3);
    for part in [
        "within the prediction bound of +",
        "see a slow-down of +",
        "(exit 3) → regression-detector",
    ] {
        assert!(open.replace("\n  ", " ").contains(part), "{part}: {open}");
    }
    said(Scripted::filled(&session(9, 1.1), &past).compare(&[]), 3);
    said(Scripted::filled(&session(9, 1.2), &past).compare(&[]), 2);
}

#[test]
fn markdown_and_json_say_the_same() {
    let scripted = Scripted::filled(&slow_decode(1.2), &sessions(1, 5, 0.01));
    let markdown = scripted.compare(&["--format", "md"]).expect(2, &[]).stdout;
    for part in [
        "| decode-64 | ",
        "- decode-64: +",
        "- **fail, unconfirmed** (exit 2) → regression-detector",
    ] {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
    let text = scripted.compare(&["--format", "json"]).expect(2, &[]).stdout;
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["verdict"], "fail");
    assert_eq!(value["confirmed"], false);
    assert_eq!(value["route"], "regression-detector");
    assert_eq!(value["sessions"].as_array().map(Vec::len), Some(5));
    let rows = value["rows"].as_array().expect("rows");
    let decode = rows.iter().find(|row| row["workload"] == "decode-64").expect("it is gated");
    assert_eq!((&decode["verdict"], &decode["n_sessions"]), (&"fail".into(), &5.into()));
    let number = |name: &str| decode["predicted"][name].as_f64().expect("a number");
    assert!(number("change") > number("bound") && number("p_fail") <= number("level_fail"));
}

#[test]
fn the_last_k_are_taken_and_at_most_five_others_are_named() {
    let scripted = Scripted::filled(&session(9, 1.0), &sessions(1, 10, 0.01));
    let text = said(scripted.compare(&["--last", "3"]), 3).replace("\n  ", " ");
    assert!(text.contains("3 past sessions of `main`"), "{text}");
    assert!(text.contains(": enough newer ones were chosen; and 2 more\n"), "{text}");
    assert_eq!(text.matches("enough newer ones").count(), 5);
    scripted.compare(&["--last", "0"]).expect(1, &["--last"]);
}

#[test]
fn another_machine_is_incomparable_and_its_facts_are_named() {
    let mut current = session(9, 1.0);
    current.host.microcode = "0x2b".to_owned();
    current.host.governor = "performance".to_owned();
    current.host.fingerprint = current.host.computed_fingerprint();
    let scripted = Scripted::filled(&current, &sessions(1, 4, 0.01));
    let parts = [
        "machine: expected microcode unknown, governor unknown as stored",
        "found microcode 0x2b, governor performance",
        "bench baseline record --name main",
        "bench gate",
    ];
    assert_eq!(scripted.compare(&[]).expect(5, &parts).stdout, "");
    // Three sessions of this machine, and it is judged on them alone.
    for mut record in sessions(2, 3, 0.002) {
        record.host = current.host.clone();
        scripted.add(Action::Record, scripted.keep(&record));
    }
    let text = scripted.compare(&[]).expect(0, &[]).stdout.replace("\n  ", " ");
    assert!(
        text.contains("3 past sessions") && text.contains("machine of another fingerprint"),
        "{text}"
    );
}

#[test]
fn another_question_is_refused_and_an_older_one_passed_over() {
    let mut past = sessions(1, 5, 0.01);
    past[2].subject.engine_mut().expect("scripted").settings.threads = 1;
    let text = said(Scripted::filled(&session(9, 1.0), &past).compare(&[]), 3).replace("\n  ", " ");
    assert!(
        text.contains("passed over: record ") && text.contains(": its settings differs"),
        "{text}"
    );
    let mut other = session(9, 1.0);
    other.subject.engine_mut().expect("scripted").settings.threads = 1;
    let scripted = Scripted::filled(&other, &past);
    scripted.compare(&[]).expect(5, &["settings: expected threads 2 as stored, found threads 1"]);
    let mut other = session(9, 1.0);
    for process in &mut other.processes {
        process.outputs[1].logits_digest = Digest::of(b"another");
    }
    let scripted = Scripted::filled(&other, &past);
    scripted.compare(&[]).expect(4, &["output: expected of decode-64", "--reason"]);
    let mut broken = session(9, 1.0);
    broken.host.cpus += 1;
    Scripted::filled(&broken, &past).compare(&[]).expect(4, &["current: ", "rule `fingerprint`"]);
}

#[test]
fn no_baseline_an_expired_one_and_a_path_each_have_their_way_out() {
    let scripted = Scripted::new(&session(9, 1.0));
    scripted
        .compare(&[])
        .expect(5, &["no file `main`", "has no baseline", "bench baseline record --name main"]);
    let digest = scripted.keep(&session(8, 1.0));
    scripted.add(Action::Record, digest);
    // One session: nothing to hold it against but its own spread.
    scripted.compare(&[]).expect(3, &[]);
    scripted.add(Action::Expire, digest);
    scripted.compare(&[]).expect(5, &["expired", "nightly", "bench baseline record --name main"]);
    let here = &scripted.here;
    let compare = |baseline: &str, more: &[&str]| {
        let mut args = vec!["compare", "--current", "current.json", "--baseline", baseline];
        args.extend(more);
        here.bench(&args)
    };
    compare("gone.json", &[]).expect(5, &["gone.json", "there is no such file"]);
    compare("./main", &[]).expect(5, &["./main", "there is no such file"]);
    // A file stays what it was, also where it is called like a baseline: two records, estimated and never judged.
    fs::write(here.path("main"), session(7, 3.0).to_json()).expect("a file");
    let two = compare("main", &[]).expect(3, &[]).stdout;
    assert!(two.contains("95 % interval"), "{two}");
    compare("main", &["--last", "3"]).expect(1, &["--last", "name"]);
    compare("main", &["--ancestry"]).expect(1, &["--ancestry", "name"]);
}

fn git(folder: &Path, args: &[&str]) -> String {
    let settings = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"];
    let output =
        std::process::Command::new("git").args(settings).args(args).current_dir(folder).output();
    let output = output.expect("git is installed");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn with_ancestry_only_the_past_of_the_commit_counts() {
    let mut current = session(9, 1.0);
    let mut past = sessions(1, 6, 0.01);
    let folder = Folder::new();
    let at = folder.path("");
    let commit = |message: &str| {
        git(&at, &["commit", "--quiet", "--allow-empty", "-m", message]);
        git(&at, &["rev-parse", "HEAD"])
    };
    git(&at, &["init", "--quiet", "--initial-branch", "main"]);
    let first = commit("first");
    git(&at, &["checkout", "--quiet", "-b", "other"]);
    let other = commit("other");
    git(&at, &["checkout", "--quiet", "main"]);
    let second = commit("second");
    current.tool.commit = Some(second.clone());
    for (record, commit) in past.iter_mut().zip([&second, &other, &first, &first, &other, &first]) {
        record.tool.commit = Some(commit.clone());
    }
    past[5].tool.commit = None;
    let scripted = Scripted::filled(&current, &past);
    let all = said(scripted.compare(&[]), 0);
    assert!(all.contains("6 past sessions"), "{all}");
    // Outside of a repository there is no ancestry: a usage error that says so.
    scripted.compare(&["--ancestry"]).expect(1, &["git"]);
    let clone = scripted.here.path("");
    git(&clone, &["init", "--quiet"]);
    git(&clone, &["fetch", "--quiet", &at.display().to_string(), "main", "other"]);
    let some = scripted.compare(&["--ancestry"]).stdout.replace("\n  ", " ");
    for part in ["3 past sessions", "its commit is no ancestor", "its record names no commit"] {
        assert!(some.contains(part), "{part}: {some}");
    }
}

#[test]
fn show_tells_the_spread_of_two_sessions_and_more() {
    let here = |n: u64| {
        let scripted = Scripted::filled(&session(9, 1.0), &sessions(1, n, 0.04));
        scripted.here.bench(&["baseline", "show"]).expect(0, &[]).stdout
    };
    let one = here(1);
    assert!(!one.contains("SD between"), "{one}");
    let text = here(5);
    let (_, spread) = text.split_at(text.find("5 sessions of this machine").expect("the spread"));
    assert_eq!(
        spread,
        "\
5 sessions of this machine; best: processes × iterations for the same time
SD between              sessions  processes  iterations     best
load load                 5.10 %     1.12 %      0.93 %   18 × 3
prefill-128 prefill       5.14 %     1.13 %      0.97 %   25 × 3
decode-64 decode_step     5.12 %     1.18 %      0.16 %   32 × 1
end-to-end e2e            5.06 %     1.31 %      1.04 %   22 × 2
end-to-end ttft           5.04 %     1.18 %      1.00 %   16 × 5
quantize-i2_s quantize    5.11 %     1.16 %      0.99 %   16 × 5
matmul matmul             5.13 %     1.19 %      0.99 %  16 × 48
"
    );
}
