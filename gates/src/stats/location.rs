//! Which test a set of paired log ratios gets: Yuen's from 15 pairs on, the exact sign-flip below.
//! In: paired log ratios. Out: estimate, interval, one-sided p-values, all from the same test.

use super::{sign_flip, sign_flip::SignFlip, student, yuen::Yuen, yuen_welch::YuenWelch};

/// The name of the test behind a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Yuen's trimmed mean of paired log ratios.
    PairedYuen,
    /// The exact sign-flip test, for fewer than 15 pairs.
    SignFlip,
    /// Yuen's two-sample test, for records that share no session; never the ground of a verdict.
    UnpairedYuen,
}

impl Method {
    /// Kebab-case name, as in the gate files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PairedYuen => "paired-yuen",
            Self::SignFlip => "sign-flip",
            Self::UnpairedYuen => "unpaired-yuen",
        }
    }
}

/// An estimate of the log ratio, with the test that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Location {
    /// From 15 pairs on.
    Paired(Yuen),
    /// Below; the second field is the plain standard error, for planning only.
    Few(SignFlip, f64),
    /// Two records of different sessions.
    Unpaired(YuenWelch),
}

impl Location {
    /// The test for paired log ratios; `None` for fewer than two, or one that is not finite.
    #[must_use]
    pub fn of_pairs(log_ratios: &[f64]) -> Option<Self> {
        let yuen = Yuen::of(log_ratios)?;
        if log_ratios.len() > sign_flip::MAX_VALUES {
            return Some(Self::Paired(yuen));
        }
        Some(Self::Few(SignFlip::of(log_ratios)?, yuen.standard_error))
    }

    /// The test for two independent sets of logs.
    #[must_use]
    pub fn of_groups(base: &[f64], head: &[f64]) -> Option<Self> {
        YuenWelch::of(base, head).map(Self::Unpaired)
    }

    /// Its name.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self {
            Self::Paired(_) => Method::PairedYuen,
            Self::Few(..) => Method::SignFlip,
            Self::Unpaired(_) => Method::UnpairedYuen,
        }
    }

    /// The log ratio.
    #[must_use]
    pub const fn estimate(&self) -> f64 {
        match self {
            Self::Paired(yuen) => yuen.estimate,
            Self::Few(flip, _) => flip.estimate,
            Self::Unpaired(welch) => welch.estimate,
        }
    }

    /// Its standard error; for the sign-flip test, of Yuen's mean of the same values.
    #[must_use]
    pub const fn standard_error(&self) -> f64 {
        match self {
            Self::Paired(yuen) => yuen.standard_error,
            Self::Few(_, standard_error) => *standard_error,
            Self::Unpaired(welch) => welch.standard_error,
        }
    }

    /// One-sided p against "the truth is ≤ `bound`".
    #[must_use]
    pub fn p_above(&self, bound: f64) -> f64 {
        match self {
            Self::Paired(yuen) => {
                student::p_above(yuen.estimate, bound, yuen.standard_error, yuen.df())
            }
            Self::Few(flip, _) => flip.p_above(bound),
            Self::Unpaired(welch) => {
                student::p_above(welch.estimate, bound, welch.standard_error, welch.df)
            }
        }
    }

    /// One-sided p against "the truth is ≥ `bound`".
    #[must_use]
    pub fn p_below(&self, bound: f64) -> f64 {
        match self {
            Self::Paired(yuen) => {
                student::p_below(yuen.estimate, bound, yuen.standard_error, yuen.df())
            }
            Self::Few(flip, _) => flip.p_below(bound),
            Self::Unpaired(welch) => {
                student::p_below(welch.estimate, bound, welch.standard_error, welch.df)
            }
        }
    }

    /// The two-sided 95 % interval; `None` where there are too few pairs for one.
    #[must_use]
    pub fn interval_95(&self) -> Option<(f64, f64)> {
        let around = |estimate: f64, standard_error: f64, df: f64| {
            let half_width = if standard_error > 0.0 {
                student::quantile(0.975, df) * standard_error
            } else {
                0.0
            };
            Some((estimate - half_width, estimate + half_width))
        };
        match self {
            Self::Paired(yuen) => around(yuen.estimate, yuen.standard_error, yuen.df()),
            Self::Few(flip, _) => flip.interval(0.95),
            Self::Unpaired(welch) => around(welch.estimate, welch.standard_error, welch.df),
        }
    }
}
