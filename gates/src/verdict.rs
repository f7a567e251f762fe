//! The words of a decision: outcomes of comparisons, verdicts of metrics and of the whole, exit codes.
//! One table owns them, in `docs/statistics.md`; a test holds this file against it.

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Proven faster.
    Improved,
    /// Proven to be within the margin.
    Unchanged,
    /// Proven slower than the negligible margin, and not proven to be within the unacceptable one.
    Regressed,
    /// Neither.
    Inconclusive,
    /// Nothing to compare.
    Missing,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 5] =
        [Self::Improved, Self::Unchanged, Self::Regressed, Self::Inconclusive, Self::Missing];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::Unchanged => "unchanged",
            Self::Regressed => "regressed",
            Self::Inconclusive => "inconclusive",
            Self::Missing => "missing",
        }
    }
}

/// The verdict of one gated metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricVerdict {
    /// Not slower than the unacceptable margin, with the stated confidence.
    Pass,
    /// Slower than the negligible margin, with the stated confidence.
    Fail,
    /// Neither could be shown.
    Inconclusive,
    /// There was nothing to judge.
    Missing,
}

impl MetricVerdict {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Missing => "missing",
        }
    }
}

/// The verdict of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every gated metric was compared and passed, every budget holds.
    Pass,
    /// A regression is confirmed, or a budget is broken.
    Fail,
    /// Honest noise.
    Inconclusive,
    /// The evidence does not hold.
    Invalid,
    /// The evidence cannot be compared, or has holes.
    Incomparable,
}

impl Verdict {
    /// All verdicts, in the order of the table.
    pub const ALL: [Self; 5] =
        [Self::Pass, Self::Fail, Self::Inconclusive, Self::Invalid, Self::Incomparable];

    /// What the verdicts of a session's metrics come to: a failure, a hole, noise, pass. Nothing compared is a hole.
    #[must_use]
    pub fn of_metrics(metrics: &[MetricVerdict]) -> Self {
        if metrics.contains(&MetricVerdict::Fail) {
            Self::Fail
        } else if metrics.is_empty() || metrics.contains(&MetricVerdict::Missing) {
            Self::Incomparable
        } else if metrics.contains(&MetricVerdict::Inconclusive) {
            Self::Inconclusive
        } else {
            Self::Pass
        }
    }

    /// The one that says more against a change: pass, inconclusive, fail, incomparable, invalid.
    #[must_use]
    pub const fn worse(self, other: Self) -> Self {
        const fn weight(verdict: Verdict) -> u8 {
            match verdict {
                Verdict::Pass => 0,
                Verdict::Inconclusive => 1,
                Verdict::Fail => 2,
                Verdict::Incomparable => 3,
                Verdict::Invalid => 4,
            }
        }
        if weight(self) >= weight(other) { self } else { other }
    }

    /// Exit code of `bench gate`. 1 is left to usage and tool errors.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 2,
            Self::Inconclusive => 3,
            Self::Invalid => 4,
            Self::Incomparable => 5,
        }
    }

    /// Conclusion of the check run; a policy may call an inconclusive verdict neutral.
    #[must_use]
    pub const fn conclusion(self) -> &'static str {
        match self {
            Self::Pass => "success",
            Self::Inconclusive => "action_required",
            Self::Fail | Self::Invalid | Self::Incomparable => "failure",
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Invalid => "invalid",
            Self::Incomparable => "incomparable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Verdict};
    use crate::policy::{DEFAULT_POLICY, Policy};

    const PAGE: &str = include_str!("../docs/statistics.md");

    #[test]
    fn the_table_of_words_has_a_row_for_each_verdict() {
        let routes = Policy::parse(DEFAULT_POLICY).expect("it ships").routes;
        for verdict in Verdict::ALL {
            let route = match verdict {
                Verdict::Pass => &routes.pass,
                Verdict::Fail => &routes.fail,
                Verdict::Inconclusive => &routes.inconclusive,
                Verdict::Invalid => &routes.invalid,
                Verdict::Incomparable => &routes.incomparable,
            };
            let row = format!(
                "| {} | {} | {} | `{route}` |",
                verdict.name(),
                verdict.exit_code(),
                verdict.conclusion()
            );
            assert!(PAGE.contains(&row), "docs/statistics.md lacks the row {row:?}");
        }
        assert!(PAGE.contains("| (usage or tool error) | 1 | failure | – |"));
    }

    #[test]
    fn the_page_explains_each_outcome() {
        for outcome in Outcome::ALL {
            let row = format!("| `{}` |", outcome.name());
            assert!(PAGE.contains(&row), "docs/statistics.md lacks the row {row:?}");
        }
    }
}
