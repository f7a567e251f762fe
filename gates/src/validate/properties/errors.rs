//! Wrong verdicts: a FAIL without a difference, a PASS of a slow-down that must not pass.
//! In: a plan. Out: a line for each cell, spread and truth.

use super::{EVERYDAY, key, shipped};
use crate::{
    decision::Rule,
    design::Design,
    policy::FailOn,
    validate::{
        Plan,
        cell::cell,
        line::{Demand, Line},
        simulate::{Case, MARGINS, sessions, tried},
    },
};

pub(super) fn false_fail(plan: Plan) -> Vec<Line> {
    let demand = Demand::AtMost(0.01, 0.015);
    let mut lines = Vec::new();
    // The last spread is that of processes that run seconds apart on a shared machine.
    let spreads = [&[0.01, 0.04, 0.1][..], &[0.3]];
    let of = |sds: &[f64]| -> Vec<(&str, f64)> {
        EVERYDAY.iter().flat_map(|name| sds.iter().map(|sd| (*name, *sd))).collect()
    };
    for (name, sd) in spreads.into_iter().flat_map(of) {
        for ratio in [1.0, MARGINS.0] {
            let case = Case::one(cell(name), sd, ratio);
            let ends = sessions(plan, key(1, lines.len()), &case, &tried(plan, shipped()));
            lines.push(Line::new("false-fail", case.name(), demand, ends.fail, ends.n));
        }
    }
    lines
}

pub(super) fn false_fail_hard(plan: Plan) -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, demand) in [
        ("correlated-pairs", Demand::at_most(0.02)),
        ("layout-8", Demand::at_most(0.02)),
        ("layout-4", Demand::at_most(0.02)),
        ("layout-1", Demand::Shown),
    ] {
        for sd in [0.01, 0.04] {
            for ratio in [1.0, MARGINS.0] {
                let case = Case::one(cell(name), sd, ratio);
                let ends = sessions(plan, key(2, lines.len()), &case, &tried(plan, shipped()));
                lines.push(Line::new("false-fail-hard", case.name(), demand, ends.fail, ends.n));
            }
        }
    }
    lines
}

pub(super) fn false_fail_few(plan: Plan) -> Vec<Line> {
    let rule = tried(plan, Rule::new(Design::new(&[8], 0.05, 0.01), FailOn::Standard));
    let mut lines = Vec::new();
    for name in ["normal", "stragglers"] {
        let case = Case::one(cell(name), 0.04, MARGINS.0);
        let ends = sessions(plan, key(3, lines.len()), &case, &rule);
        let demand = Demand::AtMost(0.01, 0.015);
        lines.push(Line::new("false-fail-few", case.name(), demand, ends.fail, ends.n));
    }
    lines
}

pub(super) fn false_fail_family(plan: Plan) -> Vec<Line> {
    let mut lines = Vec::new();
    for sd in [0.02, 0.04, 0.1] {
        for ratio in [1.0, MARGINS.0] {
            let case = Case::eight(cell("normal"), sd, ratio, ratio);
            let ends = sessions(plan, key(4, lines.len()), &case, &tried(plan, shipped()));
            // Designed for 1 %, and so it comes out; demanded is what a pull request can live with.
            let demand = Demand::AtMost(0.05, 0.05);
            lines.push(Line::new("false-fail-family", case.name(), demand, ends.fail, ends.n));
        }
    }
    lines
}

pub(super) fn false_pass(plan: Plan) -> Vec<Line> {
    let everyday = EVERYDAY.map(|name| (name, Demand::at_most(0.05)));
    let hard = [
        ("correlated-pairs", Demand::at_most(0.08)),
        ("layout-8", Demand::Shown),
        ("layout-4", Demand::Shown),
        ("layout-1", Demand::Shown),
    ];
    let mut lines = Vec::new();
    for (name, demand) in everyday.into_iter().chain(hard) {
        for sd in [0.01, 0.04] {
            let case = Case::one(cell(name), sd, MARGINS.1);
            let ends = sessions(plan, key(8, lines.len()), &case, &tried(plan, shipped()));
            lines.push(Line::new("false-pass", case.name(), demand, ends.first_passes, ends.n));
        }
    }
    lines
}
