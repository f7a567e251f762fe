//! Adjacent days of an unchanged build: what the rule says of identical code, and of slow-downs planted in it.
//!
//! In: days. Out: rows: false "slower", coverage of 0, FAIL and PASS by planted slow-down. Runs are paired in the order
//! they were taken. Two days are no session: what changed over night stays in the ratio.

use super::{
    Replay, Row,
    day::{Day, in_common},
    row::Demand,
    rule::{Outcomes, log_ratios},
};

/// The first look of the shipped policy: fewer pairs are never judged.
pub(super) const MIN_PAIRS: usize = 16;
/// Slow-downs multiplied into every raw value of the later day.
const PLANTED: [f64; 3] = [1.03, 1.05, 1.10];
/// False "slower" at most, per benchmark.
const MAX_FALSE_SLOWER: f64 = 0.005;
/// Day pairs of six that may have one: two of twelve.
const DAY_PAIRS_PER_FALSE_SLOWER: u64 = 6;
/// Between what coverage of a nominal 95 % interval must lie.
pub(super) const COVERAGE: Demand = Demand::Within(0.92, 0.98);

pub(super) fn replay(days: &[Day], replay: &mut Replay) {
    let mut as_is = Outcomes::default();
    let mut with_any = super::rate::Tally::default();
    let mut planted = [Outcomes::default(); PLANTED.len()];
    for pair in days.windows(2) {
        let mut any = false;
        for both in in_common(&pair[0], &pair[1], MIN_PAIRS) {
            any |= as_is.count(&log_ratios(both.base, both.head, 1.0));
            for (outcomes, slowdown) in planted.iter_mut().zip(PLANTED) {
                outcomes.count(&log_ratios(both.base, both.head, slowdown));
            }
        }
        with_any.count(any);
    }
    let most = Demand::AtMostOf(with_any.n / DAY_PAIRS_PER_FALSE_SLOWER);
    replay.rows.extend([
        Row::rate("adjacent days: false slower", Demand::AtMost(MAX_FALSE_SLOWER), as_is.fail),
        Row::rate("day pairs with any false slower", most, with_any),
        Row::rate("adjacent days: pass", Demand::Nothing, as_is.pass),
        Row::rate("adjacent days: interval covers 0", COVERAGE, as_is.covers),
    ]);
    for (outcomes, slowdown) in planted.iter().zip(PLANTED) {
        let name = format!("adjacent days × {slowdown:.2}");
        replay.rows.extend([
            Row::rate(format!("{name}: fail"), Demand::Nothing, outcomes.fail),
            Row::rate(format!("{name}: pass"), Demand::Nothing, outcomes.pass),
        ]);
    }
    replay.notes.extend(notes(days));
}

fn notes(days: &[Day]) -> [String; 2] {
    let n_benchmarks = days.iter().map(|day| day.benchmarks.len()).max().unwrap_or_default();
    let n_left_out: usize = days.iter().map(|day| day.n_left_out).sum();
    let short = |pair: &[Day]| {
        in_common(&pair[0], &pair[1], 0).count() - in_common(&pair[0], &pair[1], MIN_PAIRS).count()
    };
    let n_short: usize = days.windows(2).map(short).sum();
    [
        format!(
            "Days: ns/op of {n_benchmarks} benchmarks (package and name), one value per run; run k of a day is paired \
             with run k of the next. Left out: {n_short} comparisons of fewer than {MIN_PAIRS} pairs, {n_left_out} \
             benchmarks with a time of 0. Margins 1 % and 5 %, PASS first at 5 %, FAIL at 1 %, each benchmark by itself."
        ),
        "Tests of one day pair share what changed over night, so that their intervals are too narrow; and a planted 5 % \
         is not exactly 5 % between days: runs of one day (odd/even) are the fairer test of power."
            .to_owned(),
    ]
}
