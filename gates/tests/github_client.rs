//! The transport over real sockets: one request is one request, the token stays with the API, nothing hangs and nothing grows. And the
//! whole road over it, with faults at every request.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
    time::Duration,
};

use gates::github::{
    client::Client,
    transport::{Ask, NoAnswer, Request, Response, Transport},
};
use serde_json::json;
use tokio::runtime::Runtime;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, header, method, path},
};

const TOKEN: &str = "ghs_0123456789";
const SHORT: Duration = Duration::from_millis(300);

/// A server, and the runtime that it lives on.
struct Served {
    runtime: Runtime,
    server: MockServer,
}

impl Served {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(MockServer::start());
        Self { runtime, server }
    }

    fn mount(&self, mock: Mock) {
        self.runtime.block_on(mock.mount(&self.server));
    }

    fn received(&self) -> Vec<wiremock::Request> {
        self.runtime.block_on(self.server.received_requests()).unwrap()
    }

    fn client(&self) -> Client {
        client(&self.server.uri())
    }
}

fn client(address: &str) -> Client {
    Client::within(address, TOKEN, Duration::from_secs(30), SHORT).unwrap()
}

fn get(route: &str) -> Request {
    Request { route: route.to_owned(), ask: Ask::Get, max_bytes: 1_000 }
}

#[test]
fn a_request_says_what_github_asks_for_below_any_path_of_the_api() {
    let served = Served::start();
    let body = json!({ "name": "ä" });
    served.mount(
        Mock::given(method("POST"))
            .and(path("/api/v3/repos/o/r/check-runs"))
            .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
            .and(header("accept", "application/vnd.github+json"))
            .and(header("content-type", "application/json"))
            .and(header("x-github-api-version", "2022-11-28"))
            .and(body_json(&body))
            .respond_with(ResponseTemplate::new(201).set_body_string("{\"id\":4}")),
    );
    served.mount(
        Mock::given(method("GET"))
            .and(path("/api/v3/repos/o/r/contents/ci%2Fpolicy.toml"))
            .and(header("accept", "application/vnd.github.raw+json"))
            .respond_with(ResponseTemplate::new(200).set_body_string("version = 1")),
    );
    for address in ["/api/v3", "/api/v3/"] {
        let mut client = client(&format!("{}{address}", served.server.uri()));
        let post = Request {
            ask: Ask::Post(body.to_string().into_bytes()),
            ..get("/repos/o/r/check-runs")
        };
        let made = client.send(&post).unwrap();
        assert_eq!((made.status, made.body.as_slice()), (201, &b"{\"id\":4}"[..]));
        let raw = Request { ask: Ask::Raw, ..get("/repos/o/r/contents/ci%2Fpolicy.toml?ref=main") };
        assert_eq!(client.send(&raw).unwrap().body, b"version = 1");
    }
    let agents = served
        .received()
        .iter()
        .filter(|request| request.headers.contains_key("user-agent"))
        .count();
    assert_eq!(agents, 4, "GitHub refuses requests without one");
}

#[test]
fn the_token_is_not_sent_where_an_answer_leads() {
    let (api, storage) = (Served::start(), Served::start());
    let to = format!("{}/blob?signature=x", storage.server.uri());
    api.mount(
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(302).insert_header("location", to.as_str())),
    );
    storage.mount(
        Mock::given(path("/blob"))
            .respond_with(ResponseTemplate::new(200).set_body_bytes([1, 2, 3])),
    );
    // An API below a path: what leads elsewhere must not get that path either.
    let mut client = client(&format!("{}/api/v3", api.server.uri()));
    let led = client.send(&get("/zip")).unwrap();
    assert_eq!(
        (led.status, led.location.as_deref()),
        (302, Some(to.as_str())),
        "not followed on its own"
    );
    assert_eq!(client.send(&get(&to)).unwrap().body, [1, 2, 3]);
    let asked = storage.received();
    assert_eq!(asked.len(), 1);
    for (name, value) in &asked[0].headers {
        assert_ne!(name.as_str(), "authorization");
        assert!(!value.to_str().unwrap().contains(TOKEN), "{name}");
    }
    assert!(api.received()[0].headers.contains_key("authorization"));
}

#[test]
fn one_request_is_sent_once_whatever_comes_back() {
    for answer in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(503),
        ResponseTemplate::new(429).insert_header("retry-after", "2"),
        ResponseTemplate::new(403).insert_header("x-ratelimit-remaining", "0"),
        ResponseTemplate::new(201).set_delay(Duration::from_secs(5)),
    ] {
        let served = Served::start();
        served.mount(Mock::given(method("POST")).respond_with(answer));
        let post = Request { ask: Ask::Post(b"{}".to_vec()), ..get("/repos/o/r/check-runs") };
        let _ = served.client().send(&post);
        thread::sleep(SHORT);
        assert_eq!(served.received().len(), 1);
    }
}

