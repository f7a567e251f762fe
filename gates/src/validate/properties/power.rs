//! Slow-downs that must be found. In: a plan. Out: a line for each size, spread and family.

use rayon::prelude::*;

use super::{key, shipped};
use crate::{
    decision::{Margins, Rule, decide},
    validate::{
        Plan,
        cell::cell,
        line::{Demand, Line},
        noise::Noise,
        simulate::{Case, MARGINS, sessions, tried},
    },
};

pub(super) fn detect_5(plan: Plan) -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, alone, of_eight) in [("normal", 0.95, 0.94), ("stragglers", 0.93, 0.84)] {
        for (case, least) in [
            (Case::one(cell(name), 0.04, 1.05), alone),
            (Case::eight(cell(name), 0.04, 1.05, 1.0), of_eight),
        ] {
            let ends = sessions(plan, key(5, lines.len()), &case, &tried(plan, shipped()));
            let demand = Demand::AtLeast(least);
            lines.push(Line::new("detect-5", case.name(), demand, ends.first_fails, ends.n));
        }
    }
    lines
}

pub(super) fn detect_10(plan: Plan) -> Vec<Line> {
    let mut lines = Vec::new();
    for name in ["normal", "log-normal", "stragglers"] {
        let case = Case::one(cell(name), 0.06, 1.1);
        let ends = sessions(plan, key(6, lines.len()), &case, &tried(plan, shipped()));
        let demand = Demand::AtLeast(0.99);
        lines.push(Line::new("detect-10", case.name(), demand, ends.first_fails, ends.n));
    }
    lines
}

pub(super) fn detect_2_quiet(plan: Plan) -> Vec<Line> {
    let case = Case { margins: (1.005, 1.02), ..Case::one(cell("normal"), 0.01, 1.02) };
    let ends = sessions(plan, key(7, 0), &case, &tried(plan, shipped()));
    vec![Line::new("detect-2-quiet", case.name(), Demand::AtLeast(0.9), ends.first_fails, ends.n)]
}

/// The truth is the mean of what sessions without a difference print.
pub(super) fn power_as_printed(plan: Plan) -> Vec<Line> {
    let rule = tried(plan, shipped());
    let mut lines = Vec::new();
    for sd in [0.06, 0.08] {
        for family in [1, 8] {
            let simulation = key(12, lines.len());
            let ratio = printed(plan, simulation, sd, &rule, family).exp();
            let case = Case { family, ..Case::one(cell("normal"), sd, ratio) };
            let ends = sessions(plan, simulation + 500, &case, &rule);
            let demand = Demand::Within(0.85, 0.97);
            lines.push(Line::new(
                "power-as-printed",
                case.name(),
                demand,
                ends.first_fails,
                ends.n,
            ));
        }
    }
    lines
}

/// Mean of the detectable log ratios that sessions of SD `sd` print.
fn printed(plan: Plan, simulation: u64, sd: f64, rule: &Rule, family: usize) -> f64 {
    let margins = Margins { m0: libm::log(MARGINS.0), m1: libm::log(MARGINS.1) };
    let n = plan.sessions.min(2_000);
    let one = |session: u32| {
        let mut noise = Noise::new(plan.seed, simulation, session);
        let pairs = (cell("normal").draw)(&mut noise, sd, rule.design.last().pairs);
        let decided = decide(&[(Some(&pairs), margins)], rule);
        let found = decided.metrics[0].as_ref().expect("the draws are finite");
        rule.detectable(found, margins, family)
    };
    let detectable: Vec<f64> = (0..n).into_par_iter().map(one).collect();
    detectable.iter().sum::<f64>() / f64::from(n)
}
