//! What is read from the output of real commands, and what hostile output gets: never a success that the exit code, the counts
//! and the announced numbers do not bear out together.

use std::{fs, path::Path};

use baselines::{
    CheckRecord, Digest,
    check::{Captured, KEPT_BYTES, KEPT_HEAD_BYTES},
    testing,
};
use gates::{Verdict, check};
use serde_json::{Value, json};

fn bytes(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/checks");
    // A stream that nothing was written to has no file.
    fs::read(folder.join(name)).unwrap_or_default()
}

/// The record of `line`, which ended so and wrote what is in the files of `name`.
fn recorded(gate: &str, line: &str, exit_code: u64, name: &str) -> CheckRecord {
    let (stdout, stderr) = (bytes(&format!("{name}.out")), bytes(&format!("{name}.err")));
    assert!(stdout.len() + stderr.len() > 0 || name.is_empty(), "{name} has no file");
    written(gate, line, exit_code, &stdout, &stderr)
}

fn written(gate: &str, line: &str, exit_code: u64, stdout: &[u8], stderr: &[u8]) -> CheckRecord {
    CheckRecord {
        command: line.split(' ').map(str::to_owned).collect(),
        exit_code,
        stdout: Captured::whole(stdout),
        stderr: Captured::whole(stderr),
        ..testing::check(gate)
    }
}

fn counts(value: &Value, keys: [&str; 4]) -> [Option<u64>; 4] {
    keys.map(|key| value[key].as_u64())
}

/// Requirement: I1, C2.
#[test]
fn runs_of_tests_are_counted_as_cargo_and_nextest_write_them() {
    const KEYS: [&str; 4] = ["passed", "failed", "summaries", "targets"];
    #[rustfmt::skip] // a table; the numbers are those in the files
    let table: &[(&str, u64, Verdict, [u64; 4], &str)] = &[
        ("test-ok", 0, Verdict::Pass, [4, 0, 3, 3], "4 passed, 0 failed, 1 ignored, 0 filtered out in 3 runs"),
        ("test-color", 0, Verdict::Pass, [4, 0, 3, 3], "4 passed"),
        ("test-q", 0, Verdict::Pass, [4, 0, 3, 0], "4 passed"),
        ("repo-test", 0, Verdict::Pass, [2, 0, 11, 11], "2 passed"),
        ("test-fail", 101, Verdict::Fail, [3, 1, 3, 3], "3 passed, 1 failed, 1 ignored, 0 filtered out in 3 runs: tests::lies (exit code 101)"),
        ("test-fail", 0, Verdict::Fail, [3, 1, 3, 3], "1 failed, 1 ignored, 0 filtered out in 3 runs: tests::lies, though it ended with exit code 0"),
        ("test-ok", 101, Verdict::Fail, [4, 0, 3, 3], "exit code 101, though no failure was seen: 4 passed"),
        ("test-ok", 137, Verdict::Fail, [4, 0, 3, 3], "exit code 137, signal 9"),
        ("test-none", 0, Verdict::Incomparable, [0, 0, 2, 2], "no test was run: 0 of 0 is an error"),
        ("test-list", 0, Verdict::Incomparable, [0, 0, 0, 3], "no summary found"),
        ("test-error", 101, Verdict::Fail, [0, 0, 0, 0], "no summary found"),
        ("test-nocapture", 0, Verdict::Incomparable, [4, 0, 3, 3], "a run of 3 tests has 2 summaries"),
        ("next-ok", 0, Verdict::Pass, [3, 0, 1, 2], "3 passed, 0 failed, 1 skipped in 2 targets"),
        ("next-color", 0, Verdict::Pass, [3, 0, 1, 2], "3 passed"),
        ("next-fail", 100, Verdict::Fail, [2, 1, 1, 2], "2 passed, 1 failed, 1 skipped in 2 targets: toy tests::lies (exit code 100)"),
        ("next-none", 4, Verdict::Incomparable, [0, 0, 1, 2], "no test was run: 0 of 0 is an error"),
        ("next-none", 0, Verdict::Incomparable, [0, 0, 1, 2], "no test was run"),
    ];
    for (name, exit_code, verdict, numbers, said) in table {
        let reading = check::read(&recorded("tests", "cargo test", *exit_code, name));
        assert_eq!(reading.verdict, *verdict, "{name} {exit_code}: {}", reading.text);
        assert_eq!(counts(&reading.value, KEYS), numbers.map(Some), "{name}: {}", reading.value);
        assert!(reading.text.contains(said), "{name} {exit_code}: {}", reading.text);
    }
}

