//! Posting a check run once: found before it is made, and looked for again after every answer that leaves it open whether it was.
//!
//! In: a check run and a transport, which sends one request and waits. Out: where the check run is, or why it is not. A request to make
//! one is never sent twice on a guess. Source: GitHub's REST API 2022-11-28, "Best practices for using the REST API".

use std::time::Duration;

use serde::Deserialize;

use super::check_run::CheckRun;

/// Times that a check run is looked for and, where it is not there, made.
const ROUNDS: usize = 3;
/// Pages of check runs of one commit and name that are read: GitHub keeps at most 1,000.
const PAGES: usize = 10;
const PER_PAGE: usize = 100;
/// Before the n-th look after an answer that left it open.
const WAITS: [Duration; ROUNDS] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// What GitHub asks for where it limits without saying for how long.
const LIMITED: Duration = Duration::from_secs(60);

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// From the root of the API on, e.g. `/repos/octo-org/octo-repo/check-runs`.
    pub route: String,
    /// JSON to `POST`; `None` for a `GET`.
    pub body: Option<Vec<u8>>,
}

/// An answer, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `retry-after`, or the time until `x-ratelimit-reset` where nothing remains.
    pub retry_after: Option<Duration>,
    /// Bytes of its body.
    pub body: Vec<u8>,
}

/// No answer, or not all of it: whether the request was carried out is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer;

/// Sends requests, within one deadline for all of them.
pub trait Transport {
    /// Sends one request, once.
    ///
    /// # Errors
    /// [`NoAnswer`] where none came in time.
    fn send(&mut self, request: &Request) -> Result<Response, NoAnswer>;

    /// Waits, or returns `false` at once where the deadline would be over.
    fn wait(&mut self, time: Duration) -> bool;
}

/// Where a check run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its number.
    pub id: u64,
    /// Whether an earlier attempt had made it.
    pub was_there: bool,
}

/// Why there is none, or none that is known of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPosted {
    /// GitHub said no, and will again: the status, and what to do.
    Refused(u16, &'static str),
    /// GitHub asks to wait for so long, which is beyond the deadline.
    Limited(Duration),
    /// A later attempt of the same run has posted its own.
    Superseded,
    /// No answer that could be used, or none in time.
    Unclear,
}

#[derive(Deserialize)]
struct Listed {
    check_runs: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    id: u64,
    external_id: Option<String>,
    status: Option<String>,
    conclusion: Option<String>,
}

/// What one answer means.
enum Answer<T> {
    Done(T),
    /// To be asked again, after this time.
    Open(Option<Duration>),
}

/// Posts `check_run` in `repository` (`owner/name`), unless it is there.
///
/// # Errors
/// [`NotPosted`]; with `Unclear` it may be there none the less, and posting it again finds it.
pub fn post(
    transport: &mut dyn Transport,
    repository: &str,
    check_run: &CheckRun,
) -> Result<Posted, NotPosted> {
    for round in 0..ROUNDS {
        if let Some(id) = find(transport, repository, check_run)? {
            return Ok(Posted { id, was_there: round == 0 });
        }
        match create(transport, repository, check_run)? {
            Answer::Done(id) => return Ok(Posted { id, was_there: false }),
            Answer::Open(asked) => wait(transport, asked, WAITS[round])?,
        }
    }
    // The last request may have been carried out.
    match find(transport, repository, check_run)? {
        Some(id) => Ok(Posted { id, was_there: false }),
        None => Err(NotPosted::Unclear),
    }
}

fn create(
    transport: &mut dyn Transport,
    repository: &str,
    check_run: &CheckRun,
) -> Result<Answer<u64>, NotPosted> {
    let body = serde_json::to_vec(check_run).expect("text and fixed words");
    let request = Request { route: format!("/repos/{repository}/check-runs"), body: Some(body) };
    let Ok(response) = transport.send(&request) else { return Ok(Answer::Open(None)) };
    if response.status == 201 {
        // Made, whatever the body says: where it can't be read, the next look finds it.
        let made: Option<Known> = serde_json::from_slice(&response.body).ok();
        return Ok(made.map_or(Answer::Open(None), |made| Answer::Done(made.id)));
    }
    open(&response).map(Answer::Open)
}

