//! History: where the level of one workload's log times changed for good, over the runs of one kind of machine.
//!
//! In: points of one fingerprint class in the order of time, each with the label of its commit. Out: the changes, each with
//! its size, 95 % interval and the commits it lies between. [`changes`] is the road: three detectors ([`energy`],
//! [`piecewise`], [`window`]) → two of three agree ([`vote`]) → those that went away are dropped → sizes.
//!
//! [`Trend`] says it of the stored sessions of a bundle, with the drift since the last change ([`drift`]).
//!
//! `docs/history.md` has the formulas, the measured rates and what it can't see.

mod blocks;
mod calm;
mod changes;
mod divide;
pub mod drift;
pub mod energy;
pub mod piecewise;
mod returned;
mod trend;
pub mod vote;
pub mod window;

pub use blocks::MAX_WHOLE;
pub use changes::{Change, Point, changes};
pub use drift::Drift;
pub(crate) use energy::Shuffles;
pub use trend::{MIN_SESSIONS, Seen, Trend};
pub use vote::Votes;

/// Fewest points on each side of a change.
pub const MIN_SEGMENT: usize = 3;

/// Detectors agree where they lie at most this many points apart; a change that goes away within 5 points is none.
pub const TOLERANCE: usize = 2;
