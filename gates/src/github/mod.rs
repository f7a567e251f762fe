//! GitHub's side of a gate: what a measuring run left behind is read as hostile bytes.
//!
//! In: the event that a run ended, and that run's artifact. Out: which run that is and the evidence in it, or the rule that refuses it;
//! the check runs that follow. `publish` is the road. Pure, over a transport that is given: no clock, no file, no network but in `client`,
//! which is such a transport.

pub mod artifact;
mod base;
pub mod check_run;
#[cfg(feature = "github")]
pub mod client;
pub mod comment;
pub mod event;
mod fetch;
pub mod judge;
pub mod post;
pub mod publish;
mod quoted;
pub mod transport;

use std::fmt;

pub use fetch::is_safe;

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
