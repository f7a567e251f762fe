//! The policy: every bound a verdict uses, as data. In: TOML text. Out: [`Policy`], or an error that names the key.

mod command;
mod exact;
mod file;
mod keys;
mod schema;
mod waiver;

use baselines::record::MetricDef;

use crate::{Result, design::Design};
pub use command::command_policy;
pub use exact::ExactRule;
pub use file::{
    AccuracyBudget, Budgets, ConclusionWhenInconclusive, FailOn, Gated, Gates, InferenceBudget,
    KernelBudget, Levels, LoadBudget, LoadJudge, Pairs, Physics, Policy, Routes, TimeBudget,
    VerdictRule,
};
pub use schema::schemas;
pub use waiver::{Waiver, WaiverState};

/// The policy that ships: `ci/policy.toml` of this repository.
pub const DEFAULT_POLICY: &str = include_str!("../../../ci/policy.toml");

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// `ErrorKind::Policy`: no TOML, a key that is unknown (the nearest is named) or missing, or a value out of range.
    pub fn parse(text: &str) -> Result<Self> {
        file::parse(text, &[])
    }

    /// Reads a policy for a suite that has metrics of its own, which may be gated as well.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn parse_with(text: &str, own: &[MetricDef]) -> Result<Self> {
        file::parse(text, own)
    }

    /// The protected paths of the policy in `text`, of which nothing else need be readable; those of a policy that says nothing about
    /// them, where it cannot be read.
    #[must_use]
    pub fn protected(text: &str) -> Vec<String> {
        let said = || -> Option<Vec<String>> {
            let table: toml::Table = text.parse().ok()?;
            let paths = table.get("gates")?.get("protected")?.as_array()?;
            paths.iter().map(|path| path.as_str().map(str::to_owned)).collect()
        };
        said().unwrap_or_else(file::protected)
    }

    /// The looks and levels of this policy.
    #[must_use]
    pub fn design(&self) -> Design {
        Design::new(&self.pairs.looks, self.levels.pass, self.levels.fail)
    }
}
