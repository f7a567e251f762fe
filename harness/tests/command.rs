//! Two external commands through the whole gate: verdicts, files, verification, and every way in which a run can go wrong.
//!
//! Commands sleep, so that a busy machine adds noise to both arms and takes nothing away from the difference.

mod common;

use std::fs;

use common::{Folder, Run};
use serde_json::Value;

/// Runs `bench gate` with these options, where programs can be found.
fn gate(here: &Folder, options: &[&str]) -> Run {
    let mut args = vec!["gate"];
    args.extend(options);
    here.bench_with(&args, &[("PATH", "/usr/local/bin:/usr/bin:/bin")])
}

fn json(here: &Folder, name: &str) -> Value {
    let bytes = fs::read(here.path("ci").join(name)).expect("the gate wrote it");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// 10 against 20 ms is twenty times the unacceptable margin: no noise of a working machine hides it.
#[test]
fn a_command_that_takes_twice_as_long_fails_and_its_files_are_derived_again() {
    let here = Folder::new();
    let run = gate(
        &here,
        &["--base-command", "sleep 0.010", "--head-command", "sleep 0.020", "--iterations", "2"],
    )
    .expect(2, &[]);
    assert!(run.stdout.contains("command: +"), "{}", run.stdout);
    assert!(run.stdout.contains("fail (exit 2) → perf-fixer"), "{}", run.stdout);

    let verify = here.bench(&["verify", "ci"]).expect(0, &[]);
    assert_eq!(verify.stdout.matches("✔ ").count(), 9, "{}", verify.stdout);
    let evidence = json(&here, "evidence.json");
    assert_eq!(evidence.get("baseline"), None);
    assert_eq!(evidence["given"], serde_json::json!({ "asked": "sleep 0.010", "commit": null }));
    assert_eq!(evidence["head_sha"], Value::Null);
    let head = &evidence["head"];
    assert_eq!(head["subject"]["model"], Value::Null);
    assert_eq!(head["subject"]["command"]["line"], "sleep 0.020");
    let kept = head["processes"].as_array().unwrap().iter().filter(|p| p["disturbed"].is_null());
    assert_eq!(kept.count(), 16, "it ends at the first look");
    assert_eq!(head["processes"][3]["runs"][0]["exit_codes"], serde_json::json!([0, 0]));
    for sample in head["processes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|process| process["series"][0]["samples"].as_array().unwrap())
    {
        // A sleep is never shorter than asked for.
        assert!(sample.as_f64().unwrap() >= 20e6, "{sample}");
    }
    let inference = json(&here, "inference.json");
    assert_eq!(inference["success"], false);
    assert!(inference["error"].as_str().unwrap().contains("not measured"), "{inference}");
    let report = fs::read_to_string(here.path("ci/report.md")).unwrap();
    assert!(report.contains("sleep 0.020") && report.contains("❌ **Fail"), "{report}");
    assert!(!report.contains("tok/s"), "{report}");
    let page = fs::read_to_string(here.path("ci/report.html")).unwrap();
    assert!(page.contains("sleep 0.020") && page.contains("No stored baseline"));

    // One sample of the bundle, and no file follows from it any more.
    let text = fs::read_to_string(here.path("ci/evidence.json")).unwrap();
    fs::write(
        here.path("ci/evidence.json"),
        text.replacen("\"exit_codes\":[0,", "\"exit_codes\":[1,", 1),
    )
    .unwrap();
    let verify = here.bench(&["verify", "ci"]).expect(4, &["8 of 9 files"]);
    assert!(verify.stdout.contains("rule `command`"), "{}", verify.stdout);
}

#[test]
fn a_command_against_itself_does_not_fail_and_its_parameters_are_workloads() {
    let here = Folder::new();
    let options = [
        "--base-command",
        "sleep 0.0{n}",
        "--head-command",
        "sleep 0.0{n}",
        "--parameter-list",
        "n",
        "10,15",
        "--iterations",
        "2",
        "--warmup",
        "0",
        "--same-output",
        "--gated",
        "wall_ns",
    ];
    let run = gate(&here, &options);
    // Beside other tests it may be too noisy to tell; equal sleeps fail one time in a hundred by design of the policy, and far
    // less often here, where neither arm can be faster than its sleep.
    assert!([0, 3].contains(&run.code), "{}\n{}\n{}", run.code, run.stdout, run.stderr);
    for workload in ["n=10", "n=15"] {
        assert!(run.stdout.contains(workload), "{}", run.stdout);
    }
    here.bench(&["verify", "ci"]).expect(0, &[]);
    let evidence = json(&here, "evidence.json");
    assert_eq!(evidence["head"]["subject"]["command"]["parameters"], serde_json::json!(["n"]));
}

#[test]
fn values_from_a_commands_json_are_compared_in_their_own_unit_and_direction() {
    let here = Folder::new();
    let line = |ops: &str| format!("echo '{{\"r\":[{{\"ops\":{ops}}}]}}'");
    let (base, head) = (line("200"), line("100"));
    let options = [
        "--shell",
        "sh",
        "--base-command",
        &base,
        "--head-command",
        &head,
        "--iterations",
        "1",
        "--metric",
        "ops=/r/0/ops:count:higher",
        "--gated",
        "ops_count",
    ];
    // Half as many operations a second, exactly: constant, and for that metric no fault.
    let run = gate(&here, &options).expect(2, &[]);
    assert!(run.stdout.contains("+100.0 %"), "{}", run.stdout);
    here.bench(&["verify", "ci"]).expect(0, &[]);

    for (head, part) in [
        ("echo {}", "found nothing"),
        ("echo '{\"r\":[{\"ops\":\"many\"}]}'", "found \"many\""),
        ("echo 12 ms", "one JSON document"),
    ] {
        let options = [
            "--shell",
            "sh",
            "--base-command",
            &base,
            "--head-command",
            head,
            "--metric",
            "ops=/r/0/ops:count:higher",
        ];
        gate(&here, &options).expect(1, &["--head-command", part]);
        assert!(
            !here.path("ci/evidence.json").exists() && !here.path("ci/perf_gate.json").exists(),
            "a gate that did not end leaves no file behind"
        );
        // But for the log of the gates before, in a document that is not green.
        let route = json(&here, "route.json");
        assert_eq!((&route["to"], &route["exit_code"]), (&"blocked".into(), &5.into()));
    }
}

#[test]
fn what_surrounds_the_runs_happens_as_often_as_it_should() {
    let here = Folder::new();
    let options = [
        "--shell",
        "sh",
        "--base-command",
        "true",
        "--head-command",
        "true",
        "--iterations",
        "2",
        "--warmup",
        "3",
        "--pairs",
        "6",
        "--setup",
        "echo s >> steps",
        "--prepare",
        "echo p >> steps",
        "--cleanup",
        "echo c >> steps",
    ];
    let run = gate(&here, &options);
    assert!([0, 2, 3].contains(&run.code), "{}\n{}", run.stdout, run.stderr);
    let steps = fs::read_to_string(here.path("steps")).unwrap().replace('\n', "");
    // Two arms: two set-ups, 3 warm-up and 2 timed runs a pair of each, two clean-ups. Disturbed pairs are measured again.
    let n_pairs = json(&here, "evidence.json")["head"]["processes"].as_array().unwrap().len();
    assert!((6..=8).contains(&n_pairs), "{n_pairs}");
    assert_eq!(steps, format!("ss{}cc", "p".repeat(2 * (3 + 2 * n_pairs))));

    let options = [
        "--shell",
        "sh",
        "--base-command",
        "true",
        "--head-command",
        "false",
        "--cleanup",
        "echo c >> cleaned",
    ];
    gate(&here, &options).expect(1, &["false", "exit code 1"]);
    assert_eq!(fs::read_to_string(here.path("cleaned")).unwrap(), "c\nc\n", "also after an error");
}

#[test]
fn a_run_that_fails_hangs_or_cannot_start_ends_the_gate_with_the_way_out() {
    let here = Folder::new();
    let both = |base, head| ["--base-command", base, "--head-command", head];
    gate(&here, &both("true", "no-such-program"))
        .expect(1, &["no-such-program", "PATH", "--shell sh"]);
    gate(&here, &both("true", "false"))
        .expect(1, &["`--head-command` \"false\"", "--ignore-failure"]);
    gate(&here, &both("sleep '1", "true")).expect(1, &["--base-command", "closed quotes"]);
    let mut hangs = both("true", "sleep 600").to_vec();
    hangs.extend(["--timeout", "0.2"]);
    gate(&here, &hangs).expect(1, &["sleep 600", "within 0.2 s", "--timeout"]);
    // A shell's child as well: it would hold up whoever waits for our output.
    let mut hangs = both("true", "sleep 600; true").to_vec();
    hangs.extend(["--timeout", "0.2", "--shell", "sh"]);
    gate(&here, &hangs).expect(1, &["within 0.2 s"]);
    let mut differ = both("echo 1", "echo 2").to_vec();
    differ.extend(["--same-output", "--iterations", "1"]);
    gate(&here, &differ).expect(4, &[]);
    let mut allowed = both("false", "false").to_vec();
    allowed.extend(["--ignore-failure", "--iterations", "1", "--pairs", "6"]);
    let run = gate(&here, &allowed);
    assert!([0, 2, 3].contains(&run.code), "{}\n{}", run.stdout, run.stderr);

    gate(&here, &["--base-command", "true"]).expect(1, &["--head-command"]);
    let mut mixed = both("true", "true").to_vec();
    mixed.extend(["--model", "stories"]);
    gate(&here, &mixed).expect(1, &["--model"]);
    let mut many = both("echo {n}", "echo {n}").to_vec();
    many.extend(["--parameter-list", "n", "1,2,3,4,5,6,7,8,9"]);
    gate(&here, &many).expect(1, &["1 to 8 combinations", "found 9"]);
    let mut wide = both("echo {n}", "echo {n}").to_vec();
    wide.extend(["--parameter-list", "n", "1,2,3,4,5", "--gated", "wall_ns,cpu_ns"]);
    gate(&here, &wide).expect(1, &["at most 8 gated metrics, found 10"]);
}
