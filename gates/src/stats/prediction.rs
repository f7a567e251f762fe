//! The prediction bound: how slow a new session may be and still look like the stored ones.
//!
//! In: one number per stored session (mean log of its processes, adjusted by the caller), and the noise of the new one.
//! Out: `mean + t·√(s_run²·(1 + 1/n) + s_e²/n_now)`, one-sided, `df = n − 1`.
//!
//! `s_run²` is the variance of the stored numbers as they are, so it already holds one session's share of process noise;
//! `s_e²/n_now` (variance of one process' number ÷ processes now) is added in full, since the new session may be the smaller
//! one. The bound therefore errs to the wide side where process noise dominates, and is exact where sessions do. Source: Hahn &
//! Meeker 1991, §4.8 (prediction interval for one future mean).

use super::{
    noise::are_logs,
    student,
    variance::shrunk,
    yuen::{as_f64, mean},
};

/// One-sided level at which a new session is held against stored ones.
pub const LEVEL: f64 = 0.99;

/// What the stored sessions say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StoredSessions {
    /// Mean of their numbers.
    pub mean: f64,
    /// Variance of their numbers, or that drawn toward the suite's.
    pub s_run2: f64,
    /// Sessions.
    pub n: usize,
}

/// The new session's own noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NewSession {
    /// Variance of one process' number inside a session.
    pub s_e2: f64,
    /// Its processes.
    pub n_now: usize,
}

/// The bound, with what it was made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Mean of the stored sessions: what is expected.
    pub expected: f64,
    /// Standard error of a new session's number about `expected`.
    pub standard_error: f64,
    /// Degrees of freedom of the t quantile.
    pub df: f64,
}

impl StoredSessions {
    /// The mean and variance of `numbers`; `None` for fewer than two, or if one is no logarithm of a positive number.
    #[must_use]
    pub fn of(numbers: &[f64]) -> Option<Self> {
        let n = numbers.len();
        if n < 2 || !are_logs(numbers) {
            return None;
        }
        let mean = mean(numbers);
        let squares = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>();
        Some(Self { mean, s_run2: squares / as_f64(n - 1), n })
    }

    /// The same sessions with their variance drawn toward the suite's median; `None` if that is no variance.
    ///
    /// The degrees of freedom stay `n − 1`: what the suite adds is not counted, since nothing says that it fits.
    #[must_use]
    pub fn shrunk_toward(self, suite_median: f64) -> Option<Self> {
        Some(Self { s_run2: shrunk(self.s_run2, suite_median, self.n)?, ..self })
    }

    /// The bound for `new`; `None` if it has no process or its variance is no variance.
    #[must_use]
    pub fn predict(&self, new: NewSession) -> Option<Prediction> {
        if new.n_now == 0 || self.n < 2 || !(new.s_e2.is_finite() && new.s_e2 >= 0.0) {
            return None;
        }
        let n = as_f64(self.n);
        let variance = self.s_run2 * (1.0 + 1.0 / n) + new.s_e2 / as_f64(new.n_now);
        let (standard_error, df) = (variance.sqrt(), n - 1.0);
        Some(Prediction { expected: self.mean, standard_error, df })
    }
}

impl Prediction {
    /// Above this, the new session is slower at [`LEVEL`].
    #[must_use]
    pub fn upper(&self) -> f64 {
        self.expected + self.reach(1.0 - LEVEL)
    }

    /// How far above `expected` a session with nothing changed comes with probability `alpha` in `(0, 1)`.
    #[must_use]
    pub fn reach(&self, alpha: f64) -> f64 {
        if self.standard_error > 0.0 {
            student::quantile(1.0 - alpha, self.df) * self.standard_error
        } else {
            0.0
        }
    }

    /// One-sided p of a new session's number under "nothing changed": small means slower.
    #[must_use]
    pub fn p_slower(&self, number: f64) -> f64 {
        student::p_above(number, self.expected, self.standard_error, self.df)
    }

    /// One-sided p of a new session's number under "slower by `margin` or more": small means that it is not.
    #[must_use]
    pub fn p_within(&self, number: f64, margin: f64) -> f64 {
        student::p_below(number, self.expected + margin, self.standard_error, self.df)
    }
}

#[cfg(test)]
mod tests {
    use super::{NewSession, StoredSessions};

    const NEW: NewSession = NewSession { s_e2: 16e-4, n_now: 16 };

    #[test]
    fn the_bound_is_that_of_the_formula() {
        // Mean .02, variance 1e-4, n = 3: .02 + t(.99; 2)·√(1e-4·4/3 + 1e-4). t from scipy 1.17.1: t.ppf(.99, 2).
        let stored = StoredSessions::of(&[0.01, 0.02, 0.03]).expect("three sessions");
        let bound = stored.predict(NEW).expect("a new session");
        let want = 0.02 + 6.964_556_734_283_274 * (1e-4_f64 * 4.0 / 3.0 + 1e-4).sqrt();
        assert!((bound.upper() - want).abs() < 1e-9, "{} is not {want}", bound.upper());
        assert!((bound.p_slower(bound.upper()) - 0.01).abs() < 1e-9);
    }

    #[test]
    fn the_suite_weighs_ten_sessions() {
        let stored = StoredSessions::of(&[0.01, 0.02, 0.03]).expect("three sessions");
        let shrunk = stored.shrunk_toward(4e-4).expect("a variance");
        assert!((shrunk.s_run2 - (3.0 * 1e-4 + 10.0 * 4e-4) / 13.0).abs() < 1e-15);
        assert_eq!(stored.shrunk_toward(f64::NAN), None);
        assert_eq!(stored.shrunk_toward(-1.0), None);
    }

    #[test]
    fn one_session_and_broken_numbers_have_no_bound() {
        assert_eq!(StoredSessions::of(&[0.1]), None);
        assert_eq!(StoredSessions::of(&[0.1, f64::NAN]), None);
        assert_eq!(StoredSessions::of(&[0.1, 1e300]), None);
        let stored = StoredSessions::of(&[0.1, 0.1]).expect("two sessions");
        assert_eq!(stored.predict(NewSession { n_now: 0, ..NEW }), None);
        assert_eq!(stored.predict(NewSession { s_e2: f64::NAN, ..NEW }), None);
        let exact = stored.predict(NewSession { s_e2: 0.0, ..NEW }).expect("no spread");
        assert_eq!((exact.upper(), exact.p_slower(0.1), exact.p_slower(0.2)), (0.1, 1.0, 0.0));
    }
}
