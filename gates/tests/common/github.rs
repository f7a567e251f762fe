//! GitHub, played: as far as the runs, commits, comments and check runs of one repository go, with faults at chosen requests. Bodies are
//! held to GitHub's own description (`tests/data/github/bodies.json`), and answers are its own examples (`examples.json`), but for the
//! values that matter here.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::{
    collections::BTreeMap,
    io::{Cursor, Write as _},
    time::Duration,
};

use baselines::Digest;
use gates::github::{
    artifact::ENTRY,
    transport::{Ask, NoAnswer, Request, Response, Transport},
};
use jsonschema::Validator;
use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

pub(crate) const REPOSITORY: &str = "/repos/octo-org/octo-repo";
pub(crate) const STORAGE: &str = "https://storage.example/artifact?signature=x";
pub(crate) const AUTHOR: &str = "github-actions[bot]";
pub(crate) const MARK: &str = "<!-- tritgate: one comment, kept up to date -->";

/// GitHub's own example of `kind`, with these values in it.
fn example(kind: &str, values: Value) -> Value {
    let all: Value = serde_json::from_str(include_str!("../data/github/examples.json")).unwrap();
    let mut example = all["examples"][kind].clone();
    assert!(example.is_object(), "{kind}");
    overlay(&mut example, values);
    example
}

fn overlay(onto: &mut Value, values: Value) {
    match (onto, values) {
        (Value::Object(onto), Value::Object(values)) => {
            for (key, value) in values {
                overlay(onto.entry(key).or_insert(Value::Null), value);
            }
        }
        (onto, value) => *onto = value,
    }
}

