//! Both stages on GitHub, through the action's own shell and the built `bench`: a change is measured in its repository, what that leaves
//! is an artifact, and the job that its end starts posts check runs, to a GitHub that is played over a socket.
//!
//! With `TRITGATE_API_MOCK=HOST:PORT`, every request is first sent to a server there that holds it to GitHub's own description.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

#[expect(dead_code, reason = "this test uses its part of it")]
mod common;
#[expect(dead_code, reason = "this test uses its part of it")]
#[path = "../../gates/tests/common/github.rs"]
mod played;
#[expect(dead_code, reason = "this test uses its part of it")]
#[path = "common/runner.rs"]
mod runner;
#[path = "../../gates/tests/common/served.rs"]
mod served;
#[path = "common/toy.rs"]
mod toy;

use std::{fs, path::Path};

use common::Run;
use played::{Fault, GitHub, MARK, zipped};
use runner::{Runner, commands};
use serde_json::{Value, json};
use served::Served;
use toy::BENCH;

/// Of npm `@octokit/webhooks-examples` (`gates/tests/data/README.md`).
const EVENT: &str = include_str!("../../gates/tests/data/github/workflow_run.completed.json");
const TOKEN: &str = "ghs_0123456789";

/// A change, measured.
struct Measured {
    runner: Runner,
    policy: String,
    evidence: Vec<u8>,
    /// As the measuring step says.
    conclusion: String,
}

/// Measures a change of `main`, after which an iteration of the first benchmark takes `sleep_us`.
fn measure(event: &str, sleep_us: u64) -> Measured {
    let gated = ["first", "group/second"].map(|name| (name, baselines::metric::BENCH_METRIC));
    let policy = gates::command_policy(&gated);
    let mut runner = Runner::new(event);
    runner.toy.write("ci/policy.toml", &policy);
    runner.toy.commit();
    runner.toy.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let head = BENCH.replace("SLEEP_US: u64 = 300", &format!("SLEEP_US: u64 = {sleep_us}"));
    runner.toy.write("benches/speed.rs", &head);
    runner.toy.write("src/lib.rs", "//! A change.\n");
    runner.toy.commit();
    runner.link("bench", Path::new(env!("CARGO_BIN_EXE_bench")));
    runner.set("INPUT_ARGS", "--bench speed --layouts 1");
    match event {
        "pull_request" => runner.set("GITHUB_BASE_REF", "main"),
        _ => fs::write(
            runner.path("event.json"),
            r#"{"merge_group":{"base_ref":"refs/heads/main"}}"#,
        )
        .unwrap(),
    }
    runner.step("measure.sh").expect(0, &[]);
    let outputs = runner.outputs();
    let evidence = fs::read(&outputs["evidence-path"]).unwrap();
    Measured { runner, policy, evidence, conclusion: outputs["conclusion"].clone() }
}

impl Measured {
    /// GitHub, holding what was measured.
    fn github(&self) -> GitHub {
        let [head, base] =
            ["HEAD", "HEAD~1"].map(|name| self.runner.says(&["git", "rev-parse", name]));
        GitHub::new(&head, &base, &self.policy, zipped(&self.evidence))
    }

    /// The event that the measuring run has ended.
    fn event(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut event: Value = serde_json::from_str(EVENT).unwrap();
        event["repository"]["default_branch"] = json!("main");
        let run = &mut event["workflow_run"];
        let head = self.runner.says(&["git", "rev-parse", "HEAD"]);
        run["id"] = json!(7);
        run["event"] = json!("pull_request");
        run["path"] = json!(".github/workflows/perf-measure.yml");
        run["pull_requests"] =
            json!([{ "number": 5, "head": { "sha": head }, "base": { "ref": "main" } }]);
        run["head_sha"] = json!(head);
        change(run);
        event.to_string()
    }

