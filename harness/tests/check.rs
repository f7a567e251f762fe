//! `bench check` on tiny commands, and what `bench gate` makes of its records.

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use baselines::{CheckRecord, check::KEPT_BYTES, timestamp::parse_ms};
use common::{Folder, Run};
use serde_json::Value;

const PATH: (&str, &str) = ("PATH", "/usr/local/bin:/usr/bin:/bin");
const RUN: &str = "running 2 tests\ntest a ... ok\ntest b ... ok\n\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; \
                   0 filtered out; finished in 0.00s\n";

fn check(here: &Folder, options: &[&str], command: &[&str]) -> Run {
    here.bench_with(&[&["check"], options, &["--"], command].concat(), &[PATH])
}

fn record(here: &Folder, gate: &str) -> CheckRecord {
    let path = here.path(&format!("ci/checks/{gate}.json"));
    CheckRecord::from_json(&fs::read(path).expect("it was written")).expect("a check record")
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(folder)
        .env_clear()
        .envs([PATH, ("HOME", "/nonexistent")])
        .output()
        .expect("git is installed");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

/// The folder as a repository with everything committed; its commit.
fn commit(here: &Folder) -> String {
    let top = here.path("");
    git(&top, &["init", "-q"]);
    git(&top, &["add", "-A"]);
    git(&top, &["commit", "-q", "-m", "first"]);
    git(&top, &["rev-parse", "HEAD"])
}

/// Requirement: S4.
#[test]
fn the_exit_code_says_success_failure_or_nothing_checked() {
    let here = Folder::new();
    for (gate, command, code, said) in [
        ("smoke", ["true"].as_slice(), 0, "✔ review:gate:smoke: pass (exit 0): exit code 0"),
        ("smoke", &["false"], 2, "✘ review:gate:smoke: fail (exit 2): exit code 1"),
        ("review:gate:smoke", &["sh", "-c", "kill -9 $$"], 2, "exit code 137, signal 9"),
        ("tests", &["printf", RUN], 0, "✔ review:gate:tests: pass (exit 0): 2 passed, 0 failed"),
        ("tests", &["true"], 5, "✘ review:gate:tests: incomparable (exit 5): 0 passed"),
        ("tests-unit", &["printf", "running 0 tests\n"], 5, "a run of 0 tests ended without"),
        ("build", &["true"], 5, "no summary found"),
        ("format", &["true"], 5, "expected `--check`"),
        ("freshness", &["true"], 5, "nothing was asked"),
    ] {
        let run = check(&here, &["--gate", gate], command).expect(code, &["names no commit"]);
        assert!(run.stdout.contains(said), "{gate}: {}", run.stdout);
        assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    }
    let smoke = record(&here, "smoke");
    assert_eq!((smoke.exit_code, smoke.commit, smoke.dirty), (137, None, None));
    assert_eq!(smoke.command, ["sh", "-c", "kill -9 $$"]);
}

#[test]
fn what_cannot_be_run_is_an_error_and_leaves_no_record_of_an_earlier_run() {
    let here = Folder::new();
    let path = here.path("ci/checks/smoke.json");
    for (options, command, parts) in [
        (
            ["--gate", "smoke"].as_slice(),
            ["no-such-program"].as_slice(),
            ["`no-such-program`", "no shell"],
        ),
        (
            &["--gate", "smoke", "--timeout", "1"],
            &["sh", "-c", "sleep 60 & sleep 60"],
            ["within 1 s", "--timeout"],
        ),
    ] {
        check(&here, &["--gate", "smoke"], &["true"]).expect(0, &[]);
        assert!(path.exists());
        check(&here, options, command).expect(1, &parts);
        assert!(!path.exists(), "{command:?}");
    }
    check(&here, &[], &["true"]).expect(1, &["failed to tell what `true` checks", "--gate NAME"]);
    for gate in ["perf", "review:gate:benchmarks", "../x", "Tests", ""] {
        check(&here, &["--gate", gate], &["true"]).expect(1, &["`--gate`"]);
    }
    check(&here, &["--gate", "x", "--timeout", "0"], &["true"]).expect(1, &["--timeout"]);
    here.bench(&["check", "--gate", "x"]).expect(1, &["COMMAND"]);
}

#[test]
fn both_streams_are_shown_on_stderr_and_kept_apart() {
    let here = Folder::new();
    let script = "printf 'to out\\r\\n'; printf '\\033[31mto err\\033[0m \\377\\n' >&2";
    let run = check(&here, &["--gate", "x", "--format", "json"], &["sh", "-c", script])
        .expect(0, &["to out", "to err"]);
    let document: Value = serde_json::from_str(&run.stdout).expect("the gate document");
    let record = record(&here, "x");
    assert_eq!(document["name"], "review:gate:x");
    assert_eq!(document["records"]["check"], record.digest().to_string());
    assert_eq!(document["values"]["run"]["exit_code"], 0);
    assert_eq!(record.stdout.text, "to out\r\n");
    assert_eq!(record.stderr.text, "\u{1b}[31mto err\u{1b}[0m \u{fffd}\n");
    let parts = record.stderr.parts().expect("it was captured");
    assert_eq!(parts.head, b"\x1b[31mto err\x1b[0m \xff\n");
}

#[test]
fn a_process_left_behind_with_the_streams_open_does_not_hold_the_check_up() {
    let here = Folder::new();
    check(&here, &["--gate", "x"], &["sh", "-c", "sleep 40 & echo done"]).expect(0, &["done"]);
    let record = record(&here, "x");
    assert_eq!(record.stdout.text, "done\n");
    assert!(record.wall_ns < 20_000_000_000, "{}", record.wall_ns);
    // The rule `check-times` allows 100 ms and 1 %.
    let stamps = parse_ms(&record.started_at).zip(parse_ms(&record.ended_at));
    let (started_ms, ended_ms) = stamps.expect("stamps");
    let wall_ms = i64::try_from(record.wall_ns / 1_000_000).unwrap();
    assert!((ended_ms - started_ms).abs_diff(wall_ms) < 100, "{record:?}");
}

/// 100 MB within 300 MB of address space: the bound that the issue sets for hostile input.
#[test]
fn a_hundred_megabytes_of_output_are_hashed_whole_and_kept_in_part() {
    let here = Folder::new();
    let bench = env!("CARGO_BIN_EXE_bench");
    let line =
        format!("ulimit -v 300000; exec {bench} check --gate big -- head -c 104857600 /dev/zero");
    let status = Command::new("sh")
        .args(["-c", &line])
        .current_dir(here.path(""))
        .env_clear()
        .envs([PATH])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("sh is there");
    assert_eq!(status.code(), Some(0));
    let stdout = record(&here, "big").stdout;
    assert_eq!(stdout.total_bytes, 104_857_600);
    assert_eq!(stdout.left_out_bytes, 104_857_600 - KEPT_BYTES as u64);
    // `head -c 104857600 /dev/zero | sha256sum`
    let whole = "20492a4d0d84f8beb1767f6616229f85d44c2827b64bdbfb260ee12fa1109e0e";
    assert_eq!(stdout.digest.to_string(), whole);
}

/// Requirement: I1.
#[test]
fn a_check_names_its_commit_and_whether_the_tree_was_clean() {
    let here = Folder::new();
    fs::create_dir(here.path("sub")).unwrap();
    fs::write(here.path("sub/file"), "1").unwrap();
    let first = commit(&here);
    check(&here, &["--gate", "a"], &["true"]).expect(0, &[]);
    check(&here, &["--gate", "b"], &["true"]).expect(0, &[]);
    let record_b = record(&here, "b");
    assert_eq!((record_b.commit.as_deref(), record_b.dirty), (Some(first.as_str()), Some(false)));
    check(&here, &["--gate", "c"], &["sh", "-c", "echo 2 > sub/file"]).expect(0, &["has changes"]);
    assert_eq!(record(&here, "c").dirty, Some(true), "the command itself changed the tree");

    git(&here.path(""), &["commit", "-q", "-am", "second"]);
    let fresh = ["git", "merge-base", "--is-ancestor", &first, "HEAD"];
    let run = check(&here, &[], &fresh).expect(0, &[]);
    assert!(run.stdout.contains("review:gate:freshness: pass"), "{}", run.stdout);
    git(&here.path(""), &["branch", "later"]);
    git(&here.path(""), &["reset", "-q", "--hard", &first]);
    check(&here, &[], &["git", "merge-base", "--is-ancestor", "later", "HEAD"]).expect(2, &[]);
    let unknown = ["git", "merge-base", "--is-ancestor", "nowhere", "HEAD"];
    let run = check(&here, &[], &unknown).expect(5, &[]);
    assert!(run.stdout.contains("git could not say"), "{}", run.stdout);
}

/// Requirement: S4.
#[test]
fn a_gate_takes_the_checks_of_its_folder_and_a_required_one_decides() {
    let here = Folder::new();
    let policy = gates::command_policy(&[("command", "wall_ns")]);
    let (is, becomes) = ("\"review:gate:perf\"]", "\"review:gate:perf\", \"review:gate:tests\"]");
    assert!(policy.contains(is), "{policy}");
    fs::write(here.path("required.toml"), policy.replace(is, becomes)).unwrap();
    // 20 against 10 ms: faster, whatever the machine does meanwhile.
    let gate = |options: &[&str]| {
        let base = [
            "gate",
            "--base-command",
            "sleep 0.020",
            "--head-command",
            "sleep 0.010",
            "--iterations",
            "2",
        ];
        here.bench_with(&[&base, options].concat(), &[PATH])
    };
    let required = ["--policy", "required.toml"];

    check(&here, &["--gate", "tests"], &["printf", RUN]).expect(0, &[]);
    let run = gate(&required).expect(0, &[]);
    assert!(run.stdout.contains("✔ review:gate:tests: 2 passed"), "{}", run.stdout);
    here.bench(&["verify", "ci"]).expect(4, &[]);
    let verify = here.bench(&["verify", "ci", "--policy", "required.toml"]).expect(0, &[]);
    assert!(verify.stdout.contains("✔ tests_gate.json"), "{}", verify.stdout);

    // A gate file that no check of the evidence stands behind.
    let forged = fs::read_to_string(here.path("ci/tests_gate.json")).unwrap();
    fs::write(here.path("ci/audit_gate.json"), forged.replace("gate:tests", "gate:audit")).unwrap();
    let verify = here.bench(&["verify", "ci"]).expect(4, &["1 of 11 files"]);
    assert!(
        verify.stdout.contains("✘ audit_gate.json: expected no such gate"),
        "{}",
        verify.stdout
    );

    let failed = RUN.replace("ok. 2 passed; 0 failed", "FAILED. 1 passed; 1 failed");
    check(&here, &["--gate", "tests"], &["printf", &failed]).expect(2, &[]);
    let run = gate(&required).expect(2, &[]);
    assert!(run.stdout.contains("✘ review:gate:tests: 1 passed, 1 failed"), "{}", run.stdout);
    assert!(!here.path("ci/audit_gate.json").exists(), "what an earlier gate left is gone");
    let run = gate(&[]).expect(0, &[]);
    assert!(run.stdout.contains("(not required): 1 passed, 1 failed"), "{}", run.stdout);

    fs::write(here.path("ci/checks/tests.json"), "{\"schema\":\"tritgate.check\"").unwrap();
    gate(&required).expect(4, &["ci/checks/tests.json"]);
    assert!(!here.path("ci/tests_gate.json").exists(), "no green file is left behind");
    fs::remove_file(here.path("ci/checks/tests.json")).unwrap();
    gate(&required).expect(5, &[]);
}
