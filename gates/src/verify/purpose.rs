//! No record is of a calibration, whose head may be slowed on purpose, or of a triage, whose passes are stamped: neither is
//! evidence of a gate.

use baselines::{RunRecord, record::Purpose};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "purpose",
    class: Class::Invalid,
    demand: "No record is of a calibration, whose head may be slowed on purpose, or of a triage, whose passes are stamped.",
    way_out: "run `bench gate` or `bench run`; what `bench calibrate` and `bench triage` measure is in documents of their own, and is no evidence of a gate",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    match record.purpose {
        Purpose::Run | Purpose::Baseline | Purpose::Paired => Vec::new(),
        other => vec![Fault::new("purpose", "Run, Baseline or Paired", format!("{other:?}"))],
    }
}
