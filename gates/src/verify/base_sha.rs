//! The commit that a bundle compares with: whoever chooses the base chooses its policy and its speed.
//! In: the bundle, the commit that a reader expects. Out: nothing, or a refusal. No entry of the register: what is expected is no part
//! of the evidence.

use baselines::Evidence;

use super::{Class, Refusal};

/// Name of the rule.
const NAME: &str = "base-sha";

/// Why this bundle does not compare with the commit `expected` (in full).
#[must_use]
pub fn check_base_sha(evidence: &Evidence, expected: &str) -> Option<Refusal> {
    let found = evidence.given.as_ref().and_then(|given| given.commit.as_deref());
    (found != Some(expected)).then(|| Refusal {
        rule: NAME,
        class: Class::Invalid,
        field: "given.commit".to_owned(),
        expected: expected.to_owned(),
        found: found.map_or_else(|| "no revision".to_owned(), crate::text::plain),
        way_out: "run `bench gate --base REV` with the revision that is asked for",
    })
}
