//! `bench verify` on hostile evidence: exit 4 or 5, within 5 s and 300 MB, whatever it is given.
//!
//! The cases of `gates/tests/hostile/` with every file of the gate made again from the fault, as a forger who has this program
//! would; and what is too large or too odd to be a file of the repository.

#[path = "../../gates/tests/common/corpus.rs"]
mod corpus;
#[path = "../../gates/tests/common/planted.rs"]
mod planted;

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use baselines::{
    Evidence,
    record::wire::MAX_BYTES,
    testing::hostile::{Case, RefusedBy},
};
use wait4::Wait4 as _;

/// Processor time, since other tests run beside this one.
const MOST_TIME: Duration = Duration::from_secs(5);
const MOST_RSS_BYTES: u64 = 300_000_000;

/// How `bench` ended, and what it took.
struct Ended {
    code: i32,
    text: String,
    time: Duration,
    rss_bytes: u64,
}

/// A folder of its own with the files of a gate in `ci`.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        fs::create_dir(folder.path().join("ci")).expect("the folder is writable");
        fs::write(folder.path().join("policy.toml"), gates::DEFAULT_POLICY).expect("writable");
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `bundle`, every file that follows from `evidence`, and its policy as this folder's own.
    fn write(&self, bundle: &[u8], evidence: &Evidence) {
        let to = |name: &str, bytes: &[u8]| {
            fs::write(self.path("ci").join(name), bytes).expect("writable");
        };
        to("policy.toml", evidence.policy.as_bytes());
        let canonical = evidence.to_json();
        to("evidence.json", &canonical);
        let derived = gates::derive(evidence).expect("the policy is read");
        let mut files = derived.files();
        let page = self.bench(&["report", "ci"]);
        assert_eq!(page.code, 0, "{}", page.text);
        files.push((
            "report.html".to_owned(),
            fs::read(self.path("ci/report.html")).expect("just written"),
        ));
        let mut subjects = vec![("evidence.json", canonical.as_slice())];
        subjects.extend(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
        let statement = gates::attestation::statement(evidence, &derived, &subjects);
        to(gates::attestation::FILE, &statement);
        for (name, bytes) in &files {
            to(name, bytes);
        }
        to("evidence.json", bundle);
    }

    fn bench(&self, args: &[&str]) -> Ended {
        let said = self.path("said");
        let to = |name: &str| File::create(self.path(name)).expect("writable");
        let child = Command::new(env!("CARGO_BIN_EXE_bench"))
            .args(args)
            .current_dir(self.0.path())
            .env_clear()
            .env("BENCH_STORE", self.path("store"))
            .stdout(to("said"))
            .stderr(to("said.err"))
            .spawn();
        let used = child.expect("the program is built").wait4().expect("it ends");
        let read =
            |path: &Path| String::from_utf8_lossy(&fs::read(path).expect("said")).into_owned();
        Ended {
            code: used.status.code().unwrap_or(-1),
            text: read(&said) + &read(&self.path("said.err")),
            time: used.rusage.utime + used.rusage.stime,
            rss_bytes: used.rusage.maxrss,
        }
    }

    /// Verifies, and says what is wrong with how it ended.
    fn verify(&self, name: &str, args: &[&str], codes: &[i32], words: &str) -> Option<String> {
        let all = [&["verify", "ci"], args].concat();
        let Ended { code, text, time, rss_bytes } = self.bench(&all);
        let holds = codes.contains(&code)
            && text.contains(words)
            && time <= MOST_TIME
            && rss_bytes <= MOST_RSS_BYTES;
        let shown: String = text.chars().take(1_500).collect();
        (!holds).then(|| {
            format!("{name}: exit {code}, {time:?}, {rss_bytes} bytes, expected {codes:?} and {words:?} in\n{shown}")
        })
    }
}

fn corpus_folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "gates", "tests", "hostile"].iter().collect()
}

/// Whether this `bench verify` has the options, and derives the files, that a case is about.
fn is_known(case: &Case, help: &str, verified: &str) -> bool {
    case.args.iter().filter(|arg| arg.starts_with("--")).all(|arg| help.contains(arg.as_str()))
        && case.copied.iter().all(|(_, name)| verified.contains(name))
}

