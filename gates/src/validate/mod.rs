//! The error rates that the decision promises, measured: seeded sessions with a known truth, judged by the rule itself.
//!
//! In: how many sessions a cell gets, a seed, and a fault to plant, if any. Out: a [`Line`] for each demand, with the rate
//! measured, its exact 95 % interval and whether the demand holds. What is demanded, and why: `docs/statistics.md`.
//!
//! Every session draws from a generator of its own, keyed by seed, simulation and session: the lines are the same for any
//! number of threads.

mod cell;
mod fault;
mod line;
pub(crate) mod noise;
mod properties;
mod simulate;

pub use cell::{CELLS, Cell};
pub use fault::Fault;
pub use line::{Demand, Line};
pub use properties::{PROPERTIES, Property};

/// What is to be simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Sessions of each cell.
    pub sessions: u32,
    /// Root seed.
    pub seed: u64,
    /// A rule that is known to be wrong, in place of the right one.
    pub fault: Option<Fault>,
}

impl Plan {
    /// What the promises are held to: 40,000 sessions a cell, so that a rate of 0.8 % is told from 1 %.
    pub const FULL: Self = Self { sessions: 40_000, seed: 42, fault: None };
}

/// Simulates every property, in the order of the page.
#[must_use]
pub fn run(plan: Plan) -> Vec<Line> {
    PROPERTIES.iter().flat_map(|property| (property.lines)(plan)).collect()
}
