//! One line of the table: a rate, its exact interval, and what is demanded of it. In: counts. Out: a line for people.

use crate::stats::clopper_pearson;

/// What is demanded of a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Demand {
    /// At most this; and its upper 95 % bound at most the second.
    AtMost(f64, f64),
    /// At least this.
    AtLeast(f64),
    /// Between the two.
    Within(f64, f64),
    /// Nothing: printed beside the others, to compare.
    Shown,
}

impl Demand {
    /// A rate of at most `rate`, as measured.
    #[must_use]
    pub const fn at_most(rate: f64) -> Self {
        Self::AtMost(rate, 1.0)
    }

    /// Whether `rate`, with the upper bound `high`, meets it; `None` where nothing is demanded.
    #[must_use]
    pub fn holds(self, rate: f64, high: f64) -> Option<bool> {
        match self {
            Self::AtMost(most, bound) => Some(rate <= most && high <= bound),
            Self::AtLeast(least) => Some(rate >= least),
            Self::Within(least, most) => Some((least..=most).contains(&rate)),
            Self::Shown => None,
        }
    }

    /// In words; the bound in parentheses.
    #[must_use]
    pub fn text(self) -> String {
        let percent = |share: f64| format!("{}", (share * 1e4).round() / 100.0);
        match self {
            Self::AtMost(most, bound) if bound < 1.0 => {
                format!("≤ {} ({}) %", percent(most), percent(bound))
            }
            Self::AtMost(most, _) => format!("≤ {} %", percent(most)),
            Self::AtLeast(least) => format!("≥ {} %", percent(least)),
            Self::Within(least, most) => format!("{}–{} %", percent(least), percent(most)),
            Self::Shown => "–".to_owned(),
        }
    }
}

/// A rate that was measured, and what is demanded of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Row of the page.
    pub property: &'static str,
    /// What was simulated.
    pub cell: String,
    /// What is demanded.
    pub demand: Demand,
    /// Sessions in which it happened.
    pub hits: u64,
    /// Sessions.
    pub n: u64,
    /// `hits ÷ n`.
    pub rate: f64,
    /// Lower end of the exact two-sided 95 % interval of the rate (Clopper and Pearson 1934).
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Whether the demand is met; `None` where nothing is demanded.
    pub holds: Option<bool>,
}

impl Line {
    /// A line of `hits` in `n`.
    #[must_use]
    pub fn new(property: &'static str, cell: String, demand: Demand, hits: u64, n: u64) -> Self {
        let (low, high) = clopper_pearson::interval_95(hits, n);
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let rate = hits as f64 / n.max(1) as f64;
        let holds = if n == 0 { Some(false) } else { demand.holds(rate, high) };
        Self { property, cell, demand, hits, n, rate, low, high, holds }
    }
}

#[cfg(test)]
mod tests {
    use super::{Demand, Line};

    #[test]
    fn a_demand_is_met_on_its_bound_and_not_beyond() {
        let line = |demand, hits| Line::new("p", String::new(), demand, hits, 10_000).holds;
        assert_eq!(line(Demand::AtMost(0.01, 0.015), 100), Some(true));
        assert_eq!(line(Demand::AtMost(0.01, 0.015), 101), Some(false));
        assert_eq!(line(Demand::AtLeast(0.95), 9_500), Some(true));
        assert_eq!(line(Demand::AtLeast(0.95), 9_499), Some(false));
        assert_eq!(line(Demand::Within(0.035, 0.065), 651), Some(false));
        assert_eq!(line(Demand::Shown, 651), None);
        // A rate that is low by chance is no proof: 1 of 200 has an upper bound of 2.8 %.
        assert_eq!(
            Line::new("p", String::new(), Demand::AtMost(0.01, 0.015), 1, 200).holds,
            Some(false)
        );
    }

    #[test]
    fn nothing_simulated_is_no_proof() {
        assert_eq!(Line::new("p", String::new(), Demand::at_most(0.5), 0, 0).holds, Some(false));
    }

    #[test]
    fn demands_read_as_the_page_writes_them() {
        assert_eq!(Demand::AtMost(0.01, 0.015).text(), "≤ 1 (1.5) %");
        assert_eq!(Demand::Within(0.035, 0.065).text(), "3.5–6.5 %");
        assert_eq!(Demand::at_most(0.08).text(), "≤ 8 %");
    }
}
