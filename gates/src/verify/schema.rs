//! A bundle that is gated holds all that the rules look at: an old form would be a way around the newer ones.

use baselines::{Evidence, record::SchemaVersion};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "schema",
    class: Class::Incomparable,
    demand: "A bundle is of schema 1.2 or later: older ones have no challenge, no ids and no digests of their samples.",
    way_out: "measure again with this version of bench; old records stay readable as history",
    check: Check::Bundle(check),
};

/// The first version whose records hold ids, a challenge, and digests of their samples.
pub(super) const CHAINED: SchemaVersion = SchemaVersion { major: 1, minor: 2 };

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let old = (evidence.version < CHAINED).then(|| {
        Fault::new("version", format!("{CHAINED} or later"), evidence.version.to_string())
    });
    old.into_iter().collect()
}
