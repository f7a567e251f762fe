//! Programs that are not ours as subjects: two command lines, or two builds of a Criterion bench target, measured by turns in
//! one paired session.
//!
//! In: lines and surroundings from the command line. Out: the records of both arms, as a session of the engine gives them.
//! No worker stands between: a "process" of a pair is a block of runs, one run of either arm in each round.

mod bench;
mod block;
mod criterion;
mod json;
mod line;
mod pairs;
mod plan;
mod run;
mod session;
mod spec;

pub(crate) use bench::{BenchArm, BenchSession, BenchSpec};
pub(crate) use json::parse as parse_metric;
pub(crate) use line::{Parameter, Program, find as find_program};
pub(crate) use run::{Watchdog, exit_code};
pub(crate) use session::{each_twice, identical, measure};
pub(crate) use spec::{Metric, Spec};
