//! Both arms come from one paired session.

use baselines::{Evidence, record::Purpose};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "one-session",
    class: Class::Invalid,
    demand: "Both arms are those of one paired session with one seed.",
    way_out: "run `bench gate`; records of different sessions go to `bench compare`, which gives no verdict",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let (base, head) = (&evidence.base, &evidence.head);
    let mut faults = Vec::new();
    faults.extend(Fault::unless_equal("head.session", &base.session, &head.session));
    faults.extend(Fault::unless_equal("head.seed", base.seed, head.seed));
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if base.session.len() != 32 || !base.session.bytes().all(hex) {
        faults.push(Fault::new("base.session", "32 hex digits", base.session.clone()));
    }
    for (field, record) in [("base.purpose", base), ("head.purpose", head)] {
        // A triage is no gate, which the rule `purpose` says; a paired session it is.
        if ![Purpose::Paired, Purpose::Triage].contains(&record.purpose) {
            faults.push(Fault::new(field, "Paired", format!("{:?}", record.purpose)));
        }
    }
    for (field, end, other) in [
        ("head.started_at", &head.started_at, &base.started_at),
        ("head.ended_at", &head.ended_at, &base.ended_at),
    ] {
        faults.extend(Fault::unless_equal(field, other, end));
    }
    faults
}
