//! Rules without a margin or without replication, on the same days: how often they cry wolf over identical code.
//!
//! In: days. Out: rows: "110 % of previous" on single runs and on day medians; Welch's test at 5 %, runs as n; our own
//! test without its margin. Between days every direction counts: each pair is looked at both ways.

use super::{
    Replay, Row,
    day::{Both, Day, in_common},
    days::MIN_PAIRS,
    rate::Tally,
    row::Demand,
    rule::{ALPHA_FAIL, log_ratios},
};
use crate::stats::{
    Location,
    quantile::median,
    student,
    yuen::{as_f64, mean},
};

/// The alert threshold of a common rule: this many times the previous value.
pub(super) const ALERT: f64 = 1.1;
/// One-sided level of the naive test.
const ALPHA: f64 = 0.05;
/// Margins of the suite-level figures, and what was reported for them.
const MARGINS: [(f64, &str); 3] = [(1.0, "20 of 22"), (1.02, "5 of 22"), (1.05, "1 of 22")];

pub(super) fn replay(days: &[Day], replay: &mut Replay) {
    let single = Row::rate("days, 110 % of previous run", Demand::Nothing, single_runs(days));
    let medians = both_ways(days, |both| {
        median(both.head).zip(median(both.base)).is_some_and(|(head, base)| head > ALERT * base)
    });
    replay.rows.push(single);
    replay.rows.push(Row::rate("days, 110 % of the day before", Demand::Nothing, medians.tests));
    for (margin, reported) in MARGINS {
        let fired = both_ways(days, |both| welch_p(both.base, both.head, margin) <= ALPHA);
        let name = margin_name(margin);
        if margin <= 1.0 {
            let property = format!("days, Welch at 5 %, {name}");
            replay.rows.push(Row::rate(property, Demand::Reported("3.5–5 %"), fired.tests));
        }
        let property = format!("any of the suite: Welch, {name}");
        replay.rows.push(Row::rate(property, Demand::Reported(reported), fired.day_pairs));
    }
    for (margin, reported) in MARGINS {
        let fired = both_ways(days, |both| {
            Location::of_pairs(&log_ratios(both.base, both.head, 1.0))
                .is_some_and(|found| found.p_above(margin.ln()) <= ALPHA_FAIL)
        });
        let property = format!("any of the suite: our test at 1 %, {}", margin_name(margin));
        replay.rows.push(Row::rate(property, Demand::Reported(reported), fired.day_pairs));
    }
    replay.notes.push(
        "Suite level: a day pair counts, once each way, if any benchmark fires; nothing is corrected for their number. \
         The reported 22 day pairs may be both ways of the 11 pairs at most two days apart, or other days of the same \
         builder; its suite had 98 benchmarks and its test is not named, so that two tests are shown."
            .to_owned(),
    );
}

fn margin_name(margin: f64) -> String {
    if margin > 1.0 {
        format!("margin {:.0} %", (margin - 1.0) * 100.0)
    } else {
        "no margin".into()
    }
}

/// How often a rule fired, per benchmark and per suite.
#[derive(Default)]
struct Fired {
    tests: Tally,
    day_pairs: Tally,
}

/// Tries a rule on adjacent days, each the base once.
fn both_ways(days: &[Day], fires: impl Fn(&Both<'_>) -> bool) -> Fired {
    let mut fired = Fired::default();
    for pair in days.windows(2) {
        for (base, head) in [(&pair[0], &pair[1]), (&pair[1], &pair[0])] {
            let mut any = false;
            for both in in_common(base, head, MIN_PAIRS) {
                let fires = fires(&both);
                fired.tests.count(fires);
                any |= fires;
            }
            fired.day_pairs.count(any);
        }
    }
    fired
}

/// Every run against the run before it, over all days.
fn single_runs(days: &[Day]) -> Tally {
    let mut tally = Tally::default();
    let mut last = std::collections::BTreeMap::new();
    for (benchmark, times) in days.iter().flat_map(|day| &day.benchmarks) {
        for time in times {
            if let Some(previous) = last.insert(benchmark, *time) {
                tally.count(*time > ALERT * previous);
            }
        }
    }
    tally
}

/// One-sided p of Welch's test that the head's logs lie above the base's by more than `margin`. Source: Welch 1947.
pub(super) fn welch_p(base: &[f64], head: &[f64], margin: f64) -> f64 {
    let (Some(base), Some(head)) = (Group::of(base), Group::of(head)) else { return 1.0 };
    let variance = base.variance + head.variance;
    let spread = base.variance.powi(2) / base.df + head.variance.powi(2) / head.df;
    let df = if spread > 0.0 { variance.powi(2) / spread } else { 1.0 };
    student::p_above(head.mean - base.mean, margin.ln(), variance.sqrt(), df)
}

/// The logs of one arm: mean, variance of the mean, degrees of freedom.
struct Group {
    mean: f64,
    variance: f64,
    df: f64,
}

impl Group {
    fn of(times: &[f64]) -> Option<Self> {
        let logs: Vec<f64> = times.iter().map(|time| time.ln()).collect();
        if logs.len() < 2 || logs.iter().any(|log| !log.is_finite()) {
            return None;
        }
        let (mean, df) = (mean(&logs), as_f64(logs.len() - 1));
        let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
        Some(Self { mean, variance: squares / df / as_f64(logs.len()), df })
    }
}

#[cfg(test)]
mod tests {
    use super::welch_p;

    #[test]
    fn welch_is_that_of_the_reference() {
        // scipy 1.17.1: ttest_ind(log(head), log(base), equal_var=False, alternative="greater").pvalue.
        let (base, head) = ([100.0, 101.0, 99.0, 102.0, 98.0], [103.0, 101.0, 104.0, 107.0]);
        let p = welch_p(&base, &head, 1.0);
        assert!((p - 0.023_232_389_249_577_053).abs() < 1e-9, "{p}");
        assert!(welch_p(&base, &head, 1.05) > 0.5);
    }

    #[test]
    fn one_value_or_zero_never_fires() {
        assert!(welch_p(&[1.0], &[2.0, 3.0], 1.0) >= 1.0);
        assert!(welch_p(&[0.0, 1.0], &[2.0, 3.0], 1.0) >= 1.0);
    }
}
