//! From an artifact to what is posted: the evidence in it, judged anew.
//!
//! No verdict of the measuring run is read. Which commit is under test and which one it is compared with is said by GitHub, by which
//! policy by the base's commit; the evidence is held to all three. No bytes make it panic; if some do, that is a failure too.

use std::panic::{AssertUnwindSafe, catch_unwind};

use baselines::{Digest, Evidence};

use super::{
    Refused, artifact,
    check_run::{CheckRun, SetUp, check_runs, refused},
    event::MeasuredRun,
};
use crate::{Derived, check_base_sha, check_head_sha, derive};

/// What evidence is judged by, none of it from the evidence.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The run that it is of.
    pub run: &'a MeasuredRun,
    /// The commit that the change is to be compared with, in full.
    pub base_sha: &'a str,
    /// The policy at that commit, what the change edits of what measures it, and what is shown beside the verdict.
    pub set_up: &'a SetUp,
}

/// The evidence in the bytes of an artifact, and the SHA-256 of its file.
///
/// # Errors
/// [`Refused`] for bytes that hold no bundle that can be read.
pub fn open(artifact: &[u8]) -> Result<(Evidence, Digest), Refused> {
    guarded(|| {
        let bytes = artifact::evidence(artifact)?;
        // The reader's own message quotes what it found.
        let read = Evidence::from_json(&bytes).map(|evidence| (evidence, Digest::of(&bytes)));
        read.map_err(|_| {
            refuse("bundle", "expected an evidence bundle that can be read, found other text; `bench verify` says where it is not")
        })
    })
}

/// The check runs of evidence. What does not hold is a failure of every gate that names the rule, never a silence.
#[must_use]
pub fn judge(evidence: Evidence, ground: &Ground<'_>) -> Vec<CheckRun> {
    let judged = guarded(|| Ok(check_runs(&derived(evidence, ground)?, ground.run, ground.set_up)));
    judged.unwrap_or_else(|refusal| refused(&refusal, ground.run))
}

fn derived(mut evidence: Evidence, ground: &Ground<'_>) -> Result<Derived, Refused> {
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
    ground.set_up.policy.clone_into(&mut evidence.policy);
    evidence.policy_commit = None;
    derive(&evidence).map_err(|_| {
        refuse(
            "policy",
            "expected a policy that can be read at the base's commit, found other text",
        )
    })
}

fn guarded<T>(what: impl FnOnce() -> Result<T, Refused>) -> Result<T, Refused> {
    let panicked = |_| {
        Err(refuse(
            "reader",
            "expected to read the evidence to its end, found a fault of the reader: please report it with the evidence",
        ))
    };
    // Nothing that it holds is looked at again.
    catch_unwind(AssertUnwindSafe(what)).unwrap_or_else(panicked)
}

fn refuse(rule: &'static str, text: &str) -> Refused {
    Refused { rule, text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{Refused, guarded};

    #[test]
    fn a_panic_is_a_refusal_that_does_not_say_what_it_met() {
        let done: Result<(), Refused> = guarded(|| panic!("::error::of the evidence"));
        let refusal = done.unwrap_err();
        assert_eq!(refusal.rule, "reader");
        assert!(!refusal.text.contains("::"), "{refusal}");
        assert_eq!(guarded(|| Ok(7)), Ok(7));
    }
}
