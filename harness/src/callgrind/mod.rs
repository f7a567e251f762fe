//! Executed instructions of two builds, counted by valgrind's callgrind: noise-free, by function and by source line.
//! In: a program and what it is given. Out: a profile; of two, what changed, as rows and as a differential flame graph.
//!
//! The road: [`Valgrind::find`], [`count`], [`Profile::comparable`], then [`Diff::of`] and [`flame_graph`].
//! Counts of one program repeat exactly as far as it is deterministic itself: random seeds of hash maps, its environment
//! and its threads are in the counts.

mod comparable;
mod diff;
mod flame;
mod fold;
mod lines;
mod name;
mod parse;
mod profile;
mod run;
mod source_path;
#[cfg(test)]
mod tests;
mod tool;

pub(crate) use self::{
    diff::{Diff, Presence, Row},
    flame::flame_graph,
    lines::LineRow,
    name::UNNAMED,
    profile::{Function, Profile},
    run::{Job, count},
    tool::{ISA_NOTE, Valgrind},
};
#[cfg(test)]
use self::{parse::parse, profile::Line, run::Counted};
