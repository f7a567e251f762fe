//! A session of triage in a bundle is one of the very builds that the bundle compares.

use baselines::{Evidence, RunRecord, record::Purpose};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "triage-arms",
    class: Class::Invalid,
    demand: "A session of triage in the bundle is stamped, and of the same two builds in the same code layouts, or of the same two commands.",
    way_out: "run `bench triage` of the builds that the gate compared; without it the gate says the same",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let Some(triage) = &evidence.triage else { return Vec::new() };
    let mut faults = Vec::new();
    for (arm, stamped, compared) in
        [("base", &triage.base, &evidence.base), ("head", &triage.head, &evidence.head)]
    {
        if stamped.purpose != Purpose::Triage {
            let found = format!("{:?}", stamped.purpose);
            faults.push(Fault::new(format!("triage.{arm}.purpose"), "Triage", found));
        }
        let field = format!("triage.{arm}.subject");
        faults.extend(Fault::unless_equal(&field, builds(compared), builds(stamped)));
        // Programs of commands are told by their files, and one shell runs them all.
        let (compared, stamped) = (compared.subject.command(), stamped.subject.command());
        if compared != stamped {
            let field = format!("triage.{arm}.subject.command");
            faults.push(Fault::new(field, format!("{compared:?}"), format!("{stamped:?}")));
        }
    }
    faults
}

/// The digests of every layout.
fn builds(record: &RunRecord) -> String {
    let mut all = record.subject.binary.to_string();
    for layout in &record.subject.layouts {
        all.push(' ');
        all.push_str(&layout.binary.to_string());
    }
    all
}
