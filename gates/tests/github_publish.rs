//! From an event to check runs, against a GitHub that is played: what is bad, missing or stale is a failure that names its rule, no
//! fault at any request makes two check runs, and nothing but evidence that holds is ever green.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

#[path = "common/github.rs"]
mod played;
#[path = "common/revision.rs"]
mod revision;
#[path = "common/served.rs"]
mod served;

use std::time::Duration;

use gates::{
    DEFAULT_POLICY,
    github::{
        artifact::MAX_ARTIFACT,
        check_run::CheckRun,
        client::Client,
        comment::{Commented, When, Wish},
        event::{MeasuredRun, PullRequest, Trigger},
        publish::{Job, Published, publish},
        transport::{ApiError, Ask},
    },
};
use played::{AUTHOR, Fault, GitHub, MARK, STORAGE, zipped};
use revision::session;
use serde_json::{Value, json};
use served::Served;

fn head_sha() -> String {
    session(1.0).head_sha.unwrap()
}

fn base_sha() -> String {
    session(1.0).base.tool.commit.unwrap()
}

const FAULTS: [Fault; 21] = [
    Fault::Silence(false),
    Fault::Silence(true),
    Fault::Status(500, None),
    Fault::Status(502, None),
    Fault::Status(503, Some(1)),
    Fault::Status(429, Some(2)),
    Fault::Status(429, None),
    Fault::Status(403, Some(2)),
    Fault::Status(401, None),
    Fault::Status(403, None),
    Fault::Status(404, None),
    Fault::Status(410, None),
    Fault::Status(422, None),
    Fault::Lie(500),
    Fault::Lie(504),
    Fault::Body("<html>"),
    Fault::Body("{\"id\": "),
    Fault::Body(""),
    Fault::Led("http://other.example/x"),
    Fault::Led("https://other.example/x"),
    Fault::Led("::error::"),
];

/// Of a branch of the same repository.
fn run() -> MeasuredRun {
    MeasuredRun {
        id: 7,
        attempt: 1,
        trigger: Trigger::PullRequest,
        head_sha: head_sha(),
        head_repository: Some(1),
        succeeded: true,
        head_branch: Some("octo-org:feature/x".to_owned()),
        pull_requests: vec![PullRequest { number: 5, base_ref: "main".to_owned() }],
        default_branch: "main".to_owned(),
    }
}

/// Of a fork: GitHub names no pull request in the event.
fn fork() -> MeasuredRun {
    MeasuredRun {
        head_repository: Some(9),
        head_branch: Some("someone:feature/x".to_owned()),
        pull_requests: Vec::new(),
        ..run()
    }
}

fn group() -> MeasuredRun {
    MeasuredRun {
        trigger: Trigger::MergeGroup,
        head_branch: Some(format!("octo-org:gh-readonly-queue/main/pr-5-{}", "0".repeat(40))),
        pull_requests: Vec::new(),
        ..run()
    }
}

fn job() -> Job {
    Job {
        repository: "octo-org/octo-repo".to_owned(),
        artifact: "tritgate-evidence".to_owned(),
        policy: "ci/policy.toml".to_owned(),
        workflow: ".github/workflows/perf-measure.yml".to_owned(),
        again: false,
        annotations: 10,
        comment: Wish { when: When::Never, author: AUTHOR.to_owned() },
    }
}

fn holding(evidence: &[u8]) -> GitHub {
    GitHub::new(&head_sha(), &base_sha(), DEFAULT_POLICY, zipped(evidence))
}

/// Nothing was posted twice, and nothing beside the two gates.
fn check_once(github: &GitHub, what: &str) {
    github.check_once_each();
    let n = github.check_runs.len();
    assert!(n <= 2, "{what}: {n} check runs");
}

