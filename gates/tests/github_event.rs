//! The event that starts the publishing job: GitHub's own examples, and what is not ours.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use gates::github::event::{Expected, MAX_BYTES, MeasuredRun, RULE, Trigger, measured_run};
use serde_json::{Value, json};

/// Of npm `@octokit/webhooks-examples` (`tests/data/README.md`).
const COMPLETED: &str = include_str!("data/github/workflow_run.completed.json");
const REQUESTED: &str = include_str!("data/github/workflow_run.requested.json");

const EXPECTED: Expected<'_> = Expected {
    event_name: "workflow_run",
    repository: 300_029_405,
    workflow: ".github/workflows/test.yml",
};

/// The example, started by a pull request, with one more value changed.
fn payload(pointer: &str, value: Value) -> Vec<u8> {
    let mut payload: Value = serde_json::from_str(COMPLETED).unwrap();
    payload["workflow_run"]["event"] = json!("pull_request");
    if !pointer.is_empty() {
        *payload.pointer_mut(pointer).expect("a value of the example") = value;
    }
    payload.to_string().into_bytes()
}

fn refused(payload: &[u8], expected: &Expected<'_>, why: &str) {
    let refused = measured_run(payload, expected).expect_err(why);
    assert_eq!(refused.rule, RULE, "{why}");
    assert!(refused.text.contains(why), "expected {why:?}, found {:?}", refused.text);
}

#[test]
fn a_completed_run_of_our_workflow_is_read_from_the_event() {
    let run = measured_run(&payload("", Value::Null), &EXPECTED).unwrap();
    let of_example = MeasuredRun {
        id: 289_782_451,
        attempt: 1,
        trigger: Trigger::PullRequest,
        head_sha: "3484a3fb816e0859fd6e1cea078d76385ff50625".to_owned(),
        head_repository: Some(300_029_405),
        succeeded: true,
        head_branch: Some("octo-org:master".to_owned()),
        pull_requests: Vec::new(),
        default_branch: "master".to_owned(),
    };
    assert_eq!(run, of_example);

    let fork = payload("/workflow_run/head_repository/id", json!(7));
    assert_eq!(measured_run(&fork, &EXPECTED).unwrap().head_repository, Some(7));
    let gone = payload("/workflow_run/head_repository", Value::Null);
    assert_eq!(measured_run(&gone, &EXPECTED).unwrap().head_repository, None);
    let group = payload("/workflow_run/event", json!("merge_group"));
    assert_eq!(measured_run(&group, &EXPECTED).unwrap().trigger, Trigger::MergeGroup);
    let again = payload("/workflow_run/run_attempt", json!(3));
    assert_eq!(measured_run(&again, &EXPECTED).unwrap().attempt, 3);
    let with_ref =
        payload("/workflow_run/path", json!(".github/workflows/test.yml@refs/heads/main"));
    assert_eq!(measured_run(&with_ref, &EXPECTED).unwrap(), of_example);
    for conclusion in [json!("failure"), json!("timed_out"), Value::Null] {
        let failed = payload("/workflow_run/conclusion", conclusion);
        assert!(!measured_run(&failed, &EXPECTED).unwrap().succeeded);
    }
}

#[test]
fn what_is_not_our_completed_run_is_refused() {
    let ours = payload("", Value::Null);
    refused(
        &ours,
        &Expected { event_name: "pull_request", ..EXPECTED },
        "the event `workflow_run`",
    );
    refused(&ours, &Expected { repository: 1, ..EXPECTED }, "repository 1, found one of 300029405");
    refused(&ours, &Expected { workflow: "test.yml", ..EXPECTED }, "one of another");
    refused(REQUESTED.as_bytes(), &EXPECTED, "found one that has not");
    refused(COMPLETED.as_bytes(), &EXPECTED, "`pull_request` or `merge_group`");
    for event in ["push", "pull_request_target", "workflow_dispatch", "Pull_request", ""] {
        refused(&payload("/workflow_run/event", json!(event)), &EXPECTED, "`pull_request` or");
    }
    for path in [
        json!(".github/workflows/other.yml"),
        json!(".github/workflows/test.yml@other.yml"),
        json!(".github/workflows/test.yml@other.yaml"),
        json!("./.github/workflows/test.yml"),
        Value::Null,
    ] {
        refused(&payload("/workflow_run/path", path), &EXPECTED, "one of another");
    }
    refused(&payload("/workflow_run/status", json!("queued")), &EXPECTED, "found one that has not");
    for sha in [
        "",
        "3484a3f",
        "3484A3FB816E0859FD6E1CEA078D76385FF50625",
        "../../../../../../../../../../../../../x",
    ] {
        refused(&payload("/workflow_run/head_sha", json!(sha)), &EXPECTED, "40 hexadecimal digits");
    }
    refused(&payload("/workflow_run/run_attempt", json!(0)), &EXPECTED, "from 1 on");
    refused(&payload("/workflow_run/id", json!(0)), &EXPECTED, "from 1 on");
}

#[test]
fn what_is_no_payload_is_refused_without_a_word_of_it() {
    for id in [json!(-1), json!(1.5), json!("289782451"), json!(1e30), Value::Null] {
        refused(&payload("/workflow_run/id", id), &EXPECTED, "found other text");
    }
    for text in ["", "{", "[]", "null", "{\"action\": \"::error::hello\"}", "\u{feff}{}", "<html>"]
    {
        refused(text.as_bytes(), &EXPECTED, "found other text");
        let said = measured_run(text.as_bytes(), &EXPECTED).unwrap_err().to_string();
        assert!(!said.contains("hello") && said.contains("refused by the rule `event`"), "{said}");
    }
    refused(b"\xff\xfe", &EXPECTED, "found other text");
    refused("[".repeat(100_000).as_bytes(), &EXPECTED, "found other text");
    refused(&vec![b' '; MAX_BYTES + 1], &EXPECTED, "at most 4194304 bytes");
    let ours = payload("", Value::Null);
    for len in 0..ours.len() {
        assert!(measured_run(&ours[..len], &EXPECTED).is_err(), "cut to {len}");
    }
}
