//! `bench report --store` and `bench export` on scripted stores: what is written where, in how many columns, and what a hostile name
//! can't do. What the model holds is tested beside it, in `harness/src/history/tests.rs`.

mod common;

use std::{fs, process::Command};

use baselines::{
    Digest, RunRecord,
    store::DirStore,
    testing::{self, Day, day},
};
use common::Folder;
use serde_json::Value;

const DAY_MS: i64 = 86_400_000;
/// What a name must not do: run in a page, end an SVG, turn text about, colour a terminal, be a formula, leave a folder.
const HOSTILE: &str = "=cmd|'/c'!A1 <script>alert(1)</script> \"' </svg> | [x](https://x.example) @o \u{202e}gnp \u{9b}31m../../x";

/// A folder with a store of a session a day.
struct Scripted {
    here: Folder,
    store: DirStore,
}

impl Scripted {
    fn new() -> Self {
        let here = Folder::new();
        let store = DirStore::open(&here.path("store")).expect("a store");
        Self { here, store }
    }

    fn of_days(n: i64) -> Self {
        let scripted = Self::new();
        for nth in 0..n {
            scripted.put(&session(nth, if nth < n / 2 { 1.0 } else { 1.1 }));
        }
        scripted
    }

    fn put(&self, record: &RunRecord) -> Digest {
        self.store.put_record(record).expect("a record")
    }

    fn json(&self) -> Value {
        let said = self.here.bench(&["export", "--json"]).expect(0, &[]).stdout;
        serde_json::from_str(&said).expect("JSON")
    }

    /// `bench report --terminal`, held to 80 columns and to text.
    fn terminal(&self) -> String {
        let said =
            self.here.bench(&["report", "--store", "store", "--terminal"]).expect(0, &[]).stdout;
        for line in said.lines() {
            assert!(columns(line) <= 80, "{} columns: {line}", columns(line));
        }
        assert!(!said.contains(|c: char| hidden(c) && c != '\n'), "{said:?}");
        said
    }
}

/// The commit of the `nth` day.
fn commit(nth: i64) -> String {
    format!("{nth:02x}").repeat(20)
}

fn session(nth: i64, level: f64) -> RunRecord {
    day(&Day {
        seed: nth.unsigned_abs(),
        at_ms: nth * DAY_MS,
        commit: Some(commit(nth)),
        levels: vec![level, 1.0],
    })
}

/// Columns as a terminal counts them: two for each character of East Asia that these tests have.
fn columns(line: &str) -> usize {
    line.chars().map(|c| if ('\u{3000}'..='\u{9fff}').contains(&c) { 2 } else { 1 }).sum()
}

fn hidden(c: char) -> bool {
    c.is_control() || gates::is_unseen(c)
}

/// What git says in a folder of a test.
fn git(here: &Folder, args: &[&str]) -> String {
    let mut command = Command::new("git");
    baselines::git::isolate(&mut command).arg("-C").arg(here.path(""));
    command.args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]);
    let output = command.args(args).output().expect("git is installed");
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// The rename of the first workload of a record.
fn named(mut record: RunRecord, name: &str) -> RunRecord {
    let old = std::mem::replace(&mut record.suite.workloads[0].name, name.to_owned());
    for series in record.processes.iter_mut().flat_map(|process| &mut process.series) {
        if series.workload == old {
            name.clone_into(&mut series.workload);
        }
    }
    record.sealed()
}

#[test]
fn the_evidence_alone_is_reported_as_ever_and_a_history_is_asked_for() {
    let scripted = Scripted::of_days(2);
    let bench = |args: &[&str]| scripted.here.bench(args);
    bench(&["report"]).expect(5, &["ci/evidence.json", "there is no such file"]);
    bench(&["report", "--workload", "x"]).expect(1, &["`--workload`", "`--history`"]);
    bench(&["report", "--store"]).expect(1, &[]);
    bench(&["export"]).expect(1, &["--csv"]);
    bench(&["export", "--svg"]).expect(1, &["--out"]);
    bench(&["report", "--history", "--baseline", "other"]).expect(5, &["bench baseline list"]);
    bench(&["report", "--history", "no-such.json"]).expect(5, &["no-such.json"]);
    // None of these wrote a page.
    assert!(!scripted.here.path("report.html").exists());
    bench(&["report", "--history"]).expect(0, &["wrote report.html"]);
    bench(&["report", "--store", "store", "--out", "p.html"]).expect(0, &["wrote p.html"]);
    assert!(scripted.here.path("p.html").exists());
}