fn posted(github: &mut GitHub, run: &MeasuredRun) -> Vec<CheckRun> {
    match publish(github, run, &job()).unwrap() {
        Published::Posted { check_runs, .. } => {
            check_runs.into_iter().map(|(check_run, _)| check_run).collect()
        }
        Published::Superseded => Vec::new(),
    }
}

#[test]
fn a_healthy_run_takes_six_requests_and_the_download() {
    for (factor, perf) in [(1.0, "success"), (1.2, "failure")] {
        let mut github = holding(&session(factor).to_json());
        let posted = posted(&mut github, &run());
        assert_eq!(github.conclusions(), ["success", perf]);
        assert_eq!(posted[1].conclusion, perf);
        let (api, elsewhere): (Vec<_>, Vec<_>) =
            github.asked.iter().partition(|request| request.route.starts_with('/'));
        assert_eq!((api.len(), elsewhere.len()), (6, 1), "{:#?}", github.asked);
        assert_eq!(github.waited, Duration::ZERO);
    }
    // A fork's pull request has to be looked for.
    let mut github = holding(&session(1.0).to_json());
    posted(&mut github, &fork());
    assert_eq!(github.asked.len(), 8);
    assert_eq!(github.conclusions(), ["success", "success"]);
}

#[test]
fn the_same_bytes_in_give_the_same_bodies_out() {
    let bodies = || {
        let mut github = holding(&session(1.2).to_json());
        posted(&mut github, &run());
        let made = github.asked.into_iter().filter_map(|request| match request.ask {
            Ask::Post(body) => Some(body),
            _ => None,
        });
        made.collect::<Vec<_>>()
    };
    assert_eq!(bodies().len(), 2);
    assert_eq!(bodies(), bodies());
}

/// What is planted in GitHub's answers, and the rule that both titles name.
type Plant = fn(&mut GitHub);

const PLANTS: &[(&str, &str, Plant)] = &[
    ("no artifact", "artifact", |g| g.artifacts.clear()),
    ("an artifact of an earlier attempt alone", "artifact", |g| {
        g.artifacts[0]["name"] = json!("tritgate-evidence-a0");
    }),
    ("an artifact of another name", "artifact", |g| g.artifacts[0]["name"] = json!("evidence")),
    ("two artifacts of one name", "artifact", |g| g.artifacts.push(g.artifacts[0].clone())),
    ("an expired artifact", "artifact", |g| g.artifacts[0]["expired"] = json!(true)),
    ("an artifact of another run", "artifact", |g| {
        g.artifacts[0]["workflow_run"]["id"] = json!(8);
    }),
    ("an artifact of another commit", "artifact", |g| {
        g.artifacts[0]["workflow_run"]["head_sha"] = json!("0".repeat(40));
    }),
    ("an artifact of no run", "artifact", |g| g.artifacts[0]["workflow_run"] = Value::Null),
    ("an artifact that is too large by its listing", "artifact", |g| {
        g.artifacts[0]["size_in_bytes"] = json!(MAX_ARTIFACT + 1);
    }),
    ("an artifact that is too large by its bytes", "artifact", |g| {
        g.zip = vec![0; MAX_ARTIFACT + 1];
    }),
    ("other bytes than were uploaded", "artifact", |g| {
        g.artifacts[0]["digest"] = json!("sha256:00");
    }),
    ("a truncated zip", "artifact-zip", |g| set_zip(g, |zip| zip.truncate(zip.len() / 2))),
    ("an error page for a zip", "artifact-zip", |g| set_zip(g, |zip| *zip = b"<html>".to_vec())),
    ("no common commit", "base", |g| g.compare.clear()),
    ("a commit that is none", "base", |g| {
        g.compare.values_mut().next().unwrap()["merge_base_commit"]["sha"] = json!("main");
    }),
    ("another base than was measured", "base-sha", |g| {
        let other = "1".repeat(40);
        g.compare.values_mut().next().unwrap()["merge_base_commit"]["sha"] = json!(other);
        g.policies.insert(other, DEFAULT_POLICY.as_bytes().to_vec());
    }),
    ("no policy at the base", "policy", |g| g.policies.clear()),
    ("a policy that is no text", "policy", |g| {
        *g.policies.values_mut().next().unwrap() = b"\xff\xfe".to_vec();
    }),
    ("a policy that is no policy", "policy", |g| {
        *g.policies.values_mut().next().unwrap() = b"version = 1".to_vec();
    }),
];

