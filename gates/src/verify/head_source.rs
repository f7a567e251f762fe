//! The commit that a bundle is about is the one that the head was built from.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "head-source",
    class: Class::Invalid,
    demand: "The bundle is about the commit that the head was built from; of commands no commit is known.",
    way_out: "run `bench gate` again: a verdict on one commit says nothing about another",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let text = |commit: Option<&String>| commit.map_or("none", String::as_str).to_owned();
    let head = &evidence.head;
    let built_from = head.subject.engine().and(head.tool.commit.as_ref());
    let fault = Fault::unless_equal("head_sha", text(built_from), text(evidence.head_sha.as_ref()));
    fault.into_iter().collect()
}