/// The number of the check run, if it is there. One of the same id that concludes something else is not ours: whoever may write check
/// runs can guess the id.
fn find(
    transport: &mut dyn Transport,
    repository: &str,
    check_run: &CheckRun,
) -> Result<Option<u64>, NotPosted> {
    let CheckRun { name, head_sha, external_id, status, conclusion, .. } = check_run;
    for page in 1..=PAGES {
        let name = encoded(name);
        let route = format!(
            "/repos/{repository}/commits/{head_sha}/check-runs?check_name={name}&filter=all&per_page={PER_PAGE}&page={page}"
        );
        let listed = list(transport, &Request { route, body: None })?;
        for known in &listed.check_runs {
            let Some(id) = known.external_id.as_deref() else { continue };
            let says = (known.status.as_deref(), known.conclusion.as_deref());
            if id == external_id && says == (Some(status), Some(conclusion)) {
                return Ok(Some(known.id));
            }
            if is_later(id, external_id) {
                return Err(NotPosted::Superseded);
            }
        }
        if listed.check_runs.len() < PER_PAGE {
            break;
        }
    }
    Ok(None)
}

/// Reading changes nothing, so it is asked again.
fn list(transport: &mut dyn Transport, request: &Request) -> Result<Listed, NotPosted> {
    for time in WAITS {
        let asked = match transport.send(request) {
            Ok(response) if response.status == 200 => {
                match serde_json::from_slice(&response.body) {
                    Ok(listed) => return Ok(listed),
                    Err(_) => None,
                }
            }
            Ok(response) => open(&response)?,
            Err(NoAnswer) => None,
        };
        wait(transport, asked, time)?;
    }
    Err(NotPosted::Unclear)
}

/// Waits as long as GitHub asks for, else `usual`.
fn wait(
    transport: &mut dyn Transport,
    asked: Option<Duration>,
    usual: Duration,
) -> Result<(), NotPosted> {
    if transport.wait(asked.unwrap_or(usual)) {
        return Ok(());
    }
    Err(asked.map_or(NotPosted::Unclear, NotPosted::Limited))
}

/// How long to wait where an answer leaves things open; `None` as long as usual.
fn open(response: &Response) -> Result<Option<Duration>, NotPosted> {
    let refused = |way_out| Err(NotPosted::Refused(response.status, way_out));
    match response.status {
        429 => Ok(Some(response.retry_after.unwrap_or(LIMITED))),
        403 if response.retry_after.is_some() => Ok(response.retry_after),
        401 => refused("the token is not valid: give the job's own, `github.token`"),
        403 => refused("the token may not do this: the job needs `permissions: checks: write`"),
        404 => refused(
            "no such repository or commit for this token: the job needs `permissions: checks: write, contents: read`",
        ),
        422 => refused("GitHub does not take the check run: please report it with the evidence"),
        300..=399 => refused("the repository has moved: use its present name and API address"),
        500..=599 => Ok(None),
        _ => refused("an answer that is not described"),
    }
}

/// Whether `id` is of a later attempt of the run that `ours` is of.
fn is_later(id: &str, ours: &str) -> bool {
    let parts = |id: &str| -> Option<(String, u64, u64)> {
        let (front, _) = id.rsplit_once('/')?;
        let (name, run) = front.rsplit_once('/')?;
        let (run, attempt) = run.split_once('.')?;
        Some((name.to_owned(), run.parse().ok()?, attempt.parse().ok()?))
    };
    let (Some(id), Some(ours)) = (parts(id), parts(ours)) else { return false };
    (&id.0, id.1) == (&ours.0, ours.1) && id.2 > ours.2
}

/// For a query: every byte but letters, digits and `-._~`.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
