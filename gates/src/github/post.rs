//! Posting a check run once: looked for after every answer that leaves it open whether it was made, and before it is made where an
//! earlier attempt of this job may have made it.
//!
//! In: a check run and a transport. Out: where the check run is, or why it is not. A request to make one is never sent twice on a guess.

use std::time::Duration;

use serde::Deserialize;

use super::{
    check_run::CheckRun,
    transport::{ApiError, Ask, Request, Transport, WAITS, encoded, open, read, wait},
};

/// Pages of check runs of one commit and name that are read: GitHub keeps at most 1,000.
const PAGES: usize = 10;
const PER_PAGE: usize = 100;

/// What became of a check run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// Made, under this number.
    Made(u64),
    /// Made by an earlier attempt, under this number.
    Found(u64),
    /// Not made: a later attempt of the same run has posted its own.
    Superseded,
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

/// What looking for one came to.
enum Search {
    Found(u64),
    Superseded,
    Absent,
}

/// Posts `check_run` in `repository` (`owner/name`), unless it is there. `look_first`: an earlier attempt of this job may have made it.
///
/// # Errors
/// [`ApiError`]; with `Unclear` it may be there none the less, and posting it again with `look_first` finds it.
pub fn post(
    transport: &mut dyn Transport,
    repository: &str,
    check_run: &CheckRun,
    look_first: bool,
) -> Result<Posted, ApiError> {
    for (round, time) in WAITS.into_iter().enumerate() {
        if look_first || round > 0 {
            match find(transport, repository, check_run)? {
                Search::Found(id) if round == 0 => return Ok(Posted::Found(id)),
                Search::Found(id) => return Ok(Posted::Made(id)),
                Search::Superseded => return Ok(Posted::Superseded),
                Search::Absent => {}
            }
        }
        if let Some(id) = create(transport, repository, check_run, time)? {
            return Ok(Posted::Made(id));
        }
    }
    // The last request may have been carried out.
    match find(transport, repository, check_run)? {
        Search::Found(id) => Ok(Posted::Made(id)),
        Search::Superseded => Ok(Posted::Superseded),
        Search::Absent => Err(ApiError::Unclear),
    }
}

/// The number of what was made; `None`, after a wait, where it is not known whether it was.
fn create(
    transport: &mut dyn Transport,
    repository: &str,
    check_run: &CheckRun,
    time: Duration,
) -> Result<Option<u64>, ApiError> {
    let body = serde_json::to_vec(check_run).expect("text and fixed words");
    let request = Request::change(format!("/repos/{repository}/check-runs"), Ask::Post(body));
    let asked = match transport.send(&request) {
        Ok(response) if response.status == 201 => {
            // Made, whatever the body says: where it can't be read, the next look finds it.
            let made: Option<Known> = serde_json::from_slice(&response.body).ok();
            if let Some(made) = made {
                return Ok(Some(made.id));
            }
            None
        }
        Ok(response) => open(&response)?,
        Err(_) => None,
    };
    wait(transport, asked, time)?;
    Ok(None)
}

/// Looks for the check run. One of the same id that concludes something else is not ours: whoever may write check runs can guess the id.
fn find(
    transport: &mut dyn Transport,
    repository: &str,
    check_run: &CheckRun,
) -> Result<Search, ApiError> {
    let CheckRun { name, head_sha, external_id, status, conclusion, .. } = check_run;
    for page in 1..=PAGES {
        let name = encoded(name);
        let request = Request::get(format!(
            "/repos/{repository}/commits/{head_sha}/check-runs?check_name={name}&filter=all&per_page={PER_PAGE}&page={page}"
        ));
        let listed: Option<Listed> = read(transport, &request)?;
        let gone = ApiError::Refused(404, "no such commit in this repository for this token");
        let listed = listed.ok_or(gone)?;
        for known in &listed.check_runs {
            let Some(id) = known.external_id.as_deref() else { continue };
            let says = (known.status.as_deref(), known.conclusion.as_deref());
            if id == external_id && says == (Some(status), Some(conclusion)) {
                return Ok(Search::Found(known.id));
            }
            if is_later(id, external_id) {
                return Ok(Search::Superseded);
            }
        }
        if listed.check_runs.len() < PER_PAGE {
            break;
        }
    }
    Ok(Search::Absent)
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
