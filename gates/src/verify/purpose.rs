//! No record is of a calibration: its head may be slowed on purpose, and its times are evidence of nothing.

use baselines::{RunRecord, record::Purpose};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "purpose",
    class: Class::Invalid,
    demand: "No record is of a calibration, whose head may be slowed on purpose.",
    way_out: "run `bench gate` or `bench run`; what `bench calibrate` measures is in its own document, and is no evidence",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    if record.purpose == Purpose::Calibration {
        vec![Fault::new("purpose", "Run, Baseline or Paired", "Calibration")]
    } else {
        Vec::new()
    }
}
