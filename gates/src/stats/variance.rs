//! Variance components: how much of the spread of log times belongs to sessions, to processes, to iterations.
//!
//! In: logs, nested session → process → iteration, unequal sizes allowed. Out: `s_M²`, `s_P²`, `s_e²` and the counts.
//!
//! Method of moments: the three nested sums of squares are set equal to their expectations, from the bottom up,
//!
//! ```text
//! E SS_e = (N − B) σ_e²
//! E SS_P = (B − a) σ_e² + (N − k₁) σ_P²                          k₁ = Σ_i Σ_j n_ij² / n_i
//! E SS_M = (a − 1) σ_e² + (k₁ − k₂) σ_P² + (N − k₃) σ_M²         k₂ = Σ n_ij² / N,  k₃ = Σ n_i² / N
//! ```
//!
//! with `a` sessions, `B` processes, `N` iterations. A negative solution is cut at 0, after it was used above, so that the
//! levels above stay unbiased. Source: Searle, Casella, `McCulloch` 1992, §3.6 and appendix F.1 (nested, unbalanced).

use super::{
    noise::are_logs,
    yuen::{as_f64, mean},
};

/// Past sessions at which a benchmark's own variance weighs as much as the suite's.
const PRIOR_SESSIONS: f64 = 10.0;

/// The components; `None` where the level was never repeated.
///
/// What was never repeated is in the level above: one iteration a process leaves `s_e²` inside `process`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VarianceComponents {
    /// `s_M²`, between sessions.
    pub session: Option<f64>,
    /// `s_P²`, between processes of a session.
    pub process: Option<f64>,
    /// `s_e²`, between iterations of a process.
    pub iteration: Option<f64>,
    /// Sessions with at least one iteration.
    pub n_sessions: usize,
    /// Processes with at least one iteration.
    pub n_processes: usize,
    /// Iterations.
    pub n_iterations: usize,
}

impl VarianceComponents {
    /// The components of `sessions`; empty processes and sessions are passed over. `None` without any iteration, or if
    /// a value is no logarithm of a positive number.
    #[must_use]
    pub fn of(sessions: &[Vec<Vec<f64>>]) -> Option<Self> {
        if !sessions.iter().flatten().all(|process| are_logs(process)) {
            return None;
        }
        let sessions: Vec<Vec<Group>> = sessions
            .iter()
            .map(|session| session.iter().filter_map(|process| Group::of(process)).collect())
            .filter(|session: &Vec<Group>| !session.is_empty())
            .collect();
        if sessions.is_empty() {
            return None;
        }
        Some(Moments::of(&sessions).solved())
    }
}

/// A variance estimated from `n_sessions` past sessions, drawn toward the suite's median: own weight `k/(k + 10)`.
/// `None` if one of the two is not finite, or negative.
#[must_use]
pub fn shrunk(own: f64, suite_median: f64, n_sessions: usize) -> Option<f64> {
    let is_variance = |value: f64| value.is_finite() && value >= 0.0;
    if !is_variance(own) || !is_variance(suite_median) {
        return None;
    }
    let weight = as_f64(n_sessions) / (as_f64(n_sessions) + PRIOR_SESSIONS);
    Some(weight * own + (1.0 - weight) * suite_median)
}

/// Some values: how many, their mean, their squared error.
struct Group {
    n: f64,
    mean: f64,
    squares: f64,
}

impl Group {
    fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let mean = mean(values);
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self { n: as_f64(values.len()), mean, squares })
    }

    /// Groups as one, each at its mean: the squared error is between them.
    fn between(groups: &[Self]) -> Self {
        let n = groups.iter().map(|group| group.n).sum::<f64>();
        // About the first mean: equal means then have exactly no squared error.
        let first = groups.first().map_or(0.0, |group| group.mean);
        let mean =
            first + groups.iter().map(|group| group.n * (group.mean - first)).sum::<f64>() / n;
        let squares = groups.iter().map(|group| group.n * (group.mean - mean).powi(2)).sum();
        Self { n, mean, squares }
    }
}

/// Sums of squares and the coefficients of their expectations.
struct Moments {
    n_sessions: usize,
    n_processes: usize,
    n_iterations: f64,
    squares: [f64; 3],
    k: [f64; 3],
}

impl Moments {
    fn of(sessions: &[Vec<Group>]) -> Self {
        let joined: Vec<Group> = sessions.iter().map(|session| Group::between(session)).collect();
        let all = Group::between(&joined);
        let mut k = [0.0; 3];
        for (session, whole) in sessions.iter().zip(&joined) {
            let n_squared: f64 = session.iter().map(|process| process.n.powi(2)).sum();
            k[0] += n_squared / whole.n;
            k[1] += n_squared / all.n;
            k[2] += whole.n.powi(2) / all.n;
        }
        Self {
            n_sessions: sessions.len(),
            n_processes: sessions.iter().map(Vec::len).sum(),
            n_iterations: all.n,
            squares: [
                sessions.iter().flatten().map(|process| process.squares).sum(),
                joined.iter().map(|session| session.squares).sum(),
                all.squares,
            ],
            k,
        }
    }

    fn solved(&self) -> VarianceComponents {
        let (a, b, n) = (as_f64(self.n_sessions), as_f64(self.n_processes), self.n_iterations);
        let [k1, k2, k3] = self.k;
        let [squares_e, squares_p, squares_m] = self.squares;
        let iteration = (n > b).then(|| squares_e / (n - b));
        let below = iteration.unwrap_or(0.0);
        let process = (b > a).then(|| (squares_p - (b - a) * below) / (n - k1));
        let middle = process.unwrap_or(0.0);
        let session =
            (a > 1.0).then(|| (squares_m - (a - 1.0) * below - (k1 - k2) * middle) / (n - k3));
        let cut = |component: Option<f64>| component.map(|value| value.max(0.0));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a sum of counts"
        )]
        let n_iterations = n as usize;
        VarianceComponents {
            session: cut(session),
            process: cut(process),
            iteration,
            n_sessions: self.n_sessions,
            n_processes: self.n_processes,
            n_iterations,
        }
    }
}
