//! The artifact of a measuring run: listed, held to the run, downloaded.
//!
//! In: a run that the event named, and the artifact's name. Out: its bytes, hostile still; or the rule that refuses it. Nothing is
//! believed of an artifact but what GitHub itself says about it. The token goes to the API alone: the storage that the download leads
//! to is asked without it.

use baselines::Digest;
use serde::Deserialize;

use super::{
    Refused,
    artifact::MAX_ARTIFACT,
    event::MeasuredRun,
    publish::Ended,
    require,
    transport::{ApiError, Ask, NoAnswer, Request, Response, Transport, WAITS, open, read, wait},
};

/// Name of the rule.
pub(super) const RULE: &str = "artifact";
/// Pages of a run's artifacts that are read.
const PAGES: usize = 10;
const PER_PAGE: usize = 100;
/// Addresses that a download is led to one after the other.
const REDIRECTS: usize = 3;

#[derive(Deserialize)]
struct Listed {
    artifacts: Vec<Artifact>,
}

#[derive(Deserialize)]
struct Artifact {
    id: u64,
    name: String,
    size_in_bytes: u64,
    expired: bool,
    digest: Option<String>,
    workflow_run: Option<OfRun>,
}

#[derive(Deserialize)]
struct OfRun {
    id: Option<u64>,
    head_sha: Option<String>,
}

/// The bytes of the artifact `stem-aN` of attempt N of `run`.
///
/// # Errors
/// `Refused` by [`RULE`] where there is not exactly one, of this run and commit, whole and of a size that is read; `Superseded` where a
/// later attempt has left its own; else what GitHub answered.
pub(super) fn artifact(
    transport: &mut dyn Transport,
    repository: &str,
    run: &MeasuredRun,
    stem: &str,
) -> Result<Vec<u8>, Ended> {
    let mut ours = Vec::new();
    for page in 1..=PAGES {
        let request = Request::get(format!(
            "/repos/{repository}/actions/runs/{}/artifacts?per_page={PER_PAGE}&page={page}",
            run.id
        ));
        let listed: Option<Listed> = read(transport, &request)?;
        let gone = || refused("expected the run's artifacts, found no such run".to_owned());
        let listed = listed.ok_or_else(gone)?;
        let is_last = listed.artifacts.len() < PER_PAGE;
        for artifact in listed.artifacts {
            match attempt(&artifact.name, stem) {
                Some(attempt) if attempt > run.attempt => return Err(Ended::Superseded),
                Some(attempt) if attempt == run.attempt => ours.push(artifact),
                _ => {}
            }
        }
        if is_last {
            break;
        }
    }
    let name = format!("{stem}-a{}", run.attempt);
    let count = ours.len();
    let [artifact] = <[Artifact; 1]>::try_from(ours).map_err(|_| {
        refused(format!(
            "expected one artifact `{name}` of the run, found {count}: the measuring job uploads its evidence under this name"
        ))
    })?;
    check(!artifact.expired, || {
        format!("expected the artifact `{name}`, found that it has expired: measure again")
    })?;
    let of = artifact.workflow_run.as_ref();
    check(
        of.is_some_and(|of| of.id == Some(run.id) && of.head_sha.as_ref() == Some(&run.head_sha)),
        || format!("expected the artifact `{name}` of this run and commit, found one of another"),
    )?;
    check(artifact.size_in_bytes <= MAX_ARTIFACT as u64, || {
        format!("expected at most {MAX_ARTIFACT} bytes, found {}", artifact.size_in_bytes)
    })?;
    let route = format!("/repos/{repository}/actions/artifacts/{}/zip", artifact.id);
    let bytes = download(transport, &route)?;
    if let Some(digest) = &artifact.digest {
        let found = format!("sha256:{}", Digest::of(&bytes));
        check(*digest == found, || {
            "expected the bytes that were uploaded, found others: their SHA-256 is another"
                .to_owned()
        })?;
    }
    Ok(bytes)
}

/// The attempt in `stem-aN`.
fn attempt(name: &str, stem: &str) -> Option<u64> {
    let number = name.strip_prefix(stem)?.strip_prefix("-a")?;
    let attempt: u64 = number.parse().ok()?;
    (attempt.to_string() == number).then_some(attempt)
}

/// Follows the answer to where the bytes are, and asks again from the start where that may help.
fn download(transport: &mut dyn Transport, route: &str) -> Result<Vec<u8>, Ended> {
    for time in WAITS {
        let asked = match follow(transport, route)? {
            Ok(response) if response.status == 200 => return Ok(response.body),
            Ok(response) if matches!(response.status, 404 | 410) => {
                let text = "expected the artifact's bytes, found that they are gone: measure again";
                return Err(refused(text.to_owned()).into());
            }
            Ok(response) if response.status < 300 => None,
            Ok(response) => open(&response)?,
            Err(NoAnswer::Silence) => None,
            Err(NoAnswer::TooLarge) => {
                let text = format!("expected at most {MAX_ARTIFACT} bytes, found more");
                return Err(refused(text).into());
            }
        };
        wait(transport, asked, time)?;
    }
    Err(ApiError::Unclear.into())
}

/// The answer at the end of the way.
fn follow(
    transport: &mut dyn Transport,
    route: &str,
) -> Result<Result<Response, NoAnswer>, Refused> {
    let mut route = route.to_owned();
    for _ in 0..=REDIRECTS {
        let request = Request { route, ask: Ask::Get, max_bytes: MAX_ARTIFACT };
        let response = match transport.send(&request) {
            Ok(response) => response,
            Err(none) => return Ok(Err(none)),
        };
        if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
            return Ok(Ok(response));
        }
        route = response.location.unwrap_or_default();
        check(is_safe(&route), || {
            "expected to be led to an `https://` address, found another".to_owned()
        })?;
    }
    Err(refused(format!("expected at most {REDIRECTS} redirects, found more")))
}

/// Whether nobody on the way can read or change what is sent: encrypted, or not leaving this machine.
#[must_use]
pub fn is_safe(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]_".contains(c);
    if authority.is_empty() || !authority.chars().all(plain) {
        return false;
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
    });
    match scheme {
        "https" => true,
        "http" => matches!(host, "127.0.0.1" | "localhost" | "[::1]"),
        _ => false,
    }
}

fn check(holds: bool, text: impl FnOnce() -> String) -> Result<(), Refused> {
    require(RULE, holds, text)
}

fn refused(text: String) -> Refused {
    Refused { rule: RULE, text }
}

#[cfg(test)]
mod tests {
    use super::{attempt, is_safe};

    #[test]
    fn an_attempt_is_read_from_its_own_names_only() {
        for (name, want) in [
            ("evidence-a1", Some(1)),
            ("evidence-a12", Some(12)),
            ("evidence-a01", None),
            ("evidence-a+1", None),
            ("evidence-a", None),
            ("evidence-a1-x", None),
            ("other-evidence-a1", None),
        ] {
            assert_eq!(attempt(name, "evidence"), want, "{name}");
        }
    }

    #[test]
    fn only_what_is_encrypted_or_stays_here_is_safe() {
        for address in [
            "https://api.github.com",
            "https://ghes.example:8443/api/v3",
            "http://127.0.0.1:4010/x?y",
            "http://localhost",
            "http://[::1]:80/",
        ] {
            assert!(is_safe(address), "{address}");
        }
        for address in [
            "http://api.github.com",
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example/",
            "http://evil.example#127.0.0.1",
            "https://",
            "https://user:pass@api.github.com",
            "https://a b",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "api.github.com",
            "",
        ] {
            assert!(!is_safe(address), "{address}");
        }
    }
}
