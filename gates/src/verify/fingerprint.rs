//! The fingerprint is the digest of the machine's own fields.

use baselines::RunRecord;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "fingerprint",
    class: Class::Invalid,
    demand: "The machine's fingerprint is the digest of its fields.",
    way_out: "run the session again: a field of the host or its fingerprint was edited",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let (computed, written) = (record.host.computed_fingerprint(), record.host.fingerprint);
    Fault::unless_equal("host.fingerprint", computed, written).into_iter().collect()
}
