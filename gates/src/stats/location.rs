//! Which test a set of paired log ratios gets: Yuen's from 15 pairs on, of block means where pairs depend on each other; the
//! exact sign-flip below.
//!
//! In: paired log ratios, in the order taken. Out: estimate, interval, one-sided p-values, all from
//! the same test.

use super::{
    blocks::Blocks,
    power,
    sign_flip::{self, SignFlip},
    student,
    yuen::{Yuen, as_f64},
    yuen_welch::YuenWelch,
};

/// The name of the test behind a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Yuen's trimmed mean of paired log ratios.
    PairedYuen,
    /// The same of the means of blocks of pairs, where neighbouring pairs depend on each other.
    BlockYuen,
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
            Self::BlockYuen => "block-yuen",
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
    /// From 15 pairs on that depend on each other: of the means of blocks of so many pairs.
    Blocks {
        /// Of the block means.
        yuen: Yuen,
        /// Pairs in a block.
        size: usize,
    },
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
        if log_ratios.len() <= sign_flip::MAX_VALUES {
            return Some(Self::Few(SignFlip::of(log_ratios)?, yuen.standard_error));
        }
        let blocks = Blocks::of(log_ratios);
        if blocks.size == 1 {
            return Some(Self::Paired(yuen));
        }
        Some(Self::Blocks { yuen: Yuen::of(&blocks.values)?, size: blocks.size })
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
            Self::Blocks { .. } => Method::BlockYuen,
            Self::Few(..) => Method::SignFlip,
            Self::Unpaired(_) => Method::UnpairedYuen,
        }
    }

    /// The log ratio.
    #[must_use]
    pub const fn estimate(&self) -> f64 {
        match self {
            Self::Paired(yuen) | Self::Blocks { yuen, .. } => yuen.estimate,
            Self::Few(flip, _) => flip.estimate,
            Self::Unpaired(welch) => welch.estimate,
        }
    }

    /// Its standard error; for the sign-flip test, of Yuen's mean of the same values.
    #[must_use]
    pub const fn standard_error(&self) -> f64 {
        match self {
            Self::Paired(yuen) | Self::Blocks { yuen, .. } => yuen.standard_error,
            Self::Few(_, standard_error) => *standard_error,
            Self::Unpaired(welch) => welch.standard_error,
        }
    }

    /// Values behind the test: pairs, or blocks of them; `None` for two groups.
    #[must_use]
    pub const fn n_values(&self) -> Option<usize> {
        match self {
            Self::Paired(yuen) | Self::Blocks { yuen, .. } => Some(yuen.n),
            Self::Few(flip, _) => Some(flip.n),
            Self::Unpaired(_) => None,
        }
    }

    /// Pairs that were averaged into one value of the test; 1 where each is a value by itself.
    #[must_use]
    pub const fn block_size(&self) -> usize {
        match self {
            Self::Blocks { size, .. } => *size,
            _ => 1,
        }
    }

    /// One-sided p against "the truth is ≤ `bound`".
    #[must_use]
    pub fn p_above(&self, bound: f64) -> f64 {
        match self {
            Self::Paired(yuen) | Self::Blocks { yuen, .. } => {
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
            Self::Paired(yuen) | Self::Blocks { yuen, .. } => {
                student::p_below(yuen.estimate, bound, yuen.standard_error, yuen.df())
            }
            Self::Few(flip, _) => flip.p_below(bound),
            Self::Unpaired(welch) => {
                student::p_below(welch.estimate, bound, welch.standard_error, welch.df)
            }
        }
    }

    /// The distance beyond a bound that this test at `level` finds 9 times in 10 with `n_then` pairs in place of `n_now`, if
    /// the spread stays as it is.
    #[must_use]
    pub fn distance_at(&self, n_then: usize, n_now: usize, level: f64) -> f64 {
        let standard_error = self.standard_error() * (as_f64(n_now) / as_f64(n_then)).sqrt();
        power::detectable_distance(standard_error, n_then / self.block_size(), level)
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
            Self::Paired(yuen) | Self::Blocks { yuen, .. } => {
                around(yuen.estimate, yuen.standard_error, yuen.df())
            }
            Self::Few(flip, _) => flip.interval(0.95),
            Self::Unpaired(welch) => around(welch.estimate, welch.standard_error, welch.df),
        }
    }
}
