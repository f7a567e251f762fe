//! One check run, whatever happens to one request or to two: at every position, before and after it took effect.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::{collections::BTreeMap, time::Duration};

use gates::github::{
    Refused, artifact,
    check_run::{CheckRun, refused},
    event::{MeasuredRun, Trigger},
    post::{Posted, post},
    transport::{ApiError, Ask, NoAnswer, Request, Response, Transport},
};
use serde_json::{Value, json};

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// No answer in time; whether it was carried out.
    Silence(bool),
    /// This status, with `retry-after` in seconds, instead of being carried out.
    Status(u16, Option<u64>),
    /// This status although it was carried out.
    Lie(u16),
    /// Carried out and answered with these bytes.
    Body(&'static str),
}

const FAULTS: [Fault; 17] = [
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
    Fault::Status(422, None),
    Fault::Status(301, None),
    Fault::Lie(500),
    Fault::Lie(504),
    Fault::Body("<html>"),
    Fault::Body("{\"id\": "),
];

/// GitHub, as far as check runs of one commit go, with faults at some requests.
#[derive(Default)]
struct Fake {
    /// `(number, external id)`.
    runs: Vec<(u64, String)>,
    /// Whether they conclude `success`, which ours do not.
    forged: bool,
    faults: BTreeMap<usize, Fault>,
    n_requests: usize,
    n_creates: usize,
    waited: Duration,
}

const DEADLINE: Duration = Duration::from_secs(120);

impl Fake {
    fn carry_out(&mut self, request: &Request) -> Response {
        let (status, body) = match &request.ask {
            Ask::Post(body) => {
                let body: Value = serde_json::from_slice(body).unwrap();
                assert_eq!(request.route, "/repos/octo-org/octo-repo/check-runs");
                let id = 100 + self.runs.len() as u64;
                self.runs.push((id, body["external_id"].as_str().unwrap().to_owned()));
                (
                    201,
                    json!({ "id": id, "status": "completed", "external_id": body["external_id"] }),
                )
            }
            Ask::Raw | Ask::Patch(_) => panic!("{request:?}"),
            Ask::Get => {
                let (path, query) = request.route.split_once('?').unwrap();
                assert_eq!(path, format!("/repos/octo-org/octo-repo/commits/{SHA}/check-runs"));
                assert!(query.starts_with(
                    "check_name=review%3Agate%3Abenchmarks&filter=all&per_page=100&page="
                ));
                let page: usize = query.rsplit_once('=').unwrap().1.parse().unwrap();
                let runs = self.runs.chunks(100).nth(page - 1).unwrap_or_default();
                let conclusion = if self.forged { "success" } else { "failure" };
                let run = |(id, external_id): &(u64, String)| json!({ "id": id, "external_id": external_id, "status": "completed", "conclusion": conclusion });
                let runs: Vec<Value> = runs.iter().map(run).collect();
                (200, json!({ "total_count": self.runs.len(), "check_runs": runs }))
            }
        };
        Response { status, body: body.to_string().into_bytes(), ..Response::default() }
    }
}

impl Transport for Fake {
    fn send(&mut self, request: &Request) -> Result<Response, NoAnswer> {
        self.n_requests += 1;
        assert!(self.n_requests < 50, "it ends");
        self.n_creates += usize::from(matches!(request.ask, Ask::Post(_)));
        let answer = |status, seconds: Option<u64>| Response {
            status,
            retry_after: seconds.map(Duration::from_secs),
            body: b"<html>an error page</html>".to_vec(),
            location: None,
        };
        match self.faults.get(&(self.n_requests - 1)).copied() {
            None => Ok(self.carry_out(request)),
            Some(Fault::Silence(carried_out)) => {
                if carried_out {
                    self.carry_out(request);
                }
                Err(NoAnswer::Silence)
            }
            Some(Fault::Status(status, seconds)) => Ok(answer(status, seconds)),
            Some(Fault::Lie(status)) => {
                self.carry_out(request);
                Ok(answer(status, None))
            }
            Some(Fault::Body(text)) => {
                let response = self.carry_out(request);
                Ok(Response { body: text.as_bytes().to_vec(), ..response })
            }
        }
    }

    fn wait(&mut self, time: Duration) -> bool {
        let fits = self.waited + time <= DEADLINE;
        if fits {
            self.waited += time;
        }
        fits
    }
}

const SHA: &str = "3484a3fb816e0859fd6e1cea078d76385ff50625";

fn check_run(attempt: u64) -> CheckRun {
    let run = MeasuredRun {
        id: 7,
        attempt,
        trigger: Trigger::MergeGroup,
        head_sha: SHA.to_owned(),
        head_repository: None,
        succeeded: true,
        head_branch: None,
        pull_requests: Vec::new(),
        default_branch: "main".to_owned(),
    };
    refused(&Refused { rule: artifact::RULE, text: "x".to_owned() }, &run).remove(0)
}

/// As an attempt of the job after the first does: it looks first.
fn try_with(fake: &mut Fake) -> Result<Posted, ApiError> {
    post(fake, "octo-org/octo-repo", &check_run(1), true)
}

#[test]
fn a_healthy_api_takes_two_requests_and_a_second_attempt_finds_the_first() {
    let mut fake = Fake::default();
    assert_eq!(try_with(&mut fake), Ok(Posted::Made(100)));
    assert_eq!((fake.n_requests, fake.waited), (2, Duration::ZERO));
    assert_eq!(try_with(&mut fake), Ok(Posted::Found(100)));
    assert_eq!((fake.n_requests, fake.runs.len()), (3, 1));
    // The first attempt of a job can have no earlier one.
    let mut fake = Fake::default();
    let first = post(&mut fake, "octo-org/octo-repo", &check_run(1), false);
    assert_eq!((first, fake.n_requests), (Ok(Posted::Made(100)), 1));
}

