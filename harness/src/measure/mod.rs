//! How measuring is done: the clock, iterations within a process, and the order of processes within a session.

mod clock;
mod heap;
mod paired;
mod plan;
mod planted;
mod stopwatch;

pub use clock::Clock;
#[cfg(test)]
pub(crate) use clock::tests::ScriptedClock;
pub(crate) use clock::{SystemClock, timestamp};
pub(crate) use heap::Tally;
pub(crate) use paired::{Arm, Slot, order_of_turns, paired, unpaired};
pub(crate) use plan::{ITERATIONS_MAX, Plan};
pub(crate) use planted::Planted;
pub(crate) use stopwatch::Stopwatch;
