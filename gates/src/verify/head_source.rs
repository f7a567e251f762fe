//! The commit that a bundle is about is the one that the head was built from.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "head-source",
    class: Class::Invalid,
    demand: "The bundle is about the commit that the head was built from; of commands other than a bench target no commit is known.",
    way_out: "run `bench gate` again: a verdict on one commit says nothing about another",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let text = |commit: Option<&str>| commit.unwrap_or("none").to_owned();
    let built_from = evidence.head.commit_under_test();
    let said = evidence.head_sha.as_deref();
    let fault = Fault::unless_equal("head_sha", text(built_from), text(said));
    fault.into_iter().collect()
}