pub(crate) fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file(ENTRY, options).unwrap();
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap().into_inner()
}

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No answer in time; whether it was carried out.
    Silence(bool),
    /// This status, with `retry-after` in seconds, instead of being carried out.
    Status(u16, Option<u64>),
    /// This status although it was carried out.
    Lie(u16),
    /// Carried out and answered with these bytes.
    Body(&'static str),
    /// Led to this address instead.
    Led(&'static str),
}

/// GitHub, as far as one repository's runs, commits and check runs go.
pub(crate) struct GitHub {
    /// The commit under test.
    pub(crate) head_sha: String,
    pub(crate) artifacts: Vec<Value>,
    pub(crate) zip: Vec<u8>,
    /// Where a download leads.
    pub(crate) storage: String,
    /// `BRANCH...SHA` → merge base and files; anything else is unknown.
    pub(crate) compare: BTreeMap<String, Value>,
    /// Commit → its policy.
    pub(crate) policies: BTreeMap<String, Vec<u8>>,
    pub(crate) pulls: Vec<Value>,
    pub(crate) comments: Vec<Value>,
    pub(crate) check_runs: Vec<Value>,
    pub(crate) faults: BTreeMap<usize, Fault>,
    pub(crate) asked: Vec<Request>,
    pub(crate) waited: Duration,
    pub(crate) bodies: [Validator; 3],
}

pub(crate) fn validators() -> [Validator; 3] {
    let bodies: Value = serde_json::from_str(include_str!("../data/github/bodies.json")).unwrap();
    ["create-check-run", "create-comment", "update-comment"].map(|name| {
        let schema = &bodies["bodies"][name];
        jsonschema::draft4::options().should_validate_formats(true).build(schema).unwrap()
    })
}

impl GitHub {
    /// Holds `zip` as the artifact of run 7, attempt 1, of `head_sha`, which a pull request wants in `main`, from `base_sha` on.
    pub(crate) fn new(head_sha: &str, base_sha: &str, policy: &str, zip: Vec<u8>) -> Self {
        let file = json!({ "filename": "src/lib.rs" });
        let compared = json!({ "merge_base_commit": { "sha": base_sha }, "files": [file] });
        let pull = json!({ "number": 5, "state": "open", "head": { "sha": head_sha }, "base": { "ref": "main" } });
        let (compared, pull) = (example("comparison", compared), example("pull", pull));
        let mut github = Self {
            head_sha: head_sha.to_owned(),
            artifacts: Vec::new(),
            zip: Vec::new(),
            storage: STORAGE.to_owned(),
            compare: [(format!("main...{head_sha}"), compared)].into(),
            policies: [(base_sha.to_owned(), policy.as_bytes().to_vec())].into(),
            pulls: vec![pull],
            comments: Vec::new(),
            check_runs: Vec::new(),
            faults: BTreeMap::new(),
            asked: Vec::new(),
            waited: Duration::ZERO,
            bodies: validators(),
        };
        github.hold(1, zip);
        github
    }

    /// Holds `zip` as the artifact of `attempt`, alone.
    pub(crate) fn hold(&mut self, attempt: u64, zip: Vec<u8>) {
        self.artifacts = vec![self.artifact(attempt, &zip)];
        self.zip = zip;
    }

    /// The listing of an artifact.
    pub(crate) fn artifact(&self, attempt: u64, zip: &[u8]) -> Value {
        let artifact = json!({
            "id": 11,
            "name": format!("tritgate-evidence-a{attempt}"),
            "size_in_bytes": zip.len(),
            "expired": false,
            "digest": format!("sha256:{}", Digest::of(zip)),
            "workflow_run": { "id": 7, "head_sha": self.head_sha },
        });
        example("artifact", artifact)
    }

    pub(crate) fn carry_out(&mut self, request: &Request) -> Response {
        let json = |status, value: Value| Response {
            status,
            body: value.to_string().into_bytes(),
            ..Response::default()
        };
        if request.route == self.storage {
            return Response { status: 200, body: self.zip.clone(), ..Response::default() };
        }
        let Some(route) = request.route.strip_prefix(REPOSITORY) else {
            return json(404, json!({ "message": "elsewhere" }));
        };
        let (path, query) = route.split_once('?').unwrap_or((route, ""));
        match &request.ask {
            Ask::Get if path == "/actions/runs/7/artifacts" => {
                json(200, json!({ "artifacts": page(&self.artifacts, query) }))
            }
            Ask::Get if path == "/actions/artifacts/11/zip" => Response {
                status: 302,
                location: Some(self.storage.clone()),
                ..Response::default()
            },
            Ask::Get if path.starts_with("/compare/") => {
                let known = self.compare.get(&path["/compare/".len()..]);
                known.map_or_else(|| json(404, json!({})), |known| json(200, known.clone()))
            }
            Ask::Raw => {
                let ours = (path == "/contents/ci%2Fpolicy.toml").then_some(query);
                let known = ours.and_then(|query| self.policies.get(query.strip_prefix("ref=")?));
                known.map_or_else(
                    || json(404, json!({})),
                    |text| Response { status: 200, body: text.clone(), ..Response::default() },
                )
            }
            Ask::Get if path == "/pulls" => {
                assert!(query.starts_with("head=someone%3Afeature%2Fx&state=open"), "{query}");
                json(200, Value::Array(self.pulls.clone()))
            }
            Ask::Get if path == "/pulls/5" => json(200, self.pulls[0].clone()),
            Ask::Get if path == "/issues/5/comments" => {
                json(200, Value::Array(page(&self.comments, query)))
            }
            Ask::Post(body) if path == "/issues/5/comments" => {
                let mut body: Value = serde_json::from_slice(body).unwrap();
                assert!(self.bodies[1].is_valid(&body), "{body}");
                body["id"] = json!(900 + self.comments.len());
                body["user"] = json!({ "login": AUTHOR });
                let made = example("comment", body);
                self.comments.push(made.clone());
                json(201, made)
            }
            Ask::Patch(body) if path.starts_with("/issues/comments/") => {
                let body: Value = serde_json::from_slice(body).unwrap();
                assert!(self.bodies[2].is_valid(&body), "{body}");
                let id: u64 = path.rsplit_once('/').unwrap().1.parse().unwrap();
                let known = self.comments.iter_mut().find(|known| known["id"] == id).unwrap();
                known["body"] = body["body"].clone();
                json(200, known.clone())
            }
            Ask::Get if path == format!("/commits/{}/check-runs", self.head_sha) => {
                let name = query.split('&').next().unwrap();
                let ours = self.check_runs.iter().filter(|run| {
                    name == format!(
                        "check_name={}",
                        run["name"].as_str().unwrap().replace(':', "%3A")
                    )
                });
                let ours: Vec<Value> = ours.cloned().collect();
                json(200, json!({ "check_runs": page(&ours, query) }))
            }
            Ask::Post(body) if path == "/check-runs" => {
                let mut body: Value = serde_json::from_slice(body).unwrap();
                assert!(self.bodies[0].is_valid(&body), "{body}");
                body["id"] = json!(100 + self.check_runs.len());
                let made = example("check-run", body);
                self.check_runs.push(made.clone());
                json(201, made)
            }
            _ => panic!("{request:?}"),
        }
    }

    /// Of all that was posted.
    pub(crate) fn conclusions(&self) -> Vec<&str> {
        self.check_runs.iter().map(|run| run["conclusion"].as_str().unwrap()).collect()
    }

    /// Nothing was posted twice.
    pub(crate) fn check_once_each(&self) {
        let mut ids: Vec<&str> =
            self.check_runs.iter().map(|run| run["external_id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        let n = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), n, "two of one id");
    }
}

fn page(all: &[Value], query: &str) -> Vec<Value> {
    let number: usize = query.rsplit_once("&page=").unwrap().1.parse().unwrap();
    assert!(query.contains("per_page=100"), "{query}");
    all.chunks(100).nth(number - 1).unwrap_or_default().to_vec()
}

impl Transport for GitHub {
    fn send(&mut self, request: &Request) -> Result<Response, NoAnswer> {
        let nth = self.asked.len();
        assert!(nth < 60, "it ends");
        self.asked.push(request.clone());
        let answer = |status, seconds: Option<u64>| Response {
            status,
            retry_after: seconds.map(Duration::from_secs),
            body: b"<html>::error::an error page</html>".to_vec(),
            location: None,
        };
        let response = match self.faults.get(&nth).copied() {
            None => self.carry_out(request),
            Some(Fault::Silence(carried_out)) => {
                if carried_out {
                    self.carry_out(request);
                }
                return Err(NoAnswer::Silence);
            }
            Some(Fault::Status(status, seconds)) => answer(status, seconds),
            Some(Fault::Lie(status)) => {
                self.carry_out(request);
                answer(status, None)
            }
            Some(Fault::Body(text)) => {
                let response = self.carry_out(request);
                Response { body: text.as_bytes().to_vec(), ..response }
            }
            Some(Fault::Led(to)) => {
                Response { status: 302, location: Some(to.to_owned()), ..Response::default() }
            }
        };
        if response.body.len() > request.max_bytes {
            return Err(NoAnswer::TooLarge);
        }
        Ok(response)
    }

    fn wait(&mut self, time: Duration) -> bool {
        let fits = self.waited + time <= Duration::from_secs(120);
        if fits {
            self.waited += time;
        }
        fits
    }
}