/// Requirement: S4, M1, H1, H3, C1, E0, Z2.
#[test]
fn every_case_of_the_corpus_is_refused_with_its_exit_code() {
    let here = Folder::new();
    let clean = planted::clean("session");
    here.write(&clean.to_json(), &clean);
    let help = here.bench(&["verify", "--help"]).text;
    let verified = here.bench(&["verify", "ci"]);
    assert_eq!(verified.code, 0, "{}", verified.text);

    let mut wrong = Vec::new();
    for (name, case) in corpus::cases(&corpus_folder()) {
        if !is_known(&case, &help, &verified.text) {
            panic!("{name}: this `bench verify` has no {:?} {:?}", case.args, case.copied);
        }
        let here = Folder::new();
        let bytes = planted::bytes(&corpus_folder(), &case);
        let read = Evidence::from_json(&bytes);
        match (&read, case.files_kept) {
            (_, true) => here.write(&bytes, &planted::clean(&case.of)),
            (Ok(evidence), false) => here.write(&bytes, evidence),
            (Err(_), false) => fs::write(here.path("ci/evidence.json"), &bytes).expect("writable"),
        }
        for (from, to) in &case.copied {
            fs::copy(here.path("ci").join(from), here.path("ci").join(to)).expect("a file to copy");
        }
        let code = if case.verdict == "invalid" { 4 } else { 5 };
        let words = match &case.refused_by {
            RefusedBy::Reader(words) | RefusedBy::Verify(words) => words.clone(),
            RefusedBy::Rule(rule) => format!("rule `{rule}`"),
        };
        let args: Vec<&str> = case.args.iter().map(String::as_str).collect();
        wrong.extend(here.verify(&name, &args, &[code], &words));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

type Generate = fn(&Path);

/// What is written in place of evidence.json, and words of its refusal; exit 4.
#[rustfmt::skip] // a table
const GENERATED: &[(&str, Generate, &str)] = &[
    ("1 GB of whitespace", |path| repeat(path, b"", b" \n\t\r", 1 << 30, b""), "expected at most 67108864 bytes"),
    ("64 MiB of whitespace before a bundle", |path| padded(path, true), "files are not what"),
    ("64 MiB of whitespace behind a bundle", |path| padded(path, false), "files are not what"),
    ("64 MiB of nothing but whitespace", |path| repeat(path, b"", b"    ", MAX_BYTES, b""), "EOF"),
    ("64 MiB of samples", |path| inside(path, "\"samples\":[", b"0,"), "of memory"),
    ("64 MiB of samples of one digit more", |path| inside(path, "\"samples\":[", b"10,"), "of memory"),
    ("as many samples as may be parsed", |path| nested_in(path, "\"samples\":[", b"0,", 8 << 20), "iterations"),
    ("64 MiB of empty strings", |path| inside(path, "\"cpu_flags\":[", b"\"\","), "of memory"),
    ("as many empty strings as may be parsed", |path| nested_in(path, "\"cpu_flags\":[", b"\"\",", 1_400 << 10), ""),
    ("64 MiB of short strings", |path| inside(path, "\"cpu_flags\":[", b"\"abcdefghijkl\","), "of memory"),
    ("one string of 60 MiB", |path| inside(path, "\"cpu_flags\":[\"", b"aaaa"), "strings of at most"),
    ("600 strings of 60 kB", |path| nested_in(path, "\"cpu_flags\":[", &long_text(), 37 << 20), "files are not what"),
    ("64 MiB of an array at the top", |path| repeat(path, b"[", b"0,", MAX_BYTES - 8, b"0]"), "no JSON"),
    ("64 MiB of an unknown key", |path| repeat(path, b"{\"x\":[", b"0,", MAX_BYTES - 16, b"0]}"), "of memory"),
    ("64 MiB in place of the schema", |path| repeat(path, b"{\"schema\":[", b"0,", MAX_BYTES - 32, b"0]}"), "of memory"),
    ("64 MiB of record within a document", |path| repeat(path, b"{\"record\":{\"x\":[", b"0,", MAX_BYTES - 32, b"0]}}"), "of memory"),
    ("64 MiB of objects", |path| repeat(path, b"{\"schema\":\"tritgate.evidence\",\"history\":[", b"{},", MAX_BYTES - 64, b"{}]}"), "of memory"),
    ("64 MiB of opening brackets", |path| repeat(path, b"", b"[", MAX_BYTES, b""), "no JSON"),
    ("7 MiB of opening brackets", |path| repeat(path, b"", b"[", 7 << 20, b""), ""),
    ("7 MiB of opening brackets within a bundle", |path| repeat(path, b"{\"schema\":\"tritgate.evidence\",\"version\":\"1.0\",\"base\":", b"[", 7 << 20, b""), ""),
    ("4 MiB of nested objects", |path| repeat(path, b"", b"{\"x\":", 3 << 20, b""), ""),
    ("200 brackets in a policy's place", |path| inside_of(path, "\"policy\":", &[b'['; 200]), ""),
    ("a million processes", |path| inside(path, "\"processes\":[", b"{\"order\":0},"), ""),
    ("invalid UTF-8 in a name", |path| inside_of(path, "\"workload\":\"", b"\xff\xfe"), ""),
    ("invalid UTF-8 in front", |path| repeat(path, b"\xff\xfe", b"", 0, b"{}"), "no JSON"),
    ("a byte order mark", |path| repeat(path, b"\xef\xbb\xbf", b"", 0, b"{}"), "no JSON"),
    ("half a surrogate pair", |path| inside_of(path, "\"workload\":\"", b"\\ud800"), ""),
    ("zero bytes", |path| repeat(path, b"", b"\0", 1 << 20, b""), "no JSON"),
    ("nothing", |path| repeat(path, b"", b"", 0, b""), "no JSON"),
    ("half a bundle", |path| { let bytes = bundle(); fs::write(path, &bytes[..bytes.len() / 2]).expect("writable"); }, ""),
    ("two bundles", |path| fs::write(path, [bundle(), bundle()].concat()).expect("writable"), ""),
    ("a number of a million digits", |path| inside(path, "\"seed\":", b"1"), ""),
    ("an exponent of a million digits", |path| inside_of(path, "\"samples\":[1e", &[b'9'; 1 << 20]), ""),
    ("a policy of 40 KiB of keys", |path| policy(path, "a=1\n"), "policy"),
    ("a policy of 40 KiB of tables", |path| policy(path, "[[a]]\n"), "policy"),
    ("a policy of 40 KiB of brackets", |path| policy(path, "["), "policy"),
    ("2,000 processes of one workload", |path| many(path, 1_000, 1), ""),
    ("workloads by processes by linears beyond all reason", |path| many(path, 500, 900), "processes × workloads × linears"),
    ("as many places as are walked", |path| many(path, 500, 24), ""),
    ("a thousand iterations of everything", largest, ""),
    ("a pipe that nobody writes to", |path| made_by("mkfifo", &[path]), "a pipe or a device"),
    ("a device that never ends", |path| made_by("ln", &[Path::new("-s"), Path::new("/dev/zero"), path]), "a pipe or a device"),
];

fn bundle() -> Vec<u8> {
    planted::clean("session").to_json()
}

/// `start`, `part` over and over up to `n_bytes` in all, `end`.
fn repeat(path: &Path, start: &[u8], part: &[u8], n_bytes: usize, end: &[u8]) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("writable"));
    let n = n_bytes.saturating_sub(start.len() + end.len()).checked_div(part.len()).unwrap_or(0);
    file.write_all(start).expect("writable");
    for _ in 0..n {
        file.write_all(part).expect("writable");
    }
    file.write_all(end).expect("writable");
    file.flush().expect("writable");
}