#[test]
fn a_bundle_that_is_there_is_the_session_of_the_page() {
    let scripted = Scripted::of_days(2);
    let mut evidence = testing::evidence(1, 1.0);
    evidence.policy = gates::DEFAULT_POLICY.to_owned();
    fs::write(scripted.here.path("ci/evidence.json"), evidence.to_json()).expect("a file");
    scripted.here.bench(&["report", "--history"]).expect(0, &["wrote ci/report.html"]);
    let said = scripted.terminal();
    assert!(said.contains("decode-64/decode_step_ns") && said.contains("work-00"), "{said}");
    fs::write(scripted.here.path("p.toml"), gates::DEFAULT_POLICY).expect("a file");
    scripted
        .here
        .bench(&["report", "--history", "--policy", "p.toml"])
        .expect(0, &["`--policy` is not read"]);
}

#[test]
fn an_empty_store_has_a_page_and_a_warning() {
    let here = Folder::new();
    here.bench(&["report", "--store", "nothing"])
        .expect(0, &["warning: store `nothing` has no record", "wrote report.html"]);
    assert!(here.path("report.html").exists());
    let said = here.bench(&["report", "--terminal"]).expect(0, &["has no record"]).stdout;
    assert_eq!(said, "no session to show\n");
    assert!(here.bench(&["export", "--csv"]).expect(0, &[]).stdout.starts_with("workload,"));
    here.bench(&["export", "--markdown"]).expect(0, &[]);
    here.bench(&["export", "--svg", "--out", "charts"]).expect(0, &["wrote 0 charts"]);
}

/// As printed by this test's own scripted store, read by eye and pasted.
#[test]
fn the_lines_for_a_terminal_are_as_agreed() {
    let scripted = Scripted::of_days(30);
    fs::write(scripted.store.root().join(format!("records/{}.json", Digest::of(b"x"))), "y")
        .expect("a file");
    assert_eq!(
        scripted.terminal(),
        "\
stories, avx512, 2 threads on Scripted Xeon @ 2.90GHz, 30 sessions
                   latest 24                   median   change  since
work-00/matmul_ns  ▁▁▁▁▁▁▁▁▁███████████████  1.109 ms  +10.3 %  2026-03-17
work-01/matmul_ns  ▆██▆▁▄▅▅▄▂▃█▇▇█▄▅▃▅▇▃▆▆▇  1.005 ms        –  –

largest changes     change         95 % interval  commits          when
work-00/matmul_ns  +10.3 %  worse  +10.0…+10.7 %  0e0e0e0…0f0f0f0  2026-03-17

left out: records that were changed after they were written: 1, e.g.
2d711642b726: read run record `store/records/2d711642b726b04401627ca9fbac32f5c85
30fb1903cc4db02258717921a4881.json`: expected SHA-256
2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881, …
"
    );
    let one = Scripted::of_days(1).terminal();
    assert!(one.contains("▄") && one.contains("no change looked for in 2 tracks"), "{one}");
}

#[test]
fn wide_and_long_names_are_cut_and_every_column_stays() {
    let scripted = Scripted::of_days(14);
    for name in
        ["日本語の作業負荷の名前がとても長い場合".repeat(2), "x".repeat(200), "a b ".repeat(30)]
    {
        for nth in 0..14 {
            let level = if nth < 7 { 1.0 } else { 1.2 };
            scripted.put(&named(session(nth, level), &name));
        }
    }
    let said = scripted.terminal();
    assert!(said.contains('…'), "{said}");
    let of = |start: &str| said.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!((of("日本"), of("xxx"), of("a b a b")), (2, 2, 2), "{said}");
    assert_eq!(said.matches(" worse ").count(), 4, "{said}");
}

