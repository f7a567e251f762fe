//! A scripted session of a change against the revision it is based on.

use baselines::{Evidence, evidence::Given};
use gates::DEFAULT_POLICY;

/// A session of a pull request against a revision; the head takes `head_factor` times as long.
pub(crate) fn session(head_factor: f64) -> Evidence {
    let mut evidence = baselines::testing::evidence(1, head_factor);
    DEFAULT_POLICY.clone_into(&mut evidence.policy);
    evidence.baseline = None;
    let commit = evidence.base.tool.commit.clone();
    evidence.given = Some(Given { asked: "HEAD~1".to_owned(), commit });
    for record in [&mut evidence.base, &mut evidence.head] {
        record.tool.dirty = Some(false);
    }
    baselines::testing::reseal(&mut evidence);
    evidence
}
