//! Checks are of the commit under test: a green run of the tests of another commit says nothing of this one.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "check-commit",
    class: Class::Incomparable,
    demand: "Every check ran on the clean commit of the head, where that is known, and the head was built from no other state.",
    way_out: "commit all changes and run `bench check` again, or remove the check's record from the folder `checks`",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let Some(commit) = head_commit(evidence) else { return Vec::new() };
    let mut faults = Vec::new();
    for (place, check) in evidence.checks.iter().enumerate() {
        if check.commit.as_deref() != Some(commit) {
            let found = check.commit.clone().unwrap_or_else(|| "no commit".to_owned());
            faults.push(Fault::new(format!("checks[{place}].commit"), commit, found));
        }
        if check.dirty != Some(false) {
            let found = if check.dirty.is_none() { "not known" } else { "changes" };
            faults.push(Fault::new(format!("checks[{place}].dirty"), "no changes", found));
        }
    }
    let of_the_engine = evidence.head.subject.engine().is_some();
    if of_the_engine && !evidence.checks.is_empty() && evidence.head.tool.dirty == Some(true) {
        let expected = "a head without changes, as the checks are of its commit";
        faults.push(Fault::new("head.tool.dirty", expected, "changes"));
    }
    faults
}

/// The commit under test: that of the engine, or of a bench target; of other commands nobody knows one.
fn head_commit(evidence: &Evidence) -> Option<&str> {
    let of_bench = || evidence.head.subject.command()?.bench.as_ref()?.commit.as_deref();
    evidence.head_sha.as_deref().or_else(of_bench)
}