/// What was tried once and ended without a result is tried again by the user: still one.
fn holds_under(faults: &[(usize, Fault)]) -> Result<Posted, ApiError> {
    first_holds_under(faults);
    let mut fake = Fake { faults: faults.iter().copied().collect(), ..Fake::default() };
    let done = try_with(&mut fake);
    one_in_the_end(&mut fake, &done, faults);
    done
}

/// The same of a first attempt, which does not look before it makes one.
fn first_holds_under(faults: &[(usize, Fault)]) {
    let mut fake = Fake { faults: faults.iter().copied().collect(), ..Fake::default() };
    let done = post(&mut fake, "octo-org/octo-repo", &check_run(1), false);
    one_in_the_end(&mut fake, &done, faults);
}

fn one_in_the_end(fake: &mut Fake, done: &Result<Posted, ApiError>, faults: &[(usize, Fault)]) {
    assert!(fake.runs.len() <= 1, "{faults:?}: {} check runs", fake.runs.len());
    match done {
        Ok(Posted::Made(id)) => assert_eq!((*id, fake.runs.len()), (100, 1), "{faults:?}"),
        // Where GitHub has said no, it is not asked again.
        Err(ApiError::Refused(status, way_out)) => {
            assert!(
                matches!(status, 301 | 401 | 403 | 404 | 422) && !way_out.is_empty(),
                "{faults:?}"
            );
        }
        other => panic!("{faults:?}: {other:?}"),
    }
    fake.faults.clear();
    fake.waited = Duration::ZERO;
    let again = try_with(fake).unwrap();
    assert!(matches!(again, Posted::Made(100) | Posted::Found(100)), "{faults:?}: {again:?}");
    assert_eq!(fake.runs.len(), 1, "{faults:?}, tried again");
}

#[test]
fn no_single_fault_at_any_request_makes_two_or_loses_the_one() {
    let mut n_posted = 0;
    for at in 0..8 {
        for fault in FAULTS {
            n_posted += usize::from(holds_under(&[(at, fault)]).is_ok());
        }
    }
    // Five kinds are a refusal at the first two requests; the other positions are never reached.
    assert_eq!(n_posted, 8 * FAULTS.len() - 2 * 5);
}

#[test]
fn no_two_faults_make_two_or_lose_the_one() {
    for first in 0..6 {
        for second in first + 1..7 {
            for fault in FAULTS {
                for other in FAULTS {
                    let _ = holds_under(&[(first, fault), (second, other)]);
                }
            }
        }
    }
}

/// The last of three requests to make one was carried out, and said nothing.
#[test]
fn after_the_last_request_it_is_looked_for_once_more() {
    let faults =
        [(1, Fault::Silence(false)), (3, Fault::Status(500, None)), (5, Fault::Silence(true))];
    assert_eq!(holds_under(&faults), Ok(Posted::Made(100)));
}

#[test]
fn what_never_answers_ends_and_says_so() {
    for fault in [Fault::Silence(false), Fault::Status(500, None), Fault::Body("<html>")] {
        let faults = (0..50).map(|at| (at, fault)).collect();
        let mut fake = Fake { faults, ..Fake::default() };
        assert_eq!(try_with(&mut fake), Err(ApiError::Unclear), "{fault:?}");
        assert_eq!(
            fake.n_creates, 0,
            "{fault:?}: nothing is made before it is known what is there"
        );
        assert!(fake.waited <= DEADLINE);
    }
    let hour = Fault::Status(429, Some(3_600));
    let mut fake = Fake { faults: [(1, hour)].into(), ..Fake::default() };
    assert_eq!(try_with(&mut fake), Err(ApiError::Limited(Duration::from_secs(3_600))));
    assert_eq!((fake.n_requests, fake.waited), (2, Duration::ZERO));
}

#[test]
fn an_earlier_attempt_that_comes_late_is_not_posted() {
    let mut fake = Fake::default();
    post(&mut fake, "octo-org/octo-repo", &check_run(2), true).unwrap();
    assert_eq!(try_with(&mut fake), Ok(Posted::Superseded));
    assert_eq!((fake.n_creates, fake.runs.len()), (1, 1));
    // One of the same attempt with another result, and those of others, are no reason.
    let mut fake = Fake::default();
    let others = [
        "tritgate/1/review:gate:benchmarks/7.1/0000000000000000",
        "tritgate/1/review:gate:benchmarks/8.2/00",
        "other",
        "",
    ];
    fake.runs = others.into_iter().zip(1..).map(|(id, n)| (n, id.to_owned())).collect();
    assert!(matches!(try_with(&mut fake).unwrap(), Posted::Made(_)));
    assert_eq!(fake.runs.len(), others.len() + 1);
}

#[test]
fn one_with_our_id_and_another_conclusion_is_not_ours() {
    let forged = vec![(9, check_run(1).external_id)];
    let mut fake = Fake { runs: forged, forged: true, ..Fake::default() };
    assert!(matches!(try_with(&mut fake).unwrap(), Posted::Made(_)));
    assert_eq!((fake.n_creates, fake.runs.len()), (1, 2));
}

#[test]
fn it_is_found_on_a_later_page() {
    let mut fake =
        Fake { runs: (0..250).map(|n| (n, format!("other {n}"))).collect(), ..Fake::default() };
    fake.runs[230].1 = check_run(1).external_id;
    assert_eq!(try_with(&mut fake), Ok(Posted::Found(230)));
    assert_eq!((fake.n_requests, fake.n_creates), (3, 0));
}
