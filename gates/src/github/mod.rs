//! GitHub's side of a gate: what a measuring run left behind is read as hostile bytes.
//!
//! In: the event that a run ended, and that run's artifact. Out: which run that is and the evidence in it, or the rule that refuses it;
//! the check runs that follow. Pure: no clock, no file, no network.

pub mod artifact;
pub mod check_run;
pub mod event;
pub mod judge;
pub mod post;
mod quoted;

use std::fmt;

/// Why nothing of an artifact is believed. Says the rule and what was found, never in the artifact's own words: its author may be
/// anyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Name of the rule.
    pub rule: &'static str,
    /// What was expected and found.
    pub text: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused by the rule `{}`: {}", self.rule, self.text)
    }
}

impl std::error::Error for Refused {}

fn require(rule: &'static str, holds: bool, text: impl FnOnce() -> String) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(Refused { rule, text: text() }) }
}
