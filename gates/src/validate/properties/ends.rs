//! How sessions end: without a verdict, or early. In: a plan. Out: a line for each spread and truth.

use super::{key, shipped};
use crate::validate::{
    Plan,
    cell::cell,
    line::{Demand, Line},
    simulate::{Case, MARGINS, sessions, tried},
};

pub(super) fn inconclusive(plan: Plan) -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, demand) in [("normal", Demand::at_most(0.05)), ("stragglers", Demand::Shown)] {
        for ratio in [1.0, MARGINS.1, 1.1] {
            let case = Case::one(cell(name), 0.04, ratio);
            let ends = sessions(plan, key(9, lines.len()), &case, &tried(plan, shipped()));
            lines.push(Line::new("inconclusive", case.name(), demand, ends.inconclusive, ends.n));
        }
    }
    lines
}

/// The first look is at 16 pairs: half of the sessions there, and the mean is about 20 at most.
pub(super) fn first_look(plan: Plan) -> Vec<Line> {
    let mut lines = Vec::new();
    for (sd, demand) in
        [(0.01, Demand::AtLeast(0.5)), (0.02, Demand::AtLeast(0.5)), (0.04, Demand::Shown)]
    {
        let case = Case::eight(cell("normal"), sd, 1.0, 1.0);
        let ends = sessions(plan, key(13, lines.len()), &case, &tried(plan, shipped()));
        lines.push(Line::new("first-look", case.name(), demand, ends.at_first_look, ends.n));
    }
    lines
}
