//! The hop log over several gates of one folder, the outputs of a step, and the commit that a bundle is about.

mod common;

use std::fs;

use common::{Folder, Run};
use serde_json::Value;

/// Gates two sleeps; 5 against 15 ms is forty times the unacceptable margin: no noise of a working machine hides it.
fn gate(here: &Folder, head: &str, options: &[&str]) -> Run {
    let mut args = vec!["gate", "--base-command", "sleep 0.005", "--head-command", head];
    args.extend(["--iterations", "2"].iter().chain(options));
    let output = here.path("output");
    let output = output.to_str().expect("a path of the test");
    here.bench_with(&args, &[("PATH", "/usr/local/bin:/usr/bin:/bin"), ("GITHUB_OUTPUT", output)])
}

fn route(here: &Folder) -> Value {
    let bytes = fs::read(here.path("ci/route.json")).expect("a gate wrote it");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Gates sleeps of 5 against 15 ms until one fails; what the machine disturbs too much is inconclusive. How many gates that took.
fn fail(here: &Folder, options: &[&str]) -> usize {
    for n in 1..=6 {
        let gate = gate(here, "sleep 0.015", options);
        if gate.code == 2 {
            return n;
        }
        assert_eq!(gate.code, 3, "{}\n{}", gate.stdout, gate.stderr);
        outputs(here);
    }
    panic!("this machine is too busy for any verdict");
}

/// What the last gate added to the outputs of its step.
fn outputs(here: &Folder) -> String {
    let text = fs::read_to_string(here.path("output")).expect("a gate wrote it");
    fs::remove_file(here.path("output")).expect("it is there");
    text
}

/// Commits of commands are not known: each fail counts as an attempt of its own.
///
/// Requirement: T3, T5, T6.
#[test]
fn three_fails_are_mended_and_the_fourth_goes_to_a_person_though_a_gate_in_between_does_not_end() {
    let here = Folder::new();
    let mut n_gates = 0;
    for (place, to) in
        ["perf-fixer", "perf-fixer", "perf-fixer", "needs-rework"].into_iter().enumerate()
    {
        n_gates += fail(&here, &[]);
        let found = route(&here);
        assert_eq!((&found["to"], &found["attempts"]), (&to.into(), &place.into()));
        assert_eq!(found["hops"].as_array().map(Vec::len), Some(n_gates));
        let written = format!("route={to}\nconclusion=failure\nverdict=fail\nexit-code=2\n");
        assert_eq!(outputs(&here), written);
        here.bench(&["verify", "ci"]).expect(0, &[]);

        // A gate that does not end: no file of it, nothing green, and the log as it was.
        let ended = gate(&here, "false", &[]);
        assert_ne!(ended.code, 0, "{}", ended.stdout);
        let left = route(&here);
        assert_eq!((&left["to"], &left["hops"]), (&"blocked".into(), &found["hops"]));
        assert!(
            !here.path("ci/evidence.json").exists() && !here.path("ci/perf_gate.json").exists()
        );
        let written = outputs(&here);
        assert!(written.contains("conclusion=failure\n"), "{written}");
        assert!(!written.contains("route=docs-reviewer"), "{written}");
        assert_ne!(here.bench(&["verify", "ci"]).code, 0);
    }
}

/// Requirement: T3, T6.
#[test]
fn a_log_comes_from_a_file_a_broken_one_is_an_error_and_a_bundle_is_about_one_commit() {
    let here = Folder::new();
    gate(&here, "sleep 0.015", &["--hops", "last.json"]).expect(1, &["leave out `--hops`"]);
    assert_eq!(outputs(&here), "route=\nconclusion=failure\nverdict=error\nexit-code=1\n");
    fail(&here, &[]);
    fs::rename(here.path("ci/route.json"), here.path("last.json")).unwrap();
    fail(&here, &["--hops", "last.json"]);
    assert_eq!(route(&here)["attempts"], 1);

    let sha = "0123456789abcdef0123456789abcdef01234567";
    let stale = here.bench(&["verify", "ci", "--head-sha", sha]).expect(4, &[]);
    for part in ["rule `head-sha`", sha, "not known", "invalid (exit 4) → blocked"] {
        assert!(stale.stdout.contains(part), "{part}: {}", stale.stdout);
    }
    here.bench(&["verify", "ci", "--head-sha", "0123456"]).expect(1, &["40 hex digits"]);

    fs::write(here.path("ci/route.json"), "{}").unwrap();
    gate(&here, "sleep 0.015", &[]).expect(1, &["hop log", "remove it to begin a new log"]);
    assert_eq!(fs::read_to_string(here.path("ci/route.unread.json")).unwrap(), "{}");
    assert_eq!(route(&here)["to"], "blocked");
    assert!(!here.path("ci/perf_gate.json").exists(), "nothing green is left");
}