fn set_zip(github: &mut GitHub, change: impl FnOnce(&mut Vec<u8>)) {
    change(&mut github.zip);
    github.artifacts[0]["digest"] = Value::Null;
}

#[test]
fn what_is_missing_stale_or_bad_fails_both_gates_and_names_the_rule() {
    for (what, rule, plant) in PLANTS {
        for run in [run(), fork()] {
            let mut github = holding(&session(1.0).to_json());
            plant(&mut github);
            posted(&mut github, &run);
            assert_eq!(github.conclusions(), ["failure", "failure"], "{what}");
            for check_run in &github.check_runs {
                let title = check_run["output"]["title"].as_str().unwrap();
                assert_eq!(title, format!("No valid evidence: rule {rule}"), "{what}");
            }
        }
    }
    let failed = MeasuredRun { succeeded: false, ..run() };
    let mut github = holding(&session(1.0).to_json());
    posted(&mut github, &failed);
    assert_eq!(github.conclusions(), ["failure", "failure"]);
    assert_eq!(github.asked.len(), 2, "its artifact is not even fetched");
}

#[test]
fn evidence_of_another_commit_or_slower_than_it_says_is_a_failure() {
    let mut other = session(1.0);
    other.head_sha = Some("0".repeat(40));
    let mut edited = session(1.0);
    edited.head.processes[0].series[0].samples[0] *= 0.5;
    let mut lenient = session(1.2);
    lenient.policy =
        lenient.policy.replace("margin_unacceptable = 1.05", "margin_unacceptable = 9.0");
    for (evidence, want) in [
        (other, ["failure", "failure"]),
        (edited, ["failure", "failure"]),
        (lenient, ["success", "failure"]),
    ] {
        let mut github = holding(&evidence.to_json());
        posted(&mut github, &run());
        assert_eq!(github.conclusions(), want);
    }
}

#[test]
fn a_change_of_the_measuring_set_up_is_looked_at_before_it_is_green() {
    let long: Vec<Value> = (0..300).map(|n| json!({ "filename": format!("src/{n}.rs") })).collect();
    let own = DEFAULT_POLICY
        .replace("[\".github/workflows/\", \"bench.toml\"]", "[\"benches/\", \"build.rs\"]")
        .into_bytes();
    let shipped = DEFAULT_POLICY.as_bytes().to_vec();
    for (files, policy, is_edited) in [
        (json!([{ "filename": "src/lib.rs" }]), &shipped, false),
        (json!([]), &shipped, false),
        (json!([{ "filename": ".github/workflows/other.yml" }]), &shipped, true),
        (json!([{ "filename": "ci/policy.toml" }]), &shipped, true),
        (json!([{ "filename": "bench.toml" }]), &shipped, true),
        (json!([{ "filename": "old/bench.toml" }]), &shipped, false),
        (json!([{ "filename": "x", "previous_filename": "bench.toml" }]), &shipped, true),
        (json!(long), &shipped, true),
        (Value::Null, &shipped, true),
        (json!([{ "filename": "benches/speed.rs" }]), &own, true),
        (json!([{ "filename": "build.rs" }]), &own, true),
        (json!([{ "filename": "build.rs.bak" }, { "filename": "benches.md" }]), &own, false),
        (json!([{ "filename": ".github/workflows/perf-measure.yml" }]), &own, true),
        (json!([{ "filename": "ci/policy.toml" }]), &own, true),
    ] {
        let mut github = holding(&session(1.0).to_json());
        github.compare.values_mut().next().unwrap()["files"] = files.clone();
        github.policies.insert(base_sha(), policy.clone());
        posted(&mut github, &run());
        let want = if is_edited { "action_required" } else { "success" };
        assert_eq!(github.conclusions(), [want, want], "{files}");
    }
}