#[test]
fn what_github_says_about_its_limits_is_read() {
    for (headers, want) in [
        (vec![], None),
        (vec![("retry-after", "7")], Some(7)),
        (vec![("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")], None),
        (vec![("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", "1792567690")], None),
        // 2026-10-21 07:28:00 UTC is 1792567680 (`date -u -d @1792567680`).
        (vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1792567690")], Some(10)),
        (vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")], Some(0)),
        (vec![("x-ratelimit-remaining", "0")], None),
    ] {
        let served = Served::start();
        let mut answer =
            ResponseTemplate::new(403).insert_header("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        for (name, value) in &headers {
            answer = answer.insert_header(*name, *value);
        }
        served.mount(Mock::given(method("GET")).respond_with(answer));
        let response = served.client().send(&get("/x")).unwrap();
        assert_eq!(response.retry_after, want.map(Duration::from_secs), "{headers:?}");
    }
}

#[test]
fn an_answer_is_read_up_to_a_bound() {
    let served = Served::start();
    for (at, len) in [("/fits", 1_000), ("/over", 1_001), ("/huge", 50_000_000)] {
        served.mount(
            Mock::given(path(at))
                .respond_with(ResponseTemplate::new(200).set_body_bytes(vec![7; len])),
        );
    }
    let mut client = served.client();
    assert_eq!(client.send(&get("/fits")).unwrap().body.len(), 1_000);
    assert_eq!(client.send(&get("/over")), Err(NoAnswer::TooLarge));
    assert_eq!(client.send(&get("/huge")), Err(NoAnswer::TooLarge));
}

/// A server that answers every connection with `bytes`, and after a while hangs up.
fn raw(bytes: &'static [u8], hold: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().take(4) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(bytes);
            thread::sleep(hold);
        }
    });
    address
}

#[test]
fn what_is_not_a_whole_answer_is_none() {
    let no_hold = Duration::ZERO;
    for (bytes, hold) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"[..], no_hold),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", no_hold),
        (b"HTTP/1.1 200", no_hold),
        (b"", no_hold),
        (b"\x16\x03\x01not http", no_hold),
        // The headers at once, the body never.
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", Duration::from_secs(5)),
        (b"", Duration::from_secs(5)),
    ] {
        let address = raw(bytes, hold);
        assert_eq!(client(&address).send(&get("/x")), Err(NoAnswer::Silence), "{bytes:?}");
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    assert_eq!(client(&nobody).send(&get("/x")), Err(NoAnswer::Silence));
    assert_eq!(client(&nobody).send(&get("not an address")), Err(NoAnswer::Silence));
}

#[test]
fn the_deadline_holds_for_requests_and_waits_together() {
    let served = Served::start();
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(5));
    served.mount(Mock::given(method("GET")).respond_with(slow));
    let mut client =
        Client::within(&served.server.uri(), TOKEN, SHORT, Duration::from_secs(20)).unwrap();
    assert!(!client.wait(Duration::from_secs(1)), "beyond the deadline, and at once");
    assert!(client.wait(Duration::from_millis(1)));
    assert_eq!(client.send(&get("/x")), Err(NoAnswer::Silence));
    assert!(!client.wait(Duration::ZERO), "it is over");
    assert_eq!(client.send(&get("/x")), Err(NoAnswer::Silence));
}

#[test]
fn a_token_that_is_no_header_and_an_address_in_clear_are_refused_unshown() {
    for token in
        ["", "  ", "ghs_secret\nx-evil: 1", "ghs_secret x", "ghs_sécret", "ghs_secret\u{7f}"]
    {
        let said = Client::new("https://api.github.com", token).unwrap_err();
        assert!(said.contains("GITHUB_TOKEN") && !said.contains("secret"), "{token:?}: {said}");
    }
    Client::new("https://api.github.com", " ghs_secret\n").unwrap();
    for address in [
        "http://api.github.com",
        "ftp://127.0.0.1",
        "api.github.com",
        "https://secret@api.github.com",
    ] {
        let said = Client::new(address, TOKEN).unwrap_err();
        assert!(said.contains("GITHUB_API_URL") && !said.contains("secret"), "{address}: {said}");
    }
}

#[test]
fn an_answer_without_a_status_of_its_own_is_given_as_it_is() {
    let served = Served::start();
    let page = ResponseTemplate::new(502).set_body_raw("<html>", "text/html");
    served.mount(Mock::given(method("GET")).respond_with(page));
    let want = Response { status: 502, body: b"<html>".to_vec(), ..Response::default() };
    assert_eq!(served.client().send(&get("/x")), Ok(want));
}
