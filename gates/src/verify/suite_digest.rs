//! The digest of a suite is that of the definition beside it.

use baselines::RunRecord;

use super::{Check, Class, Fault, Rule, schema::CHAINED};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "suite-digest",
    class: Class::Invalid,
    demand: "The suite's digest is that of its rounds, workloads, parameters and metrics.",
    way_out: "measure again: the definition beside the digest is not what ran",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let command = record.subject.command();
    if command.is_some() && record.version < CHAINED {
        // Its canonical form was another one.
        return Vec::new();
    }
    let line = command.filter(|command| command.bench.is_some()).map(|command| &*command.line);
    let computed = record.suite.computed_digest(line);
    Fault::unless_equal("suite.digest", computed, record.suite.digest).into_iter().collect()
}
