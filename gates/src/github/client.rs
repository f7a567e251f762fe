//! The transport to GitHub: octocrab sends, and that is all it does here. No retry of its own, a deadline for everything, answers read
//! up to a bound, the token for the API alone.
//!
//! In: the API's address and a token. Out: a [`Transport`]. The one place of this crate that touches the network, and the clock of its
//! deadlines.

use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};

use http::{
    HeaderMap, Method, Request as HttpRequest, Uri,
    header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, LOCATION, RETRY_AFTER},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use octocrab::{Octocrab, service::middleware::retry::RetryConfig};
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, sleep, timeout_at},
};

use super::{
    is_safe,
    transport::{Ask, NoAnswer, Request, Response, Transport},
};

/// For all requests of one publication together.
pub const DEADLINE: Duration = Duration::from_secs(120);
/// For one request.
const REQUEST: Duration = Duration::from_secs(20);
const JSON: &str = "application/vnd.github+json";
const RAW: &str = "application/vnd.github.raw+json";
const VERSION: (HeaderName, &str) = (HeaderName::from_static("x-github-api-version"), "2022-11-28");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// GitHub's API, or that of an Enterprise Server.
pub struct Client {
    runtime: Runtime,
    /// Has the token; its routes are of the API.
    api: Octocrab,
    /// Has none; asked where an answer of the API leads elsewhere.
    elsewhere: Octocrab,
    /// Of all requests.
    end: Instant,
    /// Of one request.
    request: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("end", &self.end).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the API at `address`, e.g. `https://api.github.com` or `https://HOST/api/v3`, that may take [`DEADLINE`].
    ///
    /// # Errors
    /// A sentence with the way out: an address that is not `https` (or this machine), a token that is none.
    pub fn new(address: &str, token: &str) -> Result<Self, String> {
        Self::within(address, token, DEADLINE, REQUEST)
    }

    /// The same within another deadline for all requests, and one for each.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn within(
        address: &str,
        token: &str,
        deadline: Duration,
        request: Duration,
    ) -> Result<Self, String> {
        if !is_safe(address) {
            return Err("the API's address: expected `https://HOST[/PATH]`, found another; set `GITHUB_API_URL` as the runner does".to_owned());
        }
        let token = token.trim();
        // octocrab panics at what is no value of a header. What is wrong is never shown.
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the token: expected visible ASCII characters, found others or none; set `GITHUB_TOKEN` to the job's `github.token`".to_owned());
        }
        let runtime = Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(|error| format!("the runtime of requests: {error}"))?;
        let failed = |error: octocrab::Error| format!("the client of GitHub: {error}");
        // A client spawns its worker on the runtime.
        let entered = runtime.enter();
        let builder = || {
            Octocrab::builder()
                .add_retry_config(RetryConfig::None)
                .set_connect_timeout(Some(request))
                .set_read_timeout(Some(request))
                .set_write_timeout(Some(request))
        };
        let api = builder().base_uri(address.trim_end_matches('/')).map_err(failed)?;
        let api = api.personal_token(token.to_owned()).build().map_err(failed)?;
        let elsewhere = builder().build().map_err(failed)?;
        let end = Instant::now() + deadline;
        drop(entered);
        Ok(Self { runtime, api, elsewhere, end, request })
    }
}

impl Transport for Client {
    fn send(&mut self, request: &Request) -> Result<Response, NoAnswer> {
        let client = if request.route.starts_with('/') { &self.api } else { &self.elsewhere };
        let end = self.end.min(Instant::now() + self.request);
        // A timer is made on the runtime.
        let sent = self.runtime.block_on(async { timeout_at(end, once(client, request)).await });
        sent.unwrap_or(Err(NoAnswer::Silence))
    }

    fn wait(&mut self, time: Duration) -> bool {
        let fits = Instant::now() + time < self.end;
        if fits {
            self.runtime.block_on(async { sleep(time).await });
        }
        fits
    }
}

async fn once(client: &Octocrab, request: &Request) -> Result<Response, NoAnswer> {
    let silence = |_| NoAnswer::Silence;
    let uri: Uri = request.route.parse().map_err(|_| NoAnswer::Silence)?;
    let (method, accept, body) = match &request.ask {
        Ask::Get => (Method::GET, JSON, None),
        Ask::Raw => (Method::GET, RAW, None),
        Ask::Post(body) => (Method::POST, JSON, Some(body)),
        Ask::Patch(body) => (Method::PATCH, JSON, Some(body)),
    };
    let mut builder = HttpRequest::builder().method(method).uri(uri).header(ACCEPT, accept);
    builder = match body {
        Some(_) => builder.header(CONTENT_TYPE, "application/json"),
        None => builder.header(CONTENT_LENGTH, "0"),
    };
    if request.route.starts_with('/') {
        builder = builder.header(VERSION.0, VERSION.1);
    }
    let body = body.map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default();
    let sent = builder.body(body).map_err(|_| NoAnswer::Silence)?;
    let answer = client.execute(sent).await.map_err(silence)?;
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, request.max_bytes).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { NoAnswer::TooLarge } else { NoAnswer::Silence }
    })?;
    Ok(Response {
        status: parts.status.as_u16(),
        retry_after: retry_after(&parts.headers),
        location: text(&parts.headers, &LOCATION).map(str::to_owned),
        body: body.to_bytes().into(),
    })
}

/// How long GitHub asks to wait: by `retry-after`, else, where nothing of the limit remains, until it is reset, by GitHub's own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = |name: &HeaderName| text(headers, name)?.parse::<u64>().ok();
    if let Some(seconds) = seconds(&RETRY_AFTER) {
        return Some(Duration::from_secs(seconds));
    }
    let reset = (seconds(&REMAINING)? == 0).then(|| seconds(&RESET))??;
    let now = http_date(text(headers, &DATE)?)?;
    Some(Duration::from_secs(reset.saturating_sub(now)))
}

/// Seconds since 1970.
fn http_date(text: &str) -> Option<u64> {
    let at = httpdate::parse_http_date(text).ok()?;
    at.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
