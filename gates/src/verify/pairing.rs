//! Every pair has one process of each arm, in a counterbalanced order.

use baselines::{Evidence, record::Process};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "pairing",
    class: Class::Invalid,
    demand: "Every pair has one process of each arm, and each arm is first in half of the pairs.",
    way_out: "run `bench gate` again and let it finish; no process may be left out afterwards",
    check: Check::Bundle(check),
};

/// The place that pair and position imply; none for a pair beyond all numbers.
fn order_of(process: &Process) -> Option<u64> {
    process.pair.checked_mul(2)?.checked_add(process.position)
}

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let (base, head) = (&evidence.base.processes, &evidence.head.processes);
    let mut faults = Vec::new();
    faults.extend(Fault::unless_equal("head.processes", base.len(), head.len()));
    let mut both: Vec<&Process> = base.iter().chain(head).collect();
    both.sort_by_key(|process| process.order);
    for (place, process) in (0_u64..).zip(&both) {
        let field = format!("process {} of pair {}", process.order, process.pair);
        if process.order != place
            || Some(process.order) != order_of(process)
            || process.position > 1
        {
            faults.push(Fault::new(
                field,
                format!("place {place} of the session"),
                format!("position {}", process.position),
            ));
        }
    }
    for (arm, processes) in [("base", base), ("head", head)] {
        let in_order = processes.windows(2).all(|two| two[0].pair < two[1].pair);
        if !in_order {
            faults.push(Fault::new(
                format!("{arm}.processes"),
                "one process per pair, in order",
                "another order",
            ));
        }
    }
    let base_first = base.iter().filter(|process| process.position == 0).count();
    if base_first.abs_diff(base.len() - base_first) > 1 {
        let expected = format!("the base first in half of {} pairs", base.len());
        faults.push(Fault::new("base.processes", expected, format!("first in {base_first}")));
    }
    faults
}