/// The bundle and whitespace, as large as a bundle may be.
fn padded(path: &Path, before: bool) {
    let bundle = bundle();
    let n = MAX_BYTES - bundle.len();
    if before {
        repeat(path, b"", b" ", n, b"");
        let mut file = File::options().append(true).open(path).expect("writable");
        file.write_all(&bundle).expect("writable");
    } else {
        repeat(path, &bundle, b" ", MAX_BYTES, b"");
    }
}

/// The bundle with `n_bytes` of `part` behind the first `key`.
fn nested_in(path: &Path, key: &str, part: &[u8], n_bytes: usize) {
    let bundle = bundle();
    let text = std::str::from_utf8(&bundle).expect("JSON");
    let at = text.find(key).unwrap_or_else(|| panic!("{key} is not in the bundle")) + key.len();
    repeat(path, &bundle[..at], part, n_bytes, &bundle[at..]);
}

/// The same, as large as a bundle may be.
fn inside(path: &Path, key: &str, part: &[u8]) {
    nested_in(path, key, part, MAX_BYTES);
}

/// The bundle with `part` once behind the first `key`; `key` may end in what is not there.
fn inside_of(path: &Path, key: &str, part: &[u8]) {
    let text = bundle();
    let text = std::str::from_utf8(&text).expect("JSON");
    let known = key.strip_suffix("1e").unwrap_or(key);
    let at =
        text.find(known).unwrap_or_else(|| panic!("{known} is not in the bundle")) + known.len();
    let new = &key.as_bytes()[known.len()..];
    let end = if new.is_empty() { &b""[..] } else { b"," };
    fs::write(path, [&text.as_bytes()[..at], new, part, end, &text.as_bytes()[at..]].concat())
        .expect("writable");
}

