//! What a calibration runs, in which order, and when its time is up.
//!
//! In: numbers of comparisons, a budget. Out: the order, and whether another comparison still fits. Nothing here has a clock.
//!
//! Comparisons with and without a slow-down are spread evenly over each other: they meet the same weather, and a calibration
//! that is cut short has its share of each.

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Comparisons of the build with itself.
    pub(crate) comparisons: usize,
    /// Slow-downs in per cent.
    pub(crate) planted_percent: Vec<f64>,
    /// Comparisons with each of them.
    pub(crate) planted_comparisons: usize,
    /// Wall-clock budget in minutes.
    pub(crate) minutes: Option<f64>,
}

impl Plan {
    /// The slow-downs, none first, in per cent.
    pub(super) fn percents(&self) -> Vec<f64> {
        std::iter::once(0.0).chain(self.planted_percent.iter().copied()).collect()
    }

    /// Comparisons asked for with each of [`Self::percents`].
    pub(super) fn numbers(&self) -> Vec<usize> {
        let planted = self.planted_percent.iter().map(|_| self.planted_comparisons);
        std::iter::once(self.comparisons).chain(planted).collect()
    }

    /// The slow-down of each comparison that is still to be run, in order; `done`: those that have been.
    pub(super) fn to_run(&self, done: &[f64]) -> Vec<f64> {
        let mut places: Vec<(f64, usize)> = Vec::new();
        for (group, n) in self.numbers().into_iter().enumerate() {
            // The first of one group and of another share no place: a group of two lies at a quarter and three quarters.
            places.extend((0..n).map(|idx| ((as_f64(idx) + 0.5) / as_f64(n), group)));
        }
        places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let percents = self.percents();
        let mut left: Vec<usize> = percents
            .iter()
            .map(|percent| done.iter().filter(|was| (*was - percent).abs() < 1e-9).count())
            .collect();
        places.retain(|(_, group)| {
            let is_done = left[*group] > 0;
            left[*group] = left[*group].saturating_sub(1);
            !is_done
        });
        places.into_iter().map(|(_, group)| percents[group]).collect()
    }

    /// Whether another comparison fits after `elapsed_s`, if it takes as long as the `longest_s` one so far. The first one
    /// always does: nobody knows how long it takes.
    pub(super) fn fits(&self, elapsed_s: f64, longest_s: Option<f64>) -> bool {
        match (self.minutes, longest_s) {
            (Some(minutes), Some(longest_s)) => elapsed_s + longest_s <= minutes * 60.0,
            _ => true,
        }
    }

    /// Seconds that `n_left` comparisons will take, if they take as long as those so far, within the budget.
    pub(super) fn left_s(&self, n_left: usize, mean_s: f64, elapsed_s: f64) -> f64 {
        let left_s = as_f64(n_left) * mean_s;
        self.minutes.map_or(left_s, |minutes| left_s.min((minutes * 60.0 - elapsed_s).max(0.0)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of comparisons are far below 2^53")]
pub(super) const fn as_f64(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "per cents are handed on, never computed")]
mod tests {
    use super::*;

    fn plan(minutes: Option<f64>) -> Plan {
        Plan { comparisons: 200, planted_percent: vec![3.0, 5.0], planted_comparisons: 40, minutes }
    }

    fn count(of: &[f64], percent: f64) -> usize {
        of.iter().filter(|one| **one == percent).count()
    }

    #[test]
    fn everything_asked_for_is_run_once() {
        let order = plan(None).to_run(&[]);
        let counts = [0.0, 3.0, 5.0].map(|percent| count(&order, percent));
        assert_eq!((counts, order.len()), ([200, 40, 40], 280));
    }

    #[test]
    fn a_calibration_cut_short_anywhere_has_its_share_of_each() {
        let order = plan(None).to_run(&[]);
        for n in 1..=order.len() {
            for (percent, of) in [(0.0, 200.0), (3.0, 40.0), (5.0, 40.0)] {
                let share = as_f64(n) / 280.0 * of;
                let found = as_f64(count(&order[..n], percent));
                assert!(
                    (found - share).abs() <= 1.5,
                    "{percent} after {n}: {found} is not {share}"
                );
            }
        }
    }

    #[test]
    fn what_was_done_is_not_run_again_and_a_larger_plan_goes_on() {
        let order = plan(None).to_run(&[]);
        assert_eq!(plan(None).to_run(&order[..100]), order[100..]);
        assert_eq!(plan(None).to_run(&order), [0.0; 0]);
        let more = Plan { comparisons: 210, ..plan(None) };
        assert_eq!(more.to_run(&order), [0.0; 10]);
        // More than was asked for, and a slow-down that is asked for no more, are no debt.
        let less = Plan { comparisons: 1, planted_percent: vec![], ..plan(None) };
        assert_eq!(less.to_run(&order), [0.0; 0]);
    }

    #[test]
    fn no_comparison_starts_that_would_end_after_the_budget() {
        let plan = plan(Some(10.0));
        assert!(plan.fits(9e9, None), "the first one");
        assert!(plan.fits(580.0, Some(20.0)));
        assert!(!plan.fits(580.1, Some(20.0)));
        assert!(Plan { minutes: None, ..plan }.fits(9e9, Some(20.0)));
    }

    #[test]
    fn the_time_left_is_that_of_the_plan_or_of_the_budget() {
        assert_eq!(plan(None).left_s(10, 20.0, 500.0), 200.0);
        assert_eq!(plan(Some(10.0)).left_s(10, 20.0, 500.0), 100.0);
        assert_eq!(plan(Some(10.0)).left_s(10, 20.0, 700.0), 0.0);
    }
}
