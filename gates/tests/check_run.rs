//! Check runs as they are posted: accepted by GitHub's own description, never green by mistake, and inert whatever the evidence says.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use baselines::Evidence;
use gates::{
    Derived, GateReport, Verdict, derive,
    github::{
        Refused, artifact,
        check_run::{CheckRun, SetUp, check_runs, refused},
        event::{MeasuredRun, Trigger},
    },
};
use jsonschema::Validator;
use serde_json::{Value, json};

/// Cut from GitHub's description by `cut.py`.
const BODIES: &str = include_str!("data/github/bodies.json");

/// A session under the policy that ships; the head takes `head_factor` times as long.
fn session(seed: u64, head_factor: f64) -> Evidence {
    let mut evidence = baselines::testing::evidence(seed, head_factor);
    gates::DEFAULT_POLICY.clone_into(&mut evidence.policy);
    evidence
}

fn validator() -> Validator {
    let bodies: Value = serde_json::from_str(BODIES).unwrap();
    let schema = &bodies["bodies"]["create-check-run"];
    jsonschema::draft4::options().should_validate_formats(true).build(schema).unwrap()
}

/// Nothing edited, some annotations.
fn set_up() -> SetUp {
    SetUp {
        policy_path: "ci/policy.toml".to_owned(),
        policy: gates::DEFAULT_POLICY.to_owned(),
        annotations: 10,
        touched: Vec::new(),
    }
}

fn run(attempt: u64) -> MeasuredRun {
    MeasuredRun {
        id: 289_782_451,
        attempt,
        trigger: Trigger::PullRequest,
        head_sha: "3484a3fb816e0859fd6e1cea078d76385ff50625".to_owned(),
        head_repository: Some(7),
        succeeded: true,
        head_branch: None,
        pull_requests: Vec::new(),
        default_branch: "main".to_owned(),
    }
}

fn wire(check_run: &CheckRun) -> Value {
    serde_json::to_value(check_run).unwrap()
}

/// Sessions of every verdict, and what their two gates conclude.
fn sessions() -> Vec<(&'static str, Derived, [&'static str; 2])> {
    let mut invalid = session(1, 1.0);
    invalid.head_sha = Some("0".repeat(40));
    let mut hole = session(1, 1.0);
    hole.policy = hole.policy.replace("workload = \"prefill-128\"", "workload = \"prefill-129\"");
    [
        ("pass", session(1, 1.0), ["success", "success"]),
        ("fail", session(1, 1.2), ["success", "failure"]),
        ("invalid", invalid, ["failure", "failure"]),
        ("incomparable", hole, ["failure", "failure"]),
    ]
    .map(|(name, evidence, conclusions)| (name, derive(&evidence).unwrap(), conclusions))
    .into()
}

#[test]
fn every_body_is_one_that_github_describes_and_says_its_verdict() {
    let validator = validator();
    for (name, derived, conclusions) in sessions() {
        assert_eq!(derived.verdict.name(), name);
        let posted = check_runs(&derived, &run(1), &set_up());
        let found: Vec<(&str, &str)> =
            posted.iter().map(|run| (run.name.as_str(), run.conclusion)).collect();
        let names = ["review:gate:benchmarks", "review:gate:perf"];
        assert_eq!(found, std::iter::zip(names, conclusions).collect::<Vec<_>>(), "{name}");
        for check_run in &posted {
            let body = wire(check_run);
            assert!(validator.is_valid(&body), "{name}: {body}");
            assert!(check_run.output.title.chars().count() <= 100, "{}", check_run.output.title);
            assert_eq!(body["status"], "completed");
            assert_eq!(body["head_sha"], json!(run(1).head_sha));
        }
    }
    let refusal = Refused { rule: artifact::RULE, text: "expected one entry, found 2".to_owned() };
    for check_run in refused(&refusal, &run(1)) {
        assert!(validator.is_valid(&wire(&check_run)));
        assert_eq!(check_run.conclusion, "failure");
        assert_eq!(check_run.output.title, "No valid evidence: rule artifact-zip");
        assert!(check_run.output.summary.contains("expected one entry, found 2"));
    }
}

