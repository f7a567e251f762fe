//! What a rule is, and what it says when it refuses.

use baselines::{Evidence, RunRecord};

use crate::policy::Policy;

/// How much of the decision a refusal takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The evidence is not true: exit 4.
    Invalid,
    /// It may be true, but there is nothing it can be compared with: exit 5.
    Incomparable,
    /// A part that the policy requires is not there: exit 5, unless what is there fails already.
    Missing,
}

impl Class {
    /// The word of the verdict it leads to.
    #[must_use]
    pub const fn verdict_name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Incomparable | Self::Missing => "incomparable",
        }
    }
}

/// A rule of the register.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Kebab-case name.
    pub name: &'static str,
    /// What a refusal leads to.
    pub class: Class,
    /// What must hold, in a sentence.
    pub demand: &'static str,
    /// What a person can do about a refusal.
    pub way_out: &'static str,
    pub(super) check: Check,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Check {
    /// One record by itself.
    Record(fn(&RunRecord, &Policy) -> Vec<Fault>),
    /// Both arms, the baseline and the bundle around them.
    Bundle(fn(&Evidence, &Policy) -> Vec<Fault>),
}

/// One place where a rule does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    field: String,
    expected: String,
    found: String,
}

impl Fault {
    pub(super) fn new(
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), expected: expected.into(), found: found.into() }
    }

    /// One fault if `found` is not `expected`.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers hold counts, digests and short names"
    )]
    pub(super) fn unless_equal<T: PartialEq + std::fmt::Display>(
        field: &str,
        expected: T,
        found: T,
    ) -> Option<Self> {
        (expected != found).then(|| Self::new(field, expected.to_string(), found.to_string()))
    }
}

/// Why a piece of evidence is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the rule.
    pub rule: &'static str,
    /// What it leads to.
    pub class: Class,
    /// The field, with the arm it is in.
    pub field: String,
    /// What the rule expects there.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// What a person can do about it.
    pub way_out: &'static str,
}

/// Refusals of one rule on one arm that are spelt out; the rest is counted.
const SPELT_OUT: usize = 3;

impl Rule {
    pub(super) fn refusals(&self, arm: &str, faults: Vec<Fault>) -> Vec<Refusal> {
        let more = faults.len().saturating_sub(SPELT_OUT);
        let refusal = |(place, fault): (usize, Fault)| {
            let rest = if place + 1 == SPELT_OUT && more > 0 {
                format!(" (and {more} more)")
            } else {
                String::new()
            };
            Refusal {
                rule: self.name,
                class: self.class,
                field: format!("{arm}{}", fault.field),
                expected: fault.expected,
                found: format!("{}{rest}", fault.found),
                way_out: self.way_out,
            }
        };
        faults.into_iter().take(SPELT_OUT).enumerate().map(refusal).collect()
    }
}
