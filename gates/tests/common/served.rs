//! The played GitHub over a socket of this machine: the API, and the storage that downloads lead to.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests may print and panic"
)]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use gates::github::transport::{Ask, Request, Transport as _};
use tokio::runtime::Runtime;
use wiremock::{Mock, MockServer, Respond, ResponseTemplate, matchers::any};

use crate::played::GitHub;

/// Longer than a client of a test waits.
const SILENCE: Duration = Duration::from_secs(5);
const STORAGE: &str = "/storage/artifact?signature=x";

/// A server, the runtime that it lives on, and what it serves.
pub(crate) struct Served {
    _runtime: Runtime,
    server: MockServer,
    github: Arc<Mutex<GitHub>>,
}

impl Served {
    /// Serves `github` to who has `token`. Every request to the API is first sent to `mock` (`HOST:PORT`), a server that holds
    /// requests to GitHub's description, and must be taken there.
    pub(crate) fn start(mut github: GitHub, token: &str, mock: Option<String>) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(MockServer::start());
        github.storage = format!("{}{STORAGE}", server.uri());
        let github = Arc::new(Mutex::new(github));
        let played = Played { github: Arc::clone(&github), token: format!("Bearer {token}"), mock };
        runtime.block_on(Mock::given(any()).respond_with(played).mount(&server));
        Self { _runtime: runtime, server, github }
    }

    pub(crate) fn address(&self) -> String {
        self.server.uri()
    }

    pub(crate) fn github(&self) -> MutexGuard<'_, GitHub> {
        // A test that has failed already says more than a poisoned lock.
        self.github.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

struct Played {
    github: Arc<Mutex<GitHub>>,
    token: String,
    mock: Option<String>,
}

impl Respond for Played {
    fn respond(&self, request: &wiremock::Request) -> ResponseTemplate {
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut route = format!("{}{query}", request.url.path());
        let mut github = self.github.lock().unwrap();
        if route == STORAGE {
            assert_eq!(header("authorization"), None, "the storage has no use for the token");
            route.clone_from(&github.storage);
        } else {
            assert_eq!(header("authorization"), Some(self.token.as_str()));
            if let Some(mock) = &self.mock {
                taken(mock, request.method.as_str(), &route, &request.body);
            }
        }
        let ask = match (request.method.as_str(), header("accept")) {
            ("GET", Some("application/vnd.github.raw+json")) => Ask::Raw,
            ("GET", Some("application/vnd.github+json")) => Ask::Get,
            ("POST", _) => Ask::Post(request.body.clone()),
            ("PATCH", _) => Ask::Patch(request.body.clone()),
            other => panic!("{other:?}"),
        };
        let Ok(answer) = github.send(&Request { route, ask, max_bytes: usize::MAX }) else {
            return ResponseTemplate::new(200).set_delay(SILENCE);
        };
        let mut template = ResponseTemplate::new(answer.status).set_body_bytes(answer.body);
        if let Some(time) = answer.retry_after {
            template = template.insert_header("retry-after", time.as_secs().to_string());
        }
        if let Some(to) = answer.location {
            template = template.insert_header("location", to);
        }
        template
    }
}

/// Sends a request to `mock` as it is: it answers as GitHub's description says, or that the request is not described so.
fn taken(mock: &str, method: &str, route: &str, body: &[u8]) {
    let mut stream = TcpStream::connect(mock).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    let head = format!(
        "{method} {route} HTTP/1.1\r\nhost: {mock}\r\nauthorization: Bearer x\r\n{kind}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).unwrap_or_default();
    let wanted: &[&str] = match method {
        "POST" => &["201"],
        _ => &["200", "302"],
    };
    assert!(
        wanted.contains(&status),
        "{method} {route}\n{}\n{answer}",
        String::from_utf8_lossy(body)
    );
    println!("described: {method} {route}: {status}");
}
