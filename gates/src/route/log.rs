//! The hop log: how often a change was measured again and mended, and the log as it stands in `route.json`.
//! In: earlier hops, or the bytes of a route document. Out: counts, or hops.

use baselines::{
    Digest,
    evidence::{HOPS_MAX, Hop},
};
use serde::{Deserialize, Serialize};

use crate::{
    Error, ErrorKind, Result,
    gate::{self, Ordered},
    policy::Routes,
};

/// Rounds that a change has behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rounds {
    /// Times that this commit was sent to be measured again.
    pub remeasurements: usize,
    /// Other commits that were sent to be mended.
    pub attempts: usize,
}

impl Rounds {
    /// Counts since the last hop to the stage after a pass.
    ///
    /// A hop that rests on the bundle `own`, or on one that an earlier hop rests on, is the same decision again and is not
    /// counted. A commit that is not known counts toward both limits: as this one for re-measurements, as one of its own for
    /// attempts. So a log without commits comes to an end as well.
    #[must_use]
    pub fn of(hops: &[Hop], own: Digest, head_sha: Option<&str>, routes: &Routes) -> Self {
        let since = hops.iter().rposition(|hop| hop.to == routes.pass).map_or(0, |place| place + 1);
        let window = &hops[since..];
        let is_first = |place: usize, hop: &Hop| {
            hop.evidence != own
                && !window[..place].iter().any(|other| other.evidence == hop.evidence)
        };
        let mut rounds = Self::default();
        let mut mended: Vec<&str> = Vec::new();
        for (_, hop) in window.iter().enumerate().filter(|(place, hop)| is_first(*place, hop)) {
            let sha = hop.head_sha.as_deref();
            let is_known = sha.is_some() && head_sha.is_some();
            let to_measure = hop.to == routes.inconclusive || hop.to == routes.fail_unconfirmed;
            if to_measure && (!is_known || sha == head_sha) {
                rounds.remeasurements += 1;
            }
            if hop.to == routes.fail {
                match sha {
                    None => rounds.attempts += 1,
                    Some(sha) if head_sha != Some(sha) && !mended.contains(&sha) => {
                        mended.push(sha);
                        rounds.attempts += 1;
                    }
                    Some(_) => {}
                }
            }
        }
        rounds
    }
}

/// As much of a route document as the log needs.
#[derive(Deserialize)]
struct Document {
    version: String,
    to: String,
    rule: String,
    verdict: String,
    hops: Option<Vec<WireHop>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireHop {
    at: String,
    from: String,
    to: String,
    rule: String,
    verdict: String,
    head_sha: Option<String>,
    evidence: String,
}

/// The hops that a route document ends with, the newest [`HOPS_MAX`] of them, oldest first: what the next gate takes over.
/// Documents before 1.2 had none.
///
/// # Errors
/// `ErrorKind::Route`: no route document, one of a newer version, or a log that is not in order.
pub fn read_hops(bytes: &[u8]) -> Result<Vec<Hop>> {
    let document: Document = serde_json::from_slice(bytes)
        .map_err(|error| fault(format!("expected a route document of `bench gate`: {error}")))?;
    let Document { version, to, rule, verdict, hops } = document;
    let minor = version.strip_prefix("1.").and_then(|minor| minor.parse::<u32>().ok());
    let known = gate::GATE_VERSION.strip_prefix("1.").and_then(|minor| minor.parse().ok());
    if minor.is_none() || minor > known || to.is_empty() || rule.is_empty() || verdict.is_empty() {
        return Err(fault(format!(
            "expected a route document of version 1.0 to {}, found version {version:?} to {to:?}",
            gate::GATE_VERSION
        )));
    }
    let hops = match hops {
        Some(hops) => hops,
        None if minor < Some(2) => Vec::new(),
        None => return Err(fault(format!("`hops`: expected in version {version}, found nothing"))),
    };
    // Earlier hops and the decision itself.
    let n = hops.len();
    if n > HOPS_MAX + 1 {
        return Err(fault(format!("`hops`: expected at most {}, found {n}", HOPS_MAX + 1)));
    }
    let hops: Vec<Hop> = hops.into_iter().map(hop).collect::<Result<_>>()?;
    let kept = hops[n.saturating_sub(HOPS_MAX)..].to_vec();
    Hop::check_log("route document", &kept).map_err(|error| fault(error.to_string()))?;
    Ok(kept)
}

fn hop(wire: WireHop) -> Result<Hop> {
    let WireHop { at, from, to, rule, verdict, head_sha, evidence } = wire;
    let digest = evidence.parse().map_err(|_| {
        let found = evidence.chars().take(80).collect::<String>();
        fault(format!("`hops.evidence`: expected a SHA-256, found {found:?}"))
    })?;
    Ok(Hop { at, from, to, rule, verdict, head_sha, evidence: digest })
}

fn fault(context: String) -> Error {
    Error::new(ErrorKind::Route, context)
}

/// Where a gate that has not ended sends the work, whatever the policy calls its stages.
const UNFINISHED_TO: &str = "blocked";

#[derive(Serialize)]
struct Unfinished {
    version: &'static str,
    to: &'static str,
    rule: &'static str,
    verdict: &'static str,
    exit_code: u8,
    hops: Option<Vec<Ordered>>,
}

/// The route document that stands while a gate runs, and is left where one does not end: never green, and the log is kept.
///
/// `None` is a log that cannot be read: [`read_hops`] refuses such a document too, so that nobody takes it for an empty log.
#[must_use]
pub fn unfinished(hops: Option<&[Hop]>) -> Vec<u8> {
    gate::to_json(&Unfinished {
        version: gate::GATE_VERSION,
        to: UNFINISHED_TO,
        rule: "a gate was started and has not ended",
        verdict: "incomparable",
        exit_code: 5,
        hops: hops.map(|hops| hops.iter().map(ordered).collect()),
    })
}

/// A hop as an object of the document.
pub(super) fn ordered(hop: &Hop) -> Ordered {
    Ordered(vec![
        ("at", hop.at.as_str().into()),
        ("from", hop.from.as_str().into()),
        ("to", hop.to.as_str().into()),
        ("rule", hop.rule.as_str().into()),
        ("verdict", hop.verdict.as_str().into()),
        ("head_sha", hop.head_sha.clone().into()),
        ("evidence", hop.evidence.to_string().into()),
    ])
}