#[test]
fn a_fork_is_compared_with_the_branch_that_its_pull_request_names() {
    let mut github = holding(&session(1.0).to_json());
    let known = github.compare.values().next().unwrap().clone();
    github.compare = [(format!("release%2F1.0...{}", head_sha()), known)].into();
    github.pulls[0]["base"]["ref"] = json!("release/1.0");
    // A pull request of the same branch whose newest commit is another, and one of nobody's business.
    let mut moved = github.pulls[0].clone();
    (moved["head"]["sha"], moved["base"]["ref"]) = (json!("2".repeat(40)), json!("main"));
    github.pulls.push(moved);
    posted(&mut github, &fork());
    assert_eq!(github.conclusions(), ["success", "success"]);
}

#[test]
fn a_merge_group_may_have_been_measured_before_its_branch_moved() {
    let mut github = holding(&session(1.0).to_json());
    posted(&mut github, &group());
    assert_eq!(github.conclusions(), ["success", "success"]);
    assert_eq!(github.asked.len(), 7, "no pull request is looked for");

    // The group before it went in while this one was measured: the branch is ahead of what was measured.
    let newer = "3".repeat(40);
    let moved = |is_ancestor: bool| {
        let mut github = holding(&session(1.0).to_json());
        let files = json!([{ "filename": "src/lib.rs" }]);
        let found = |sha: &str| json!({ "merge_base_commit": { "sha": sha }, "files": files });
        let common = if is_ancestor { base_sha() } else { "4".repeat(40) };
        github.compare = [
            (format!("main...{}", head_sha()), found(&newer)),
            (format!("{}...{newer}", base_sha()), found(&common)),
            (format!("{}...{}", base_sha(), head_sha()), found(&base_sha())),
        ]
        .into();
        github.policies.insert(newer.clone(), DEFAULT_POLICY.as_bytes().to_vec());
        github
    };
    let mut github = moved(true);
    posted(&mut github, &group());
    assert_eq!(github.conclusions(), ["success", "success"]);
    // A commit that never was on the branch; and the same of a pull request, which has one base.
    for (is_ancestor, run) in [(false, group()), (true, run())] {
        let mut github = moved(is_ancestor);
        posted(&mut github, &run);
        assert_eq!(github.conclusions(), ["failure", "failure"]);
        assert!(github.check_runs[0]["output"]["title"].as_str().unwrap().ends_with("base-sha"));
    }
}

#[test]
fn a_later_attempt_is_not_overtaken() {
    let mut github = holding(&session(1.0).to_json());
    github.artifacts.insert(0, github.artifact(2, b""));
    assert_eq!(publish(&mut github, &run(), &job()), Ok(Published::Superseded));
    assert_eq!((github.asked.len(), github.check_runs.len()), (1, 0));

    let later = MeasuredRun { attempt: 2, ..run() };
    let mut github = holding(&session(1.0).to_json());
    let zip = github.zip.clone();
    github.hold(2, zip.clone());
    posted(&mut github, &later);
    assert_eq!(github.conclusions(), ["success", "success"]);
    // The job of the first attempt is started again, and finds what the second has posted.
    github.hold(1, zip);
    let again = Job { again: true, ..job() };
    assert_eq!(publish(&mut github, &run(), &again), Ok(Published::Superseded));
    assert_eq!(github.check_runs.len(), 2);
}