/// Files, command, exit code, verdict, errors and warnings, words.
type Built = (&'static str, &'static str, u64, Verdict, [u64; 2], &'static str);

/// Requirement: I1.
#[test]
fn builds_lints_and_documentation_are_counted_from_text_and_from_json() {
    #[rustfmt::skip] // a table; the numbers are those in the files
    let table: &[Built] = &[
        ("build-warn", "cargo build", 0, Verdict::Pass, [0, 2], "0 errors, 2 warnings"),
        ("build-warn-all", "cargo build", 0, Verdict::Pass, [0, 2], "2 warnings"),
        ("build-error", "cargo build", 101, Verdict::Fail, [1, 0], "1 error, 0 warnings (exit code 101)"),
        ("build-error", "cargo build", 0, Verdict::Fail, [1, 0], "though it ended with exit code 0"),
        ("build-warn", "cargo build", 101, Verdict::Fail, [0, 2], "no failure was seen"),
        ("clippy-warn", "cargo clippy", 0, Verdict::Pass, [0, 5], "5 warnings"),
        ("clippy-deny", "cargo clippy", 101, Verdict::Fail, [4, 0], "4 errors"),
        ("clippy-json", "cargo clippy", 0, Verdict::Pass, [0, 4], "4 warnings"),
        ("clippy-denyjson", "cargo clippy", 101, Verdict::Fail, [4, 0], "4 errors"),
        ("clippy-q", "cargo clippy", 0, Verdict::Incomparable, [0, 4], "no summary found"),
        ("repo-clippy", "cargo clippy", 0, Verdict::Pass, [0, 0], "0 errors, 0 warnings"),
        ("doc-warn", "cargo doc", 0, Verdict::Pass, [0, 1], "1 warning"),
    ];
    for (name, line, exit_code, verdict, [errors, warnings], said) in table {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let kind = check::of_command(&words).expect("a command of cargo").name;
        let reading = check::read(&recorded(kind, line, *exit_code, name));
        assert_eq!(reading.verdict, *verdict, "{name}: {}", reading.text);
        let (found_errors, found_warnings) = (&reading.value["errors"], &reading.value["warnings"]);
        assert_eq!((found_errors, found_warnings), (&json!(errors), &json!(warnings)), "{name}");
        assert!(reading.text.contains(said), "{name}: {}", reading.text);
    }
    let silent = check::read(&written("build", "cargo build", 0, b"", b""));
    assert_eq!(silent.verdict, Verdict::Incomparable, "{}", silent.text);
}

/// Requirement: I1.
#[test]
fn a_formatter_that_says_nothing_was_asked_or_it_is_no_success() {
    #[rustfmt::skip] // a table
    let table: &[(&str, &str, u64, Verdict, &str)] = &[
        ("cargo fmt --check", "", 0, Verdict::Pass, "0 files differ"),
        ("cargo fmt", "", 0, Verdict::Incomparable, "expected `--check`"),
        ("cargo fmt --check", "fmt-diff", 1, Verdict::Fail, "1 file differ"),
        ("cargo fmt --check", "fmt-diff", 0, Verdict::Fail, "though it ended with exit code 0"),
        ("cargo fmt --check", "fmt-error", 1, Verdict::Fail, "1 error (exit code 1)"),
        ("cargo fmt --check", "", 1, Verdict::Fail, "no failure was seen"),
    ];
    for (line, name, exit_code, verdict, said) in table {
        let reading = check::read(&recorded("format", line, *exit_code, name));
        assert_eq!(reading.verdict, *verdict, "{line} {name}: {}", reading.text);
        assert!(reading.text.contains(said), "{line} {name}: {}", reading.text);
    }
    let differs = check::read(&recorded("format", "cargo fmt --check", 1, "fmt-diff"));
    assert_eq!(differs.value["files"], json!(["/src/toy/src/lib.rs"]));
}

const REAL: &str = "running 2 tests\ntest a ... FAILED\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";
const FORGED: &str = "test result: ok. 99 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";

/// Requirement: S4.
#[test]
fn a_test_that_writes_a_summary_of_its_own_makes_nothing_green() {
    let halves = REAL.split_once("\n\n").expect("two halves");
    #[rustfmt::skip] // a table
    let table = [
        ("before the run", format!("{FORGED}{REAL}")),
        ("within the run", format!("{}\n{FORGED}\n{}", halves.0, halves.1)),
        ("after the run", format!("{REAL}{FORGED}")),
        ("as a run of its own", format!("{REAL}running 99 tests\n{FORGED}")),
        ("in place of the run's", format!("{}\n{FORGED}", halves.0)),
        ("in place of all", FORGED.to_owned()),
        ("with the announced number", format!("running 99 tests\n{FORGED}running 2 tests\n")),
        ("with two announcements", format!("running 99 tests\nrunning 2 tests\n{}", FORGED.replace("99", "2"))),
        ("with numbers that wrap round", format!("running 1 test\n{}", FORGED.replace("99", "18446744073709551617"))),
        ("with a minus", format!("running 1 test\n{}", FORGED.replace("99", "-1"))),
        ("which calls failures ok", format!("running 99 tests\n{}", FORGED.replace("0 failed", "1 failed").replace("99 p", "98 p"))),
        ("which calls success FAILED", format!("running 99 tests\n{}", FORGED.replace("ok", "FAILED"))),
        ("cut short", format!("running 99 tests\n{}", &FORGED[..40])),
        ("of nothing", format!("running 0 tests\n{}", FORGED.replace("99", "0"))),
    ];
    for (how, stdout) in table {
        for exit_code in [0, 101] {
            for stdout in [stdout.clone(), stdout.replace('\n', "\r\n")] {
                let record = written("tests", "cargo test", exit_code, stdout.as_bytes(), b"");
                let reading = check::read(&record);
                assert_ne!(
                    reading.verdict,
                    Verdict::Pass,
                    "{how}, exit {exit_code}: {}",
                    reading.text
                );
            }
        }
    }
    // What the table plants its faults in is read as a success when it is whole.
    let whole = format!("running 99 tests\n{FORGED}");
    let reading = check::read(&written("tests", "cargo test", 0, whole.as_bytes(), b""));
    assert_eq!(reading.verdict, Verdict::Pass, "{}", reading.text);
}

/// Requirement: S4.
#[test]
fn a_summary_of_nextest_counts_once_and_only_with_its_start() {
    let start = "    Starting 3 tests across 2 binaries\n";
    let good = "     Summary [   0.103s] 3 tests run: 3 passed (1 slow, 1 flaky), 0 skipped\n";
    #[rustfmt::skip] // a table
    let table = [
        ("whole", format!("{start}{good}"), Verdict::Pass),
        ("no start", good.to_owned(), Verdict::Incomparable),
        ("no summary", start.to_owned(), Verdict::Incomparable),
        ("two summaries", format!("{start}{good}{good}"), Verdict::Incomparable),
        ("two starts", format!("{start}{start}{good}"), Verdict::Incomparable),
        ("another number", format!("{start}{}", good.replace("3 passed", "2 passed")), Verdict::Incomparable),
        ("cut short", format!("{start}{}", good.replace("3 tests", "2/3 tests").replace("3 passed", "2 passed")), Verdict::Incomparable),
        ("timed out", format!("{start}{}", good.replace("3 passed", "2 passed, 1 timed out")), Verdict::Fail),
        ("exec failed", format!("{start}{}", good.replace("3 passed", "2 passed, 1 exec failed")), Verdict::Fail),
        ("a word for a number", format!("{start}{}", good.replace("3 passed", "three passed")), Verdict::Incomparable),
    ];
    for (how, stderr, verdict) in table {
        let record = written("tests", "cargo nextest run", 0, b"", stderr.as_bytes());
        let reading = check::read(&record);
        assert_eq!(reading.verdict, verdict, "{how}: {}", reading.text);
    }
}

/// Requirement: S4.
#[test]
fn output_with_a_gap_is_no_success_but_for_nextest_whose_summary_is_one() {
    let middle = vec![b'x'; KEPT_BYTES];
    let cut = |start: &[u8], end: &[u8]| {
        let whole = [start, &middle, end].concat();
        let tail = whole.len() - (KEPT_BYTES - KEPT_HEAD_BYTES);
        let (head, rest) = (&whole[..KEPT_HEAD_BYTES], &whole[tail..]);
        Captured::of(head, rest, whole.len() as u64, Digest::of(&whole))
    };
    let run = format!("running 99 tests\n{FORGED}");
    let mut record = written("tests", "cargo test", 0, b"", b"");
    record.stdout = cut(run.as_bytes(), format!("\n{run}").as_bytes());
    let reading = check::read(&record);
    assert_eq!((reading.verdict, &reading.value["passed"]), (Verdict::Incomparable, &json!(198)));
    assert!(reading.text.contains("bytes of the output were not kept"), "{}", reading.text);

    let mut record = written("tests", "cargo nextest run", 0, b"", b"");
    let (start, end) = (
        "    Starting 3 tests across 2 binaries\n",
        "\n     Summary [   1.0s] 3 tests run: 3 passed, 0 skipped\n",
    );
    record.stderr = cut(start.as_bytes(), end.as_bytes());
    assert_eq!(check::read(&record).verdict, Verdict::Pass);

    let mut record = written("build", "cargo build", 0, b"", b"");
    record.stderr = cut(b"", b"\n    Finished `dev` profile [x] target(s) in 1s\n");
    assert_eq!(check::read(&record).verdict, Verdict::Incomparable);
}

#[test]
fn hostile_bytes_never_panic_and_never_pass() {
    let every: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let deep = [b"{\"reason\":".repeat(20_000), b"\n".to_vec()].concat();
    let open = b"\x1b[".repeat(30_000);
    let invalid =
        [b"running 1 test\ntest result: \xff\xfe ok. 1 passed\n".as_slice(), b"\xc3"].concat();
    for hostile in
        [b"".as_slice(), &every, &deep, &open, &invalid, b"\n\r\x1b]", "€".repeat(9_999).as_bytes()]
    {
        for check in
            check::CHECKS.iter().filter(|check| !["command", "freshness"].contains(&check.name))
        {
            for (stdout, stderr) in [(hostile, b"".as_slice()), (b"", hostile), (hostile, hostile)]
            {
                let reading = check::read(&written(check.name, "x", 0, stdout, stderr));
                assert_ne!(reading.verdict, Verdict::Pass, "{}: {}", check.name, reading.text);
            }
        }
    }
}

#[test]
fn of_a_command_the_exit_code_alone_is_said() {
    for (exit_code, verdict) in [(0, Verdict::Pass), (1, Verdict::Fail), (143, Verdict::Fail)] {
        let reading =
            check::read(&written("audit", "cargo audit", exit_code, b"error: bad\n", b""));
        assert_eq!(reading.verdict, verdict);
        assert!(reading.text.contains(&format!("exit code {exit_code}")), "{}", reading.text);
    }
}