fn long_text() -> Vec<u8> {
    [b"\"", [b'a'; 60_000].as_slice(), b"\","].concat()
}

/// The bundle with a policy of `line`s.
fn policy(path: &Path, line: &str) {
    let mut evidence = planted::clean("session");
    evidence.policy = line.repeat((40 << 10) / line.len());
    fs::write(path, evidence.to_json()).expect("writable");
}

/// A bundle of `n_processes` an arm without a series and `n_workloads`, each of which wants its counts.
fn many(path: &Path, n_processes: usize, n_workloads: usize) {
    let mut evidence = planted::clean("session");
    for record in [&mut evidence.base, &mut evidence.head] {
        let mut workload = record.suite.workloads[1].clone();
        record.suite.workloads.clear();
        for n in 0..n_workloads {
            workload.name = format!("{n:0>200}");
            record.suite.workloads.push(workload.clone());
        }
        let mut process = record.processes[0].clone();
        process.series.truncate(1);
        process.counts.clear();
        process.allocations.clear();
        process.outputs.truncate(1);
        record.processes = vec![process; n_processes];
    }
    fs::write(path, evidence.to_json()).expect("writable");
}

/// As many samples as a session can have, consistent, so that everything is judged.
fn largest(path: &Path) {
    let size = baselines::testing::Size { n_pairs: 40, iterations: Some(1_000), decode_tokens: 8 };
    let mut evidence = baselines::testing::sized_evidence(5, 1.0, size);
    gates::DEFAULT_POLICY.clone_into(&mut evidence.policy);
    fs::write(path, evidence.to_json()).expect("writable");
}

fn made_by(program: &str, args: &[&Path]) {
    let status = Command::new(program).args(args).status().expect("a program of every Unix");
    assert!(status.success(), "{program}");
}

/// Requirement: S4, C1.
#[cfg(unix)]
#[test]
fn what_no_file_of_the_repository_can_hold_is_refused_in_bounded_time_and_memory() {
    let mut wrong = Vec::new();
    for (name, generate, words) in GENERATED {
        let here = Folder::new();
        generate(&here.path("ci/evidence.json"));
        wrong.extend(here.verify(name, &[], &[4], words));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Requirement: C1, E0.
#[test]
fn a_digit_of_the_bundle_changed_is_found_by_the_program_too() {
    let here = Folder::new();
    let evidence = planted::clean("session");
    let bundle = evidence.to_json();
    here.write(&bundle, &evidence);
    // Thousands are tried where the program is a function (harness/src/verification/tests.rs).
    let places: Vec<usize> = (1..bundle.len())
        .filter(|at| bundle[*at].is_ascii_digit() && matches!(bundle[*at - 1], b':' | b',' | b'['))
        .collect();
    let mut wrong = Vec::new();
    for nth in 0..24 {
        let at = places[(nth * 7_919 + 13) % places.len()];
        let mut edited = bundle.clone();
        edited[at] = if edited[at] == b'9' { b'1' } else { edited[at] + 1 };
        fs::write(here.path("ci/evidence.json"), &edited).expect("writable");
        wrong.extend(here.verify(&format!("the digit at byte {at}"), &[], &[4], ""));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Requirement: S4, E0.
#[cfg(unix)]
#[test]
fn files_beside_the_evidence_are_read_in_bounded_time_and_memory_and_none_may_be_missing() {
    let plants: [(&str, Generate, &str); 5] = [
        ("no file", |_| {}, "missing"),
        ("a pipe", |path| made_by("mkfifo", &[path]), "a pipe or a device"),
        ("a folder", |path| fs::create_dir(path).expect("writable"), "a folder"),
        ("1 GB", |path| repeat(path, b"", b"\n", 1 << 30, b""), "expected at most 67108864 bytes"),
        ("64 MiB of lines", |path| repeat(path, b"", b"\n", MAX_BYTES, b""), "line 1, byte 1"),
    ];
    let evidence = planted::clean("session");
    let mut wrong = Vec::new();
    for (name, plant, words) in plants {
        let here = Folder::new();
        here.write(&evidence.to_json(), &evidence);
        let path = here.path("ci/perf_gate.json");
        fs::remove_file(&path).expect("it was written");
        plant(&path);
        wrong.extend(here.verify(name, &[], &[4], words));
    }
    let here = Folder::new();
    wrong.extend(here.verify("no evidence", &[], &[5], "there is no such file"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