#[test]
fn a_hostile_name_or_subject_says_nothing_but_itself_anywhere() {
    let scripted = Scripted::new();
    let message = format!("{HOSTILE} {}", "é".repeat(10_000));
    git(&scripted.here, &["init", "--quiet"]);
    git(&scripted.here, &["commit", "--quiet", "--allow-empty", "--message", &message]);
    let commit = git(&scripted.here, &["rev-parse", "HEAD"]);
    for nth in 0..14 {
        let level = if nth < 7 { 1.0 } else { 1.2 };
        let mut record = named(session(nth, level), HOSTILE);
        record.tool.commit = Some(commit.clone());
        scripted.put(&record);
    }
    let said = scripted.terminal();
    assert!(said.contains("=cmd|"), "{said}");

    let csv = scripted.here.bench(&["export", "--csv"]).expect(0, &[]).stdout;
    assert!(!csv.contains(|c: char| hidden(c) && c != '\r' && c != '\n'), "{csv}");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), 28);
    let first: Vec<&str> =
        rows.iter().map(|row| &row[0]).filter(|name| name.contains("cmd")).collect();
    assert_eq!(first.len(), 14);
    assert!(first.iter().all(|name| name.starts_with("'=cmd") && name.contains("\\u{202e}")));
    assert!(rows.iter().all(|row| row[8].parse::<f64>().is_ok()), "numbers stay numbers");
    assert_eq!(csv.matches("\r\n").count(), csv.matches('\n').count());

    let markdown = scripted.here.bench(&["export", "--markdown"]).expect(0, &[]).stdout;
    for bad in ["<", ">", "](", "@", "://", "\u{202e}"] {
        assert!(!markdown.contains(bad), "{bad}: {markdown}");
    }
    for line in markdown.lines().filter(|line| line.contains("cmd")) {
        assert!(matches!(line.matches('|').count(), 8 | 9), "{line}");
    }

    let json = scripted.here.bench(&["export", "--json"]).expect(0, &[]).stdout;
    assert!(!json.contains(|c: char| hidden(c) && c != '\n'), "{json}");
    let document: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(document["tracks"][0]["workload"], HOSTILE);
    let subject = document["sessions"][0]["subject"].as_str().expect("git knows the commit");
    assert!(message.starts_with(subject.trim_end_matches('…')) && subject.len() < 500);

    scripted.here.bench(&["export", "--svg", "--out", "charts"]).expect(0, &["wrote 2 charts"]);
    for file in fs::read_dir(scripted.here.path("charts")).expect("a folder") {
        let file = file.expect("a file");
        let name = file.file_name().into_string().expect("text");
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "{name}");
        let svg = fs::read_to_string(file.path()).expect("a chart");
        assert!(!svg.contains("<script") && svg.matches("</svg>").count() == 1, "{svg}");
        assert!(!svg.contains('\u{202e}'), "{svg}");
    }

    let page = |scripted: &Scripted| {
        scripted.here.bench(&["report", "--history"]).expect(0, &[]);
        fs::read_to_string(scripted.here.path("report.html")).expect("a page")
    };
    let (hostile, tame) = (page(&scripted), page(&Scripted::of_days(14)));
    // The page has a script of its own, which its policy names by digest.
    for tag in ["<script", "</script", "<style"] {
        assert_eq!(hostile.matches(tag).count(), tame.matches(tag).count(), "{tag}");
    }
    assert_eq!(hostile.matches("<svg").count(), hostile.matches("</svg>").count());
    assert!(hostile.contains("&lt;script&gt;alert(1)"), "it is shown as what it is");
    assert!(!hostile.contains(&"é".repeat(300)), "a subject is cut");
}

