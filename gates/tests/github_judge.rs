//! From an artifact to check runs: what holds is judged by the base's policy, and nothing else is ever green.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

#[path = "common/revision.rs"]
mod revision;

use std::io::{Cursor, Write as _};

use baselines::{Digest, Evidence};
use gates::{
    DEFAULT_POLICY,
    github::{
        artifact::ENTRY,
        check_run::{CheckRun, SetUp, refused},
        event::{MeasuredRun, Trigger},
        judge::{Ground, judge, open},
    },
};
use revision::session;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file(ENTRY, options).unwrap();
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap().into_inner()
}

/// What GitHub says: the scripted session's own commits.
fn run() -> MeasuredRun {
    MeasuredRun {
        id: 1,
        attempt: 1,
        trigger: Trigger::PullRequest,
        head_sha: session(1.0).head_sha.unwrap(),
        head_repository: Some(7),
        succeeded: true,
        head_branch: None,
        pull_requests: Vec::new(),
        default_branch: "main".to_owned(),
    }
}

fn posted(artifact: &[u8], run: &MeasuredRun, policy: &str) -> Vec<CheckRun> {
    let base_sha = session(1.0).base.tool.commit.unwrap();
    let set_up = SetUp { policy: policy.to_owned(), ..SetUp::default() };
    match open(artifact) {
        Ok((evidence, _)) => judge(evidence, &Ground { run, base_sha: &base_sha, set_up: &set_up }),
        Err(refusal) => refused(&refusal, run),
    }
}

fn of_evidence(evidence: &Evidence) -> Vec<CheckRun> {
    posted(&zipped(&evidence.to_json()), &run(), DEFAULT_POLICY)
}

fn conclusions(posted: &[CheckRun]) -> Vec<&'static str> {
    posted.iter().map(|check_run| check_run.conclusion).collect()
}

#[test]
fn evidence_that_holds_is_judged_again() {
    assert_eq!(conclusions(&of_evidence(&session(1.0))), ["success", "success"]);
    assert_eq!(conclusions(&of_evidence(&session(1.2))), ["success", "failure"]);
    assert_eq!(of_evidence(&session(1.2)), of_evidence(&session(1.2)), "the same bytes");
}

#[test]
fn the_policy_of_the_bundle_has_no_say() {
    let mut slow = session(1.2);
    let lenient = slow.policy.replace("margin_negligible = 1.01", "margin_negligible = 1.5");
    slow.policy = lenient.replace("margin_unacceptable = 1.05", "margin_unacceptable = 2.0");
    assert_ne!(slow.policy, DEFAULT_POLICY);
    assert_eq!(conclusions(&of_evidence(&slow)), ["success", "failure"]);
    slow.policy = "neither TOML nor a policy".to_owned();
    assert_eq!(conclusions(&of_evidence(&slow)), ["success", "failure"]);
    let fine = session(1.0);
    let by_base = posted(&zipped(&fine.to_json()), &run(), "neither TOML nor a policy");
    assert_eq!(conclusions(&by_base), ["failure", "failure"]);
    assert!(by_base[0].output.title.ends_with("rule policy"), "{}", by_base[0].output.title);
}

type Plant = fn(&mut Evidence);

/// What is planted, and the rule that the title names; "" where it is another line of the title.
const PLANTS: &[(&str, Plant)] = &[
    ("head-sha", |e| e.head_sha = Some("0".repeat(40))),
    ("head-sha", |e| e.head_sha = None),
    ("head-sha", |e| e.head.tool.dirty = Some(true)),
    ("base-sha", |e| e.given = None),
    ("base-sha", |e| e.given.as_mut().unwrap().commit = Some("0".repeat(40))),
    ("samples-digest", |e| e.head.processes[0].series[0].samples[0] += 1.0),
    ("suite-digest", |e| {
        (e.base.suite.digest, e.head.suite.digest) = (Digest::of(b"x"), Digest::of(b"x"));
    }),
    ("", |e| drop(e.head.suite.workloads.pop())),
    ("", |e| {
        for record in [&mut e.base, &mut e.head] {
            for process in &mut record.processes {
                process.series.retain(|series| series.metric != "prefill_ns");
            }
        }
    }),
    ("", |e| e.head.processes.clear()),
];

#[test]
fn evidence_that_does_not_hold_fails_every_gate_and_names_the_rule() {
    for (rule, plant) in PLANTS {
        let mut evidence = session(1.0);
        plant(&mut evidence);
        let posted = of_evidence(&evidence);
        let titles: Vec<&str> = posted.iter().map(|run| run.output.title.as_str()).collect();
        assert_eq!(conclusions(&posted), ["failure", "failure"], "{rule}: {titles:?}");
        let named = titles.iter().all(|title| title.ends_with(&format!("rule {rule}")));
        assert!(rule.is_empty() || named, "{rule}: {titles:?}");
    }
}

#[test]
fn what_is_no_bundle_fails_every_gate_and_is_not_quoted() {
    let good = session(1.0).to_json();
    let text = String::from_utf8(good.clone()).unwrap();
    let twice = text.replacen('{', "{\"head_sha\": \"@octocat\",", 1);
    for bytes in [
        &b""[..],
        b"{}",
        b"[]",
        b"@octocat",
        b"{\"version\": \"@octocat\"}",
        b"\xff\xfe{}",
        &b"[".repeat(1_000),
        &good[..good.len() / 2],
        twice.as_bytes(),
    ] {
        let posted = posted(&zipped(bytes), &run(), DEFAULT_POLICY);
        assert_eq!(conclusions(&posted), ["failure", "failure"]);
        for check_run in posted {
            assert_eq!(check_run.output.title, "No valid evidence: rule bundle");
            assert!(!check_run.output.summary.contains("octocat"));
        }
    }
    for artifact in [&b""[..], b"<html>", &zipped(&good)[1..]] {
        let posted = posted(artifact, &run(), DEFAULT_POLICY);
        assert_eq!(conclusions(&posted), ["failure", "failure"]);
        assert_eq!(posted[0].output.title, "No valid evidence: rule artifact-zip");
    }
}
