//! The repetition plan: how many iterations a process is worth, the rest of the budget going to processes.
//!
//! In: what a process and an iteration cost, their variance components, a budget. Out: iterations per process, processes.
//! `iterations ≈ √(c_P/c_e · s_e²/s_P²)` makes the variance of the mean least for its cost. Source: Kalibera & Jones 2013,
//! §6 (their `r₁`).

/// More iterations than this do not make a process' number better: beyond it, drift is what one would measure.
pub const MAX_ITERATIONS: u32 = 1_000;

/// Iterations per process, and processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepetitionPlan {
    /// Iterations per process, 1 to 1,000.
    pub n_iterations: u32,
    /// Processes that the budget pays for; may be 0.
    pub n_processes: u32,
}

/// What repeating costs, in any one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Starting and warming up a process.
    pub process: f64,
    /// One iteration.
    pub iteration: f64,
    /// For everything.
    pub budget: f64,
}

impl RepetitionPlan {
    /// The plan for variances `s_p2` between processes and `s_e2` between iterations. Without spread between iterations
    /// one is enough; without spread between processes as many as allowed. `None` if a number is not finite, a variance
    /// or the budget negative, or a cost not positive.
    #[must_use]
    pub fn of(costs: Costs, s_p2: f64, s_e2: f64) -> Option<Self> {
        let fit = |value: f64, least_open: bool| {
            value.is_finite() && (value > 0.0 || !least_open && value >= 0.0)
        };
        let all_fit = fit(costs.process, true)
            && fit(costs.iteration, true)
            && fit(costs.budget, false)
            && fit(s_p2, false)
            && fit(s_e2, false);
        if !all_fit {
            return None;
        }
        let best = if s_e2 > 0.0 {
            // s_e2 / 0 is infinite, which the cap below answers.
            (costs.process / costs.iteration * (s_e2 / s_p2)).sqrt().round()
        } else {
            1.0
        };
        let n_iterations = whole(best.clamp(1.0, f64::from(MAX_ITERATIONS)));
        let each = costs.process + f64::from(n_iterations) * costs.iteration;
        Some(Self { n_iterations, n_processes: whole((costs.budget / each).floor()) })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates: a count ≥ 0"
)]
const fn whole(value: f64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use super::{Costs, MAX_ITERATIONS, RepetitionPlan};

    const COSTS: Costs = Costs { process: 2.0, iteration: 0.02, budget: 60.0 };

    #[test]
    fn the_plan_is_that_of_the_formula() {
        // √(2/.02 · 4e-4/1e-4) = 20; 60 ÷ (2 + 20·.02) = 25.
        let plan = RepetitionPlan::of(COSTS, 1e-4, 4e-4).expect("fit");
        assert_eq!(plan, RepetitionPlan { n_iterations: 20, n_processes: 25 });
    }

    #[test]
    fn no_other_count_gives_less_variance_for_the_cost() {
        let (s_p2, s_e2) = (3e-4, 9e-4);
        let plan = RepetitionPlan::of(COSTS, s_p2, s_e2).expect("fit");
        // Variance of the mean of one budget's worth: (s_P² + s_e²/r) · (c_P + r·c_e).
        let price = |r: u32| (s_p2 + s_e2 / f64::from(r)) * (2.0 + f64::from(r) * 0.02);
        let best = (1..=200).min_by(|a, b| price(*a).total_cmp(&price(*b))).expect("some");
        assert!(plan.n_iterations.abs_diff(best) <= 1, "{plan:?} {best}");
    }

    #[test]
    fn missing_spread_and_bad_costs_are_answered() {
        let iterations =
            |s_p2, s_e2| RepetitionPlan::of(COSTS, s_p2, s_e2).expect("fit").n_iterations;
        assert_eq!(iterations(0.0, 1e-4), MAX_ITERATIONS);
        assert_eq!(iterations(1e-4, 0.0), 1);
        assert_eq!(iterations(0.0, 0.0), 1);
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(RepetitionPlan::of(Costs { iteration: bad, ..COSTS }, 1.0, 1.0), None);
        }
        assert_eq!(RepetitionPlan::of(COSTS, f64::NAN, 1.0), None);
        let poor = Costs { budget: 1.0, ..COSTS };
        assert_eq!(RepetitionPlan::of(poor, 1e-4, 4e-4).expect("fit").n_processes, 0);
    }
}