/// The description rejects what GitHub would: else the test above asks nothing.
#[test]
fn the_description_refuses_bodies_that_github_refuses() {
    let validator = validator();
    let (_, derived, _) = &sessions()[0];
    let good = wire(&check_runs(derived, &run(1), &set_up())[1]);
    let changed = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    assert!(validator.is_valid(&good));
    assert!(validator.is_valid(&changed("/output/summary", json!("a".repeat(65_535)))));
    for body in [
        changed("/output/summary", json!("a".repeat(65_536))),
        changed("/output/text", json!("a".repeat(65_536))),
        changed("/output/summary", Value::Null),
        changed("/conclusion", json!("green")),
        changed("/head_sha", Value::Null),
    ] {
        assert!(!validator.is_valid(&body), "{}", body["conclusion"]);
    }
}

#[test]
fn the_title_says_how_many_and_how_much() {
    let titles = |derived: &Derived| {
        check_runs(derived, &run(1), &set_up())
            .into_iter()
            .map(|run| run.output.title)
            .collect::<Vec<_>>()
    };
    let sessions = sessions();
    assert_eq!(titles(&sessions[0].1)[1], "Pass: 6 metrics compared, none slower than its margin");
    let fail = &titles(&sessions[1].1)[1];
    assert!(fail.starts_with("Fail: 6 of 6 metrics slower than allowed, worst +2"), "{fail}");
    assert_eq!(titles(&sessions[2].1), ["No valid evidence: rule head-source"; 2]);
}

#[test]
fn of_the_checks_in_a_bundle_only_required_ones_are_posted() {
    let mut derived = derive(&session(1, 1.0)).unwrap();
    let check =
        |name: &str| GateReport { name: name.to_owned(), ..derived.benchmarks_gate.clone() };
    derived.check_gates = vec![check("review:gate:tests"), check("review:gate:chosen")];
    derived.other_gates = vec![("review:gate:tests".to_owned(), Verdict::Pass)];
    let names: Vec<String> =
        check_runs(&derived, &run(1), &set_up()).into_iter().map(|run| run.name).collect();
    assert_eq!(names, ["review:gate:benchmarks", "review:gate:perf", "review:gate:tests"]);
}

#[test]
fn the_same_evidence_gives_the_same_bytes_and_another_attempt_another_id() {
    let posted =
        |seed, attempt| check_runs(&derive(&session(seed, 1.0)).unwrap(), &run(attempt), &set_up());
    assert_eq!(posted(1, 1), posted(1, 1));
    let ids = |seed, attempt| posted(seed, attempt).into_iter().map(|run| run.external_id);
    let mut all: Vec<String> = ids(1, 1).chain(ids(1, 2)).chain(ids(2, 1)).collect();
    assert!(all[0].starts_with("tritgate/1/review:gate:benchmarks/289782451.1/"), "{}", all[0]);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
}

/// What of `markdown` GitHub reads as more than code.
fn outside_code(markdown: &str) -> String {
    let outside = |line: &str| line.split('`').step_by(2).collect::<String>();
    markdown.lines().map(outside).collect::<Vec<_>>().join("\n")
}

#[test]
fn names_and_reasons_of_the_evidence_are_inert() {
    let hostile =
        "`|@octocat|\n# ✅ Pass\n<img src=x>[a](https://x)#1 :tada: \u{202e}gnp\u{200b}\0";
    let mut derived = derive(&session(1, 1.2)).unwrap();
    for row in &mut derived.rows {
        (row.workload, row.reason) = (hostile.to_owned(), hostile.to_owned());
    }
    for gate in [&mut derived.benchmarks_gate, &mut derived.perf_gate] {
        gate.evidence.iter_mut().for_each(|item| hostile.clone_into(&mut item.text));
    }
    for check_run in check_runs(&derived, &run(1), &set_up()) {
        let output = check_run.output;
        assert!(!output.title.contains("octocat"), "{}", output.title);
        for text in [&output.summary, &output.text] {
            let live = outside_code(text);
            let words = ["@", "<", "#", "](", "tada", "octocat", "✅", "https"];
            assert!(!words.iter().any(|word| live.contains(word)), "{live}");
            assert!(!text.contains(['\u{202e}', '\u{200b}', '\0']), "{text:?}");
            // Every line of a table has the cells of its heading.
            for table in text.split("\n\n").filter(|block| block.starts_with('|')) {
                let cells: Vec<usize> =
                    table.lines().map(|line| line.matches('|').count()).collect();
                assert!(cells.iter().all(|n| *n == cells[0]), "{table}");
            }
        }
    }
}

