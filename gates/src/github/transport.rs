//! Requests to GitHub, over a transport that is given: what one is, what its answer means, and how often it is asked.
//!
//! In: a request and a transport, which sends one request and waits. Out: an answer that can be used, or why there is none. What only
//! reads is asked again; what changes something is not, here. Source: GitHub's REST API 2022-11-28, "Best practices for using the REST
//! API".

use std::{fmt, time::Duration};

use serde::de::DeserializeOwned;

/// Times that something is asked for at most.
pub(super) const ROUNDS: usize = 3;
/// After the n-th answer that cannot be used.
pub(super) const WAITS: [Duration; ROUNDS] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// What GitHub asks for where it limits without saying for how long.
const LIMITED: Duration = Duration::from_secs(60);
/// Bytes of a JSON answer at most: 100 entries of a list, with room.
const MAX_JSON: usize = 8 << 20;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// From the root of the API on, e.g. `/repos/octo-org/octo-repo/check-runs`; or, where an answer led elsewhere, an address in full,
    /// which must be asked without the token.
    pub route: String,
    /// What is asked for.
    pub ask: Ask,
    /// Bytes of an answer at most.
    pub max_bytes: usize,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `GET`, of JSON or of bytes.
    Get,
    /// `GET`, of a file as it stands.
    Raw,
    /// `POST` of JSON.
    Post(Vec<u8>),
    /// `PATCH` of JSON.
    Patch(Vec<u8>),
}

impl Request {
    /// Reads JSON.
    pub(super) const fn get(route: String) -> Self {
        Self { route, ask: Ask::Get, max_bytes: MAX_JSON }
    }

    /// Changes something.
    pub(super) const fn change(route: String, ask: Ask) -> Self {
        Self { route, ask, max_bytes: MAX_JSON }
    }
}

/// An answer, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `retry-after`, or the time until `x-ratelimit-reset` where nothing remains.
    pub retry_after: Option<Duration>,
    /// `location`.
    pub location: Option<String>,
    /// Bytes of its body.
    pub body: Vec<u8>,
}

/// No answer that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// None came, or not all of it: whether the request was carried out is not known.
    Silence,
    /// It has more bytes than were asked for.
    TooLarge,
}

/// Sends requests, within one deadline for all of them.
pub trait Transport {
    /// Sends one request, once.
    ///
    /// # Errors
    /// [`NoAnswer`] where none came in time, or too large a one.
    fn send(&mut self, request: &Request) -> Result<Response, NoAnswer>;

    /// Waits, or returns `false` at once where the deadline would be over.
    fn wait(&mut self, time: Duration) -> bool;
}

/// Why GitHub is not asked any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// GitHub said no, and will again: the status, and what to do.
    Refused(u16, &'static str),
    /// GitHub asks to wait for so long, which is beyond the deadline.
    Limited(Duration),
    /// No answer that could be used, or none in time.
    Unclear,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status, way_out) => {
                write!(f, "expected GitHub to answer, found HTTP {status}: {way_out}")
            }
            Self::Limited(time) => write!(
                f,
                "expected GitHub to answer, found that it asks to wait for {} seconds: run this job again after that",
                time.as_secs()
            ),
            Self::Unclear => f.write_str(
                "expected GitHub to answer, found no answer that could be used, within the deadline: run this job again",
            ),
        }
    }
}

impl std::error::Error for ApiError {}

/// Reads JSON, asking again where that may help. `None` where there is no such thing.
pub(super) fn read<T: DeserializeOwned>(
    transport: &mut dyn Transport,
    request: &Request,
) -> Result<Option<T>, ApiError> {
    ask(transport, request, |response| match response.status {
        200 => serde_json::from_slice(&response.body).map(Some).ok(),
        404 | 410 => Some(None),
        _ => None,
    })
}

/// Asks until `take` can use the answer. Only for what changes nothing.
pub(super) fn ask<T>(
    transport: &mut dyn Transport,
    request: &Request,
    take: impl Fn(&Response) -> Option<T>,
) -> Result<T, ApiError> {
    for time in WAITS {
        let asked = match transport.send(request) {
            Ok(response) => match take(&response) {
                Some(taken) => return Ok(taken),
                None if response.status < 300 => None,
                None => open(&response)?,
            },
            Err(_) => None,
        };
        wait(transport, asked, time)?;
    }
    Err(ApiError::Unclear)
}

/// Waits as long as GitHub asks for, else `usual`.
pub(super) fn wait(
    transport: &mut dyn Transport,
    asked: Option<Duration>,
    usual: Duration,
) -> Result<(), ApiError> {
    if transport.wait(asked.unwrap_or(usual)) {
        return Ok(());
    }
    Err(asked.map_or(ApiError::Unclear, ApiError::Limited))
}

/// How long to wait where an answer leaves things open; `None` as long as usual.
pub(super) fn open(response: &Response) -> Result<Option<Duration>, ApiError> {
    let refused = |way_out| Err(ApiError::Refused(response.status, way_out));
    match response.status {
        429 => Ok(Some(response.retry_after.unwrap_or(LIMITED))),
        403 if response.retry_after.is_some() => Ok(response.retry_after),
        401 => refused("the token is not valid: give the job's own, `github.token`"),
        403 => refused(
            "the token may not do this: the job needs `permissions:` with `checks: write`, `actions: read`, `contents: read`, `pull-requests: read`",
        ),
        404 => refused(
            "no such thing for this token: the job needs `permissions:` with `checks: write`, `actions: read`, `contents: read`, `pull-requests: read`",
        ),
        422 => refused("GitHub does not take this request: please report it with the evidence"),
        300..=399 => refused("the repository has moved: use its present name and API address"),
        500..=599 => Ok(None),
        _ => refused("an answer that is not described"),
    }
}

/// For a query, or one part of a path: every byte but letters, digits and `-._~`.
pub(super) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Whether `text` is the full name of a commit: 40 hexadecimal digits.
pub(super) fn is_sha(text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 40 && text.bytes().all(hex)
}
