//! Every process ran a layout that its arm lists, and no layout was left out.

use baselines::RunRecord;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "layouts",
    class: Class::Invalid,
    demand: "Each process ran one of its arm's code layouts, the first of which is the binary; none is listed twice or left out.",
    way_out: "run `bench gate` again and let it finish; each layout of a build takes its turn",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let (subject, n) = (&record.subject, record.subject.n_layouts());
    let mut faults = Vec::new();
    if let Some(first) = subject.layouts.first() {
        faults.extend(Fault::unless_equal("subject.layouts[0]", subject.binary, first.binary));
    }
    for (place, layout) in subject.layouts.iter().enumerate() {
        let twice = subject.layouts[..place].iter().any(|other| other.binary == layout.binary);
        if twice {
            let found = layout.binary.short();
            faults.push(Fault::new(
                "subject.layouts",
                "each binary once",
                format!("{found} twice"),
            ));
        }
    }
    for process in record.processes.iter().filter(|process| process.layout >= n) {
        let field = format!("process {}, layout", process.order);
        faults.push(Fault::new(field, format!("below {n}"), process.layout.to_string()));
    }
    // A session that ends early may have too few processes for all.
    let enough = record.processes.len() as u64 >= n;
    let ran = |layout: u64| record.processes.iter().any(|process| process.layout == layout);
    for layout in (0..n).filter(|layout| enough && !ran(*layout)) {
        faults.push(Fault::new("processes", format!("one with layout {layout}"), "none"));
    }
    faults
}