#[test]
fn the_export_has_every_point_its_processes_and_the_change() {
    let scripted = Scripted::of_days(30);
    let document = scripted.json();
    assert_eq!(
        (&document["schema"], &document["version"]),
        (&Value::from("tritgate.history-export"), &Value::from("1.0"))
    );
    let track = &document["tracks"][0];
    assert_eq!(track["points"].as_array().map(Vec::len), Some(30));
    assert_eq!(track["points"][0]["processes"].as_array().map(Vec::len), Some(5));
    assert_eq!(track["changes"][0]["place"], 15);
    assert_eq!(document["sessions"][15]["commit"], commit(15));

    let csv = scripted.here.bench(&["export", "--csv"]).expect(0, &[]).stdout;
    let changed: Vec<&str> = csv.lines().filter(|line| line.contains(",true,")).collect();
    assert_eq!(changed.len(), 1);
    assert!(changed[0].contains(&commit(15)), "{}", changed[0]);
    // What is asked for, and in a file.
    let args = ["export", "--csv", "--workload", "work-01", "--out", "h.csv"];
    scripted
        .here
        .bench(&args)
        .expect(0, &["left out: tracks that `--workload` does not ask for: 1", "wrote h.csv"]);
    let file = fs::read_to_string(scripted.here.path("h.csv")).expect("a file");
    assert_eq!(file.lines().count(), 31);
    assert!(csv.ends_with(file.split_once('\n').expect("a header").1));
}

#[test]
fn the_page_has_the_same_bytes_each_time_with_the_cache_and_without() {
    let scripted = Scripted::of_days(12);
    let page = |args: &[&str], cache: Option<&str>| {
        let args = [&["report", "--store", "store", "--out", "page.html"][..], args].concat();
        let cache = cache.map(|name| scripted.here.path(name).display().to_string());
        let vars: Vec<(&str, &str)> =
            cache.iter().map(|path| ("XDG_CACHE_HOME", &**path)).collect();
        scripted.here.bench_with(&args, &vars).expect(0, &[]);
        fs::read(scripted.here.path("page.html")).expect("a page")
    };
    let without = page(&[], None);
    assert_eq!(page(&[], Some("cache")), without);
    let kept = scripted.here.path("cache/tritgate/histories");
    assert_eq!(fs::read_dir(&kept).expect("a cache").count(), 1);
    assert_eq!(page(&[], Some("cache")), without);
    assert_eq!(page(&["--fresh"], Some("cache")), without);
    // A cache that can't be written is a note.
    fs::write(scripted.here.path("blocked"), "").expect("a file");
    assert_eq!(page(&[], Some("blocked")), without);
}

#[test]
fn two_runs_at_once_leave_a_whole_cache() {
    let scripted = Scripted::of_days(40);
    let cache = scripted.here.path("cache").display().to_string();
    let run = |_| {
        let vars = [("XDG_CACHE_HOME", &*cache)];
        scripted.here.bench_with(&["export", "--json", "--fresh"], &vars).expect(0, &[]).stdout
    };
    let all: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..4).map(|nth| scope.spawn(move || run(nth))).collect();
        running.into_iter().map(|one| one.join().expect("no panic")).collect()
    });
    let file = fs::read_dir(scripted.here.path("cache/tritgate/histories"))
        .expect("a cache")
        .next()
        .expect("a file")
        .expect("a file");
    let text = fs::read_to_string(file.path()).expect("text");
    assert_eq!(text.lines().filter(|line| line.starts_with("record ")).count(), 40);
    let vars = [("XDG_CACHE_HOME", &*cache)];
    let cached = scripted.here.bench_with(&["export", "--json"], &vars).expect(0, &[]).stdout;
    assert!(all.iter().all(|one| *one == cached));
}

#[test]
fn colour_is_asked_of_the_terminal_and_never_alone() {
    let scripted = Scripted::of_days(30);
    let forced = |vars: &[(&str, &str)]| {
        scripted.here.bench_with(&["report", "--terminal"], vars).expect(0, &[]).stdout
    };
    let plain = forced(&[]);
    let coloured = forced(&[("CLICOLOR_FORCE", "1")]);
    assert!(!plain.contains('\u{1b}') && coloured.contains("\u{1b}[31m"));
    let stripped = coloured.replace("\u{1b}[31m", "").replace("\u{1b}[0m", "");
    assert_eq!(stripped, plain);
    assert_eq!(forced(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), plain);
}