    /// The second stage: a job of the default branch that the end of the first one starts.
    fn publish(&mut self, served: &Served, event: &str, job_attempt: u64) -> Run {
        fs::write(self.runner.path("event.json"), event).unwrap();
        for (name, value) in [
            ("GITHUB_EVENT_NAME", "workflow_run"),
            ("GITHUB_REPOSITORY", "octo-org/octo-repo"),
            ("GITHUB_REPOSITORY_ID", "300029405"),
            ("GITHUB_RUN_ATTEMPT", &job_attempt.to_string()),
            ("INPUT_GITHUB_API_URL", &served.address()),
            ("INPUT_GITHUB_TOKEN", TOKEN),
        ] {
            self.runner.set(name, value);
        }
        self.runner.step("gate.sh")
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is its own main")]
fn served(github: GitHub) -> Served {
    Served::start(github, TOKEN, std::env::var("TRITGATE_API_MOCK").ok())
}

/// Nothing that the runner would obey, nothing that must not be seen.
fn check_quiet(run: &Run) {
    for stream in [&run.stdout, &run.stderr] {
        assert_eq!(commands(stream), [""; 0], "{stream}");
        assert!(!stream.contains(TOKEN), "{stream}");
    }
}

#[test]
fn a_pull_request_of_the_repository_and_of_a_fork_and_a_re_run_get_what_was_measured() {
    let mut change = measure("pull_request", 300);
    let of_repository = change.event(|_| {});
    let of_fork = change.event(|run| {
        run["pull_requests"] = json!([]);
        run["head_branch"] = json!("feature/x");
        run["head_repository"]["id"] = json!(9);
        run["head_repository"]["owner"]["login"] = json!("someone");
    });
    for event in [&of_repository, &of_fork] {
        let served = served(change.github());
        let run = change.publish(&served, event, 1).expect(0, &[]);
        check_quiet(&run);
        let outputs = change.runner.outputs();
        assert_eq!(outputs["conclusion"], change.conclusion);
        assert_eq!(outputs["check-run-ids"], "100 101");
        let digest = baselines::Digest::of(&change.evidence).to_string();
        assert_eq!(outputs["evidence-digest"], digest);
        let github = served.github();
        assert_eq!(github.conclusions()[1], change.conclusion);
        let names: Vec<&str> =
            github.check_runs.iter().map(|run| run["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["review:gate:benchmarks", "review:gate:perf"]);
        for check_run in &github.check_runs {
            let line =
                format!("{}: {}, posted as", names[0], check_run["conclusion"].as_str().unwrap());
            let is_first = check_run["name"] == names[0];
            assert!(!is_first || run.stdout.contains(&line), "{}", run.stdout);
            let summary = check_run["output"]["summary"].as_str().unwrap();
            assert!(summary.contains("run 7, attempt 1"), "{summary}");
        }
        let page = fs::read_to_string(change.runner.path("summary")).unwrap();
        assert!(page.contains("| review:gate:perf |"), "{page}");
    }

    // The job is started again: nothing is posted twice. The measurement is run again: its second attempt has its own.
    let served = served(change.github());
    change.publish(&served, &of_repository, 1).expect(0, &[]);
    let run = change.publish(&served, &of_repository, 2).expect(0, &[]);
    assert_eq!(run.stdout.matches("was there as").count(), 2, "{}", run.stdout);
    assert_eq!(served.github().check_runs.len(), 2);
    let zip = zipped(&change.evidence);
    served.github().hold(2, zip);
    let second = change.event(|run| run["run_attempt"] = json!(2));
    change.publish(&served, &second, 1).expect(0, &[]);
    assert_eq!(served.github().check_runs.len(), 4);
    let late = change.publish(&served, &of_repository, 1).expect(0, &[]);
    assert!(late.stdout.contains("nothing posted: a later attempt"), "{}", late.stdout);
    assert_eq!(served.github().check_runs.len(), 4);
    served.github().check_once_each();
}

#[test]
fn a_merge_group_that_is_slower_does_not_go_in() {
    let mut change = measure("merge_group", 900);
    assert_eq!(change.conclusion, "failure");
    let event = change.event(|run| {
        run["event"] = json!("merge_group");
        run["pull_requests"] = json!([]);
        run["head_branch"] = json!("gh-readonly-queue/main/pr-5-0123");
    });
    let served = served(change.github());
    change.runner.set("INPUT_COMMENT", "always");
    let run = change.publish(&served, &event, 1).expect(0, &[]);
    assert!(run.stdout.contains("comment: none"), "{}", run.stdout);
    check_quiet(&run);
    let github = served.github();
    assert_eq!(github.conclusions(), ["success", "failure"]);
    let perf = &github.check_runs[1]["output"];
    assert!(perf["title"].as_str().unwrap().starts_with("Fail: 1 of 2 metrics"), "{perf}");
    let annotation = &perf["annotations"][0];
    assert_eq!(annotation["path"], "ci/policy.toml");
    let line = usize::try_from(annotation["start_line"].as_u64().unwrap()).unwrap();
    let lines: Vec<&str> = change.policy.lines().skip(line - 1).take(2).collect();
    assert_eq!(lines, ["[[gated]]", "workload = \"first\""]);
    assert!(github.comments.is_empty(), "a group has no pull request of its own");
}

#[test]
fn no_bad_artifact_is_green_and_what_is_no_event_of_ours_posts_nothing() {
    let mut change = measure("pull_request", 900);
    let event = change.event(|_| {});
    let good = zipped(&change.evidence);
    let text = String::from_utf8(change.evidence.clone()).unwrap();
    let faster = text.replacen("\"samples\":[", "\"samples\":[1.0,", 1);
    let of_other =
        text.replace(&change.runner.says(&["git", "rev-parse", "HEAD"]), &"0".repeat(40));
    for (what, rule, zip) in [
        ("truncated", "artifact-zip", good[..good.len() / 2].to_vec()),
        ("an error page", "artifact-zip", b"<html>::error::x</html>".to_vec()),
        ("nothing", "artifact-zip", Vec::new()),
        ("no bundle", "bundle", zipped(b"{\"::add-mask::\": 1}")),
        ("a sample more", "", zipped(faster.as_bytes())),
        ("another commit", "head-sha", zipped(of_other.as_bytes())),
    ] {
        let mut github = change.github();
        github.hold(1, zip);
        let served = served(github);
        let run = change.publish(&served, &event, 1).expect(0, &[]);
        check_quiet(&run);
        let github = served.github();
        assert_eq!(github.conclusions(), ["failure", "failure"], "{what}");
        for check_run in &github.check_runs {
            let title = check_run["output"]["title"].as_str().unwrap();
            assert!(
                title.starts_with("No valid evidence: rule ") && title.ends_with(rule),
                "{what}: {title}"
            );
        }
        assert_eq!(change.runner.outputs()["conclusion"], "failure");
    }

    let served = served(change.github());
    let other = change.event(|run| run["path"] = json!(".github/workflows/other.yml"));
    change.publish(&served, &other, 1).expect(1, &["rule `event`", "perf-measure.yml"]);
    change.publish(&served, "{}", 1).expect(1, &["rule `event`"]);
    change.runner.set("INPUT_POLICY", "ci/none.toml");
    change.publish(&served, &event, 1).expect(0, &[]);
    assert_eq!(served.github().conclusions(), ["failure", "failure"], "no policy at the base");
    change.runner.set("INPUT_POLICY", "ci/policy.toml");
    served.github().check_runs.clear();
    // Where GitHub says no, nothing is there, and the job says what is missing.
    let n_asked = served.github().asked.len();
    served.github().faults = [(n_asked, Fault::Status(403, None))].into();
    change
        .publish(&served, &event, 1)
        .expect(1, &["HTTP 403", "`permissions:`", "`checks: write`"]);
    assert!(served.github().check_runs.is_empty());
}

#[test]
fn a_comment_is_made_once_and_kept_up_to_date() {
    let mut change = measure("pull_request", 900);
    let event = change.event(|_| {});
    let served = served(change.github());
    change.runner.set("INPUT_COMMENT", "on-regression");
    let run = change.publish(&served, &event, 1).expect(0, &[]);
    assert!(run.stdout.ends_with("comment: made\n"), "{}", run.stdout);
    let run = change.publish(&served, &event, 2).expect(0, &[]);
    assert!(run.stdout.ends_with("comment: changed\n"), "{}", run.stdout);
    let github = served.github();
    assert_eq!(github.comments.len(), 1);
    assert!(github.comments[0]["body"].as_str().unwrap().starts_with(MARK));
}