#[test]
fn thousands_of_metrics_fit_what_decides_first_and_the_rest_counted() {
    let mut derived = derive(&session(1, 1.2)).unwrap();
    let failed = derived.rows[0].clone();
    let mut passed = derive(&session(1, 1.0)).unwrap().rows[0].clone();
    passed.workload = "x".repeat(300);
    derived.rows = vec![passed; 1_999];
    derived.rows.push(failed.clone());
    let perf = &check_runs(&derived, &run(1), &set_up())[1];
    assert!(validator().is_valid(&wire(perf)));
    assert!(perf.output.summary.len() <= 60_000 && perf.output.text.len() <= 60_000);
    let rows: Vec<&str> =
        perf.output.summary.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), 50);
    assert!(rows[0].contains(&failed.workload) && rows[0].contains("regressed"), "{}", rows[0]);
    assert!(perf.output.summary.contains("\n1950 more metrics: see below.\n"));
    assert!(perf.output.text.contains(" more lines: `report.md`"));
}

#[test]
fn what_failed_is_annotated_where_the_base_s_policy_gates_it() {
    let derived = derive(&session(1, 1.2)).unwrap();
    let posted = check_runs(&derived, &run(1), &set_up());
    assert!(posted[0].output.annotations.is_empty(), "a gate that holds has none");
    let annotations = &posted[1].output.annotations;
    let failed = derived.rows.iter().filter(|row| row.verdict == gates::MetricVerdict::Fail);
    assert_eq!(annotations.len(), failed.count());
    assert!(annotations.len() > 1);
    for annotation in annotations {
        assert_eq!(annotation.path, "ci/policy.toml");
        assert_eq!(annotation.start_line, annotation.end_line);
        let lines: Vec<&str> =
            gates::DEFAULT_POLICY.lines().skip(annotation.start_line - 1).collect();
        let workload = lines[1].split('"').nth(1).unwrap();
        assert_eq!(lines[0], "[[gated]]", "{annotation:?}");
        assert!(annotation.message.starts_with(&format!("`{workload}/")), "{annotation:?}");
        assert!(annotation.title.starts_with("Slower than allowed: +"), "{annotation:?}");
    }
    let valid = validator();
    assert!(valid.is_valid(&wire(&posted[1])));
    // GitHub counts; so do we.
    let one = SetUp { annotations: 1, ..set_up() };
    assert_eq!(check_runs(&derived, &run(1), &one)[1].output.annotations.len(), 1);
    let none = SetUp { annotations: 0, ..set_up() };
    assert!(wire(&check_runs(&derived, &run(1), &none)[1])["output"].get("annotations").is_none());
    // A policy without such a line, or none at all, leaves the first line.
    let other = SetUp { policy: "= neither".to_owned(), ..set_up() };
    assert!(
        check_runs(&derived, &run(1), &other)[1]
            .output
            .annotations
            .iter()
            .all(|a| a.start_line == 1)
    );
}

#[test]
fn a_change_of_what_measures_it_is_never_green_and_names_what() {
    let touched =
        vec![".github/workflows/perf-measure.yml".to_owned(), "ci/`policy`.toml".to_owned()];
    let edited = SetUp { touched, ..set_up() };
    let mut neutral = session(1, 1.0);
    neutral.policy = neutral.policy.replace(
        "conclusion_when_inconclusive = \"action_required\"",
        "conclusion_when_inconclusive = \"neutral\"",
    );
    for (evidence, perf) in [
        (session(1, 1.0), "action_required"),
        (session(1, 1.2), "failure"),
        (neutral, "action_required"),
    ] {
        let derived = derive(&evidence).unwrap();
        let posted = check_runs(&derived, &run(1), &edited);
        let conclusions: Vec<&str> = posted.iter().map(|run| run.conclusion).collect();
        assert_eq!(conclusions, ["action_required", perf]);
        for (check_run, plain) in posted.iter().zip(check_runs(&derived, &run(1), &set_up())) {
            let summary = &check_run.output.summary;
            assert!(
                summary.starts_with("This change edits what measures or judges it: `.github/workflows/perf-measure.yml`, `ci/·policy·.toml`. "),
                "{summary}"
            );
            assert_ne!(check_run.external_id, plain.external_id, "another result");
            let said = check_run.output.title.contains("was edited");
            assert_eq!(said, check_run.conclusion == "action_required");
        }
    }
}