#[test]
fn no_single_fault_at_any_request_makes_two_or_a_green_one_from_nothing() {
    let (evidence, want) = (session(1.2).to_json(), ["success", "failure"]);
    let mut n_whole = 0;
    for at in 0..10 {
        for fault in FAULTS {
            let what = format!("{fault:?} at request {at}");
            let mut github = holding(&evidence);
            github.faults = [(at, fault)].into();
            let done = publish(&mut github, &fork(), &job());
            check_once(&github, &what);
            let is_whole = github.conclusions() == want;
            let is_refused = github.check_runs.iter().all(|run| {
                let title = run["output"]["title"].as_str().unwrap();
                run["conclusion"] == "failure" && title.starts_with("No valid evidence: rule ")
            });
            match &done {
                Ok(_) => assert!(is_whole || is_refused, "{what}: {:?}", github.conclusions()),
                Err(ApiError::Refused(_, way_out)) => assert!(!way_out.is_empty(), "{what}"),
                Err(other) => panic!("{what}: {other:?}"),
            }
            n_whole += usize::from(is_whole);
            // Whatever was left open, the next attempt of the job closes it.
            github.faults.clear();
            github.asked.clear();
            let is_done = done.is_ok();
            let again = Job { again: true, ..job() };
            publish(&mut github, &fork(), &again).unwrap();
            if is_done && is_whole {
                check_once(&github, &what);
            }
            let last: Vec<&str> = github.conclusions().into_iter().rev().take(2).rev().collect();
            assert_eq!(last, want, "{what}, tried again");
        }
    }
    assert!(n_whole > 100, "{n_whole}: most single faults are got over");
}

/// The same over sockets, where a fault is a connection that says nothing, and the client has timers of its own.
#[test]
fn no_single_fault_on_the_wire_makes_two() {
    const TOKEN: &str = "ghs_token";
    let good = session(1.0).to_json();
    let faults = [
        Fault::Silence(false),
        Fault::Silence(true),
        Fault::Status(500, None),
        Fault::Status(429, Some(1)),
        Fault::Status(403, None),
        Fault::Status(422, None),
        Fault::Lie(502),
        Fault::Body("<html>"),
    ];
    let one = |at: usize, fault: Fault| {
        let what = format!("{fault:?} at request {at}");
        let mut github = holding(&good);
        github.faults = [(at, fault)].into();
        let served = Served::start(github, TOKEN, None);
        let client = || {
            let (all, each) = (Duration::from_secs(60), Duration::from_secs(2));
            Client::within(&served.address(), TOKEN, all, each).unwrap()
        };
        let done = publish(&mut client(), &run(), &job());
        let again = Job { again: true, ..job() };
        check_once(&served.github(), &what);
        served.github().faults.clear();
        publish(&mut client(), &run(), &again).unwrap();
        let github = served.github();
        let last: Vec<&str> = github.conclusions().into_iter().rev().take(2).collect();
        assert_eq!(last, ["success", "success"], "{what}, tried again");
        if github.check_runs.len() == 2 {
            check_once(&github, &what);
        }
        done.is_ok()
    };
    let all: Vec<(usize, Fault)> = (0..7).flat_map(|at| faults.map(|fault| (at, fault))).collect();
    let n_done: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = all
            .chunks(5)
            .map(|some| scope.spawn(|| some.iter().filter(|(at, fault)| one(*at, *fault)).count()))
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    // A bare 403 or 422 is final at each of the seven.
    assert_eq!(n_done, all.len() - 2 * 7);
}

#[test]
fn the_token_s_routes_are_the_api_s_alone_and_a_download_is_led_safely() {
    for (to, want) in [
        (STORAGE, "success"),
        ("http://storage.example/x", "failure"),
        ("https://user:pass@storage.example/x", "failure"),
        ("file:///etc/passwd", "failure"),
        ("", "failure"),
    ] {
        let mut github = holding(&session(1.0).to_json());
        github.faults = [(1, Fault::Led(to))].into();
        posted(&mut github, &run());
        assert_eq!(github.conclusions(), [want, want], "{to}");
        let is_asked = github.asked.iter().any(|request| request.route == to);
        assert_eq!(is_asked, want == "success", "{to}: asked only where it is safe");
    }
    let mut round = holding(&session(1.0).to_json());
    round.faults = (1..20).map(|at| (at, Fault::Led(STORAGE))).collect();
    round.faults.retain(|at, _| *at < 5);
    posted(&mut round, &run());
    assert_eq!(
        round.conclusions(),
        ["failure", "failure"],
        "it is led about no more than three times"
    );
}

