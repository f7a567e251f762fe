//! The stamps of one record: well formed, ends after starts, processes inside their session.

use baselines::{RunRecord, timestamp::parse_ms};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "timestamps",
    class: Class::Invalid,
    demand: "Every process lies inside its session, and ends after it starts.",
    way_out: "run the session again; times are stamped by the program, never written by hand",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut stamps = vec![("started_at".to_owned(), record.started_at.as_str())];
    for (place, process) in record.processes.iter().enumerate() {
        let field = |end: &str| format!("processes[{place}].{end}");
        if process.started_at == process.ended_at {
            faults.push(Fault::new(
                field("ended_at"),
                "after started_at",
                process.ended_at.clone(),
            ));
        }
        stamps.push((field("started_at"), &process.started_at));
        stamps.push((field("ended_at"), &process.ended_at));
    }
    stamps.push(("ended_at".to_owned(), &record.ended_at));
    for (field, stamp) in &stamps {
        if parse_ms(stamp).is_none() {
            faults.push(Fault::new(field, "a UTC time like 2026-03-02T09:00:00.000Z", *stamp));
        }
    }
    for two in stamps.windows(2) {
        let ((earlier, first), (later, second)) = (&two[0], &two[1]);
        if parse_ms(first).zip(parse_ms(second)).is_some_and(|(first, second)| first > second) {
            faults.push(Fault::new(later, format!("not before {earlier} ({first})"), *second));
        }
    }
    faults
}
