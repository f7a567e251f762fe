//! One line of a replay: a property, what is demanded of it, what was measured, and whether that holds.
//! In: a count or a spread. Out: a [`Row`] whose `measured`, `low` and `high` are fractions of 1, whatever they are of.

use super::{rate::Tally, spread::Spread};

/// One property.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What was counted or measured.
    pub property: String,
    /// What it must be; or what others found, behind `reported`; or `–`.
    pub demand: String,
    /// A share, or a relative standard deviation: 0.01 is 1 %.
    pub measured: f64,
    /// Lower end of its exact two-sided 95 % interval, values taken as independent.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Comparisons or values behind it.
    pub n: u64,
    /// Whether `measured` is what is demanded; `None` where nothing is. Without a comparison no demand holds.
    pub holds: Option<bool>,
}

/// What is asked of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Demand {
    /// Nothing: a figure for comparison.
    Nothing,
    /// Nothing; this is what an earlier look at such data reported.
    Reported(&'static str),
    /// A share of at most this.
    AtMost(f64),
    /// A test's own level: its rate is expected there, so that only an interval wholly above it contradicts.
    Level(f64),
    /// A share of at least this.
    AtLeast(f64),
    /// A share between these, ends included.
    Within(f64, f64),
    /// At most so many of them.
    AtMostOf(u64),
}

impl Row {
    pub(super) fn rate(property: impl Into<String>, demand: Demand, tally: Tally) -> Self {
        let (low, high) = tally.interval_95();
        Self {
            property: property.into(),
            demand: demand.text(tally.n),
            measured: tally.share(),
            low,
            high,
            n: tally.n,
            holds: demand.holds(tally),
        }
    }

    /// A spread, of which nothing is demanded; `None` where there are too few values for one.
    pub(super) fn spread(
        property: impl Into<String>,
        demand: Demand,
        spread: Option<Spread>,
    ) -> Option<Self> {
        let Spread { sd, low, high, n } = spread?;
        let demand = demand.text(n);
        Some(Self { property: property.into(), demand, measured: sd, low, high, n, holds: None })
    }
}

impl Demand {
    fn text(self, n: u64) -> String {
        match self {
            Self::Nothing => "–".to_owned(),
            Self::Reported(figure) => format!("reported {figure}"),
            Self::AtMost(share) => format!("≤ {} %", percent(share)),
            Self::Level(share) => format!("level {} %", percent(share)),
            Self::AtLeast(share) => format!("≥ {} %", percent(share)),
            Self::Within(low, high) => format!("{}–{} %", percent(low), percent(high)),
            Self::AtMostOf(hits) => format!("≤ {hits} of {n}"),
        }
    }

    fn holds(self, tally: Tally) -> Option<bool> {
        let share = tally.share();
        let holds = match self {
            Self::Nothing | Self::Reported(_) => return None,
            Self::AtMost(most) => share <= most,
            Self::Level(level) => tally.interval_95().0 <= level,
            Self::AtLeast(least) => share >= least,
            Self::Within(low, high) => (low..=high).contains(&share),
            Self::AtMostOf(hits) => tally.hits <= hits,
        };
        Some(holds && tally.n > 0)
    }
}

/// A share in percent, to a tenth and no digit more than needed.
fn percent(share: f64) -> f64 {
    (share * 1_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::{Demand, Row, Tally};

    #[test]
    fn a_demand_holds_at_its_limit_and_never_of_nothing() {
        let holds = |demand, hits, n| Row::rate("", demand, Tally { hits, n }).holds;
        assert_eq!(holds(Demand::AtMost(0.005), 5, 1_000), Some(true));
        assert_eq!(holds(Demand::AtMost(0.005), 6, 1_000), Some(false));
        assert_eq!(holds(Demand::Within(0.92, 0.98), 98, 100), Some(true));
        assert_eq!(holds(Demand::Within(0.92, 0.98), 91, 100), Some(false));
        assert_eq!(holds(Demand::AtMostOf(2), 3, 12), Some(false));
        assert_eq!(holds(Demand::AtLeast(0.99), 99, 100), Some(true));
        // 66 of 1313 is 5.03 %, from 3.9 % up; 90 of 1313 is 6.85 %, from 5.5 % up.
        assert_eq!(holds(Demand::Level(0.05), 66, 1313), Some(true));
        assert_eq!(holds(Demand::Level(0.05), 90, 1313), Some(false));
        assert_eq!(holds(Demand::Level(0.05), 0, 0), Some(false));
        assert_eq!(holds(Demand::AtMost(0.5), 0, 0), Some(false));
        assert_eq!(holds(Demand::Reported("1 %"), 0, 0), None);
    }

    #[test]
    fn demands_read_as_the_page_writes_them() {
        let text = |demand: Demand| demand.text(12);
        assert_eq!(text(Demand::AtMost(0.005)), "≤ 0.5 %");
        assert_eq!(text(Demand::Within(0.92, 0.98)), "92–98 %");
        assert_eq!(text(Demand::AtMostOf(2)), "≤ 2 of 12");
        assert_eq!(text(Demand::AtLeast(0.99)), "≥ 99 %");
    }
}
