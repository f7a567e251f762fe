//! The commit that a bundle is about: a gate holds for one commit and for no other.
//! In: the bundle, the commit that a reader expects. Out: nothing, or a refusal. No entry of the register: what is expected is no part
//! of the evidence.

use baselines::Evidence;

use super::{Class, Refusal};

/// Name of the rule.
const NAME: &str = "head-sha";

/// Why this bundle says nothing about the commit `expected` (in full): it is about another, about one that nobody knows, or
/// about one with uncommitted changes.
#[must_use]
pub fn check_head_sha(evidence: &Evidence, expected: &str) -> Option<Refusal> {
    // A bench target has no commit where its tree was not clean; the tool is another program then.
    let dirty = evidence.head.subject.engine().is_some() && evidence.head.tool.dirty == Some(true);
    let found = match &evidence.head_sha {
        Some(sha) if sha == expected && !dirty => return None,
        Some(sha) if dirty => format!("{} with uncommitted changes", crate::text::plain(sha)),
        Some(sha) => crate::text::plain(sha),
        None => "a commit that is not known".to_owned(),
    };
    Some(Refusal {
        rule: NAME,
        class: Class::Invalid,
        field: "head_sha".to_owned(),
        expected: expected.to_owned(),
        found,
        way_out: "a gate holds for one commit: run `bench gate` on a clean checkout of the commit that is asked for",
    })
}
