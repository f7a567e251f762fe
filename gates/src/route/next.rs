//! The route as a state machine: which stage follows, from plain facts. In: [`State`], [`Limits`]. Out: [`Decision`].
//! The table in docs/policy.md is the specification; a test holds every combination against it.

use crate::{policy::Routes, verdict::Verdict};

/// What a route depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The verdict on the measurements.
    pub verdict: Verdict,
    /// Of a fail: whether it is one of a paired session, or a broken budget.
    pub confirmed: bool,
    /// The worst verdict of the other gates that the policy requires; pass where there are none.
    pub others: Verdict,
    /// Earlier re-measurements of this commit.
    pub remeasurements: usize,
    /// Earlier attempts to mend it.
    pub attempts: usize,
}

/// After how many rounds a person takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Re-measurements of one commit.
    pub remeasurements: usize,
    /// Attempts to mend a confirmed fail.
    pub attempts: usize,
}

impl Limits {
    /// Those of a policy.
    #[must_use]
    pub const fn of(routes: &Routes) -> Self {
        Self { remeasurements: routes.max_remeasurements, attempts: routes.max_attempts }
    }
}

/// A stage of work, as the key of `[routes]` that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The next stage of a change that is good.
    Pass,
    /// Mend a confirmed fail.
    Fail,
    /// Measure a fail again, in pairs.
    FailUnconfirmed,
    /// Measure again.
    Inconclusive,
    /// Evidence that does not hold.
    Invalid,
    /// Evidence that cannot be compared, or has holes.
    Incomparable,
    /// A person takes over.
    Rework,
}

impl Stage {
    /// All stages, in the order of the policy's keys.
    pub const ALL: [Self; 7] = [
        Self::Pass,
        Self::Fail,
        Self::FailUnconfirmed,
        Self::Inconclusive,
        Self::Invalid,
        Self::Incomparable,
        Self::Rework,
    ];

    /// The key in `[routes]`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::FailUnconfirmed => "fail_unconfirmed",
            Self::Inconclusive => "inconclusive",
            Self::Invalid => "invalid",
            Self::Incomparable => "incomparable",
            Self::Rework => "rework",
        }
    }

    /// What the policy calls it.
    #[must_use]
    pub fn name(self, routes: &Routes) -> &str {
        match self {
            Self::Pass => &routes.pass,
            Self::Fail => &routes.fail,
            Self::FailUnconfirmed => &routes.fail_unconfirmed,
            Self::Inconclusive => &routes.inconclusive,
            Self::Invalid => &routes.invalid,
            Self::Incomparable => &routes.incomparable,
            Self::Rework => &routes.rework,
        }
    }
}

/// A stage, and the rule that chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Where work goes next.
    pub stage: Stage,
    /// Why, in a sentence.
    pub rule: &'static str,
}

/// The stage that follows.
#[must_use]
pub const fn next(state: &State, limits: &Limits) -> Decision {
    let measured_enough = state.remeasurements >= limits.remeasurements;
    let (stage, rule) = match (state.verdict, state.others) {
        (Verdict::Invalid, _) => (Stage::Invalid, "the evidence does not hold"),
        (Verdict::Incomparable, _) => {
            (Stage::Incomparable, "the evidence cannot be compared, or lacks something required")
        }
        (_, Verdict::Invalid) => {
            (Stage::Invalid, "the evidence of another required gate does not hold")
        }
        (_, Verdict::Incomparable) => {
            (Stage::Incomparable, "another required gate has nothing to judge")
        }
        (_, Verdict::Fail | Verdict::Inconclusive) => {
            (Stage::Rework, "another required gate did not succeed")
        }
        (Verdict::Fail, Verdict::Pass) if state.confirmed => {
            if state.attempts >= limits.attempts {
                (Stage::Rework, "confirmed, and the attempts to mend it are used up")
            } else {
                (
                    Stage::Fail,
                    "more work than an exact rule allows, a regression confirmed in a paired session, or a broken budget",
                )
            }
        }
        (Verdict::Fail, Verdict::Pass) if measured_enough => (
            Stage::Rework,
            "slower, unconfirmed, and the re-measurements of this commit are used up",
        ),
        (Verdict::Fail, Verdict::Pass) => {
            (Stage::FailUnconfirmed, "slower than stored sessions; no pair confirms it")
        }
        (Verdict::Inconclusive, Verdict::Pass) if measured_enough => {
            (Stage::Rework, "inconclusive, and the re-measurements of this commit are used up")
        }
        (Verdict::Inconclusive, Verdict::Pass) => (
            Stage::Inconclusive,
            "a gated metric is neither shown to be within its margin nor shown to be slower",
        ),
        (Verdict::Pass, Verdict::Pass) => (
            Stage::Pass,
            "every required gate succeeded: all gated metrics compared, none regressed, no exact rule broken, all budgets met",
        ),
    };
    Decision { stage, rule }
}