fn commented(github: &mut GitHub, run: &MeasuredRun, when: When) -> Option<Commented> {
    let wish = Wish { when, author: AUTHOR.to_owned() };
    match publish(github, run, &Job { comment: wish, ..job() }).unwrap() {
        Published::Posted { comment, .. } => comment,
        Published::Superseded => panic!("posted"),
    }
}

#[test]
fn one_comment_is_kept_up_to_date_and_others_are_left_alone() {
    for run in [run(), fork()] {
        let mut github = holding(&session(1.2).to_json());
        let forged = json!({ "id": 1, "body": format!("{MARK}\nall is well"), "user": { "login": "someone" } });
        let other = json!({ "id": 2, "body": "hello", "user": { "login": AUTHOR } });
        github.comments =
            vec![forged.clone(), other.clone(), json!({ "id": 3, "body": null, "user": null })];
        github.comments.extend(
            (0..120).map(|n| json!({ "id": 10 + n, "body": "x", "user": { "login": "y" } })),
        );
        assert_eq!(commented(&mut github, &run, When::OnRegression), Some(Commented::Made));
        let made = github.comments.last().unwrap().clone();
        let body = made["body"].as_str().unwrap();
        assert!(body.starts_with(MARK) && body.contains("`review:gate:perf`: Fail"), "{body}");
        // The next run, of the same head, changes that one.
        github.asked.clear();
        github.hold(1, zipped(&session(1.0).to_json()));
        assert_eq!(commented(&mut github, &run, When::OnRegression), Some(Commented::Changed));
        assert_eq!(github.comments.len(), 124);
        let body = github.comments.last().unwrap()["body"].as_str().unwrap().to_owned();
        assert!(body.contains("`review:gate:perf`: Pass"), "{body}");
        assert_eq!(github.comments[0..2], [forged, other]);
    }
}

#[test]
fn a_comment_is_written_only_where_it_belongs() {
    let fine = || holding(&session(1.0).to_json());
    assert_eq!(commented(&mut fine(), &run(), When::Never), None);
    assert_eq!(commented(&mut fine(), &run(), When::OnRegression), Some(Commented::NotNeeded));
    assert_eq!(commented(&mut fine(), &run(), When::Always), Some(Commented::Made));
    assert_eq!(commented(&mut fine(), &group(), When::Always), Some(Commented::NoPullRequest));
    let mut moved = fine();
    moved.pulls[0]["head"]["sha"] = json!("5".repeat(40));
    assert_eq!(commented(&mut moved, &run(), When::Always), Some(Commented::NoPullRequest));
    let mut closed = fine();
    closed.pulls[0]["state"] = json!("closed");
    assert_eq!(commented(&mut closed, &run(), When::Always), Some(Commented::NoPullRequest));
    let mut two = fine();
    two.pulls.push(two.pulls[0].clone());
    assert_eq!(commented(&mut two, &fork(), When::Always), Some(Commented::NoPullRequest));
    // Where it may not be written, the check runs stand.
    let mut forbidden = fine();
    forbidden.faults = (7..12).map(|at| (at, Fault::Status(403, None))).collect();
    let done = commented(&mut forbidden, &run(), When::Always);
    assert!(matches!(done, Some(Commented::Failed(ApiError::Refused(403, _)))), "{done:?}");
    assert_eq!(forbidden.conclusions(), ["success", "success"]);
}
