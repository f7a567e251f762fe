//! From an artifact to what is posted: the evidence in it, judged anew.
//!
//! No verdict of the measuring run is read. Which commit is under test and which one it is compared with is said by GitHub, by which
//! policy by the base's commit; the evidence is held to all three.

use baselines::Evidence;

use super::{
    Refused, artifact,
    check_run::{CheckRun, check_runs, refused},
    event::MeasuredRun,
};
use crate::{Derived, check_base_sha, check_head_sha, derive};

/// What an artifact is judged by, none of it from the artifact.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The run that it is of.
    pub run: &'a MeasuredRun,
    /// The commit that the change is to be compared with, in full.
    pub base_sha: &'a str,
    /// The policy at that commit.
    pub policy: &'a str,
}

/// The check runs of an artifact's bytes. Bad evidence is a failure of every gate that names the rule, never a silence.
#[must_use]
pub fn judge(artifact: &[u8], ground: &Ground<'_>) -> Vec<CheckRun> {
    match derived(artifact, ground) {
        Ok(derived) => check_runs(&derived, ground.run),
        Err(refusal) => refused(&refusal, ground.run),
    }
}

fn derived(artifact: &[u8], ground: &Ground<'_>) -> Result<Derived, Refused> {
    let refuse = |rule, text: &str| Refused { rule, text: text.to_owned() };
    if !ground.run.succeeded {
        return Err(refuse(
            "measured",
            "expected a measuring run that succeeded, found one that did not; see its log",
        ));
    }
    let bytes = artifact::evidence(artifact)?;
    // The reader's own message quotes what it found.
    let mut evidence = Evidence::from_json(&bytes).map_err(|_| {
        refuse("bundle", "expected an evidence bundle that can be read, found other text; `bench verify` says where it is not")
    })?;
    let commits = [
        check_head_sha(&evidence, &ground.run.head_sha),
        check_base_sha(&evidence, ground.base_sha),
    ];
    if let Some(refusal) = commits.into_iter().flatten().next() {
        let text = format!(
            "expected evidence about {}, found another or none; {}",
            refusal.expected, refusal.way_out
        );
        return Err(refuse(refusal.rule, &text));
    }
    ground.policy.clone_into(&mut evidence.policy);
    evidence.policy_commit = None;
    derive(&evidence).map_err(|_| {
        refuse(
            "policy",
            "expected a policy that can be read at the base's commit, found other text",
        )
    })
}
