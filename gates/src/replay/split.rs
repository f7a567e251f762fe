//! One day in two: the rule within a session, where the day's own conditions cancel.
//!
//! In: days. Out: rows for each way to split: odd runs against even ones (alternating, as a paired session runs its
//! arms), and the first half against the second (in sequence, as most tools run theirs).

use std::collections::BTreeMap;

use super::{
    Replay, Row,
    day::Day,
    days::COVERAGE,
    row::Demand,
    rule::{Outcomes, log_ratios},
};
use crate::stats::{
    quantile::median,
    yuen::{as_f64, mean},
};

/// The exact test needs 7 pairs for a p of 1 %.
const MIN_PAIRS: usize = 7;
/// Slow-downs planted in the later arm, the unacceptable margin and twice it, with the standard error up to which the
/// demand on detection stands: a pair SD of 4 % (6 %) at 40 pairs, in whatever number of pairs there is.
const PLANTED: [(f64, f64); 2] = [(1.05, 0.04 / SQRT_40), (1.10, 0.06 / SQRT_40)];
/// From this slow-down on FAIL itself is demanded; on the margin only a decision.
const BEYOND: f64 = 1.1;
const SQRT_40: f64 = 6.324_555_320_336_759;

/// A way to split a day's runs in two.
type Split = fn(&[f64]) -> (Vec<f64>, Vec<f64>);

pub(super) fn replay(days: &[Day], replay: &mut Replay) {
    // Taken by turns, as pairs are, two halves of a day are one build; taken one after the other they are a build in two states
    // of the machine, which is what pairing is for: shown, not demanded.
    for (name, split, coverage) in [
        ("odd/even runs", odd_even as Split, COVERAGE),
        ("half/half runs", halves, Demand::Nothing),
    ] {
        let by_day: Vec<Outcomes> = days.iter().map(|day| as_is(day, split)).collect();
        let all = Outcomes::sum(&by_day);
        replay.rows.extend([
            Row::rate(format!("{name}: false slower"), Demand::Nothing, all.fail),
            Row::rate(format!("{name}: interval covers 0"), coverage, all.covers),
        ]);
        replay.notes.extend(restless_day(name, days, split, &by_day));
    }
    replay.rows.extend(power(days));
    replay.notes.push(format!(
        "Within a day: an odd run out is dropped; about 12 pairs, so that the exact sign-flip test judges (at least \
         {MIN_PAIRS} pairs). The demands at × 1.05 and × 1.10 are those of paired sessions with a pair SD of 4 % (6 %) and \
         40 pairs, as a standard error: at most 0.63 % (0.95 %), the median of the benchmark over all days. Exactly on the \
         margin of 5 % one look passes 5 % by design, so that no more than 95 % can fail there."
    ));
}

/// A day's own runs against one another.
fn as_is(day: &Day, split: Split) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for (base, head) in arms(day, split) {
        outcomes.count(&log_ratios(&base, &head, 1.0));
    }
    outcomes
}

/// What the rule says of planted slow-downs between odd and even runs.
fn power(days: &[Day]) -> Vec<Row> {
    let typical = typical_errors(days);
    let mut rows = Vec::new();
    for (slowdown, max_error) in PLANTED {
        let (mut all, mut quiet) = (Outcomes::default(), Outcomes::default());
        for (benchmark, times) in days.iter().flat_map(|day| &day.benchmarks) {
            let Some((base, head)) = arms_of(times, odd_even) else { continue };
            let pairs = log_ratios(&base, &head, slowdown);
            let mut one = Outcomes::default();
            one.count(&pairs);
            all = Outcomes::sum(&[all, one]);
            if typical.get(benchmark.as_str()).is_some_and(|error| *error <= max_error) {
                quiet = Outcomes::sum(&[quiet, one]);
            }
        }
        let name = format!("odd/even × {slowdown:.2}");
        let quiet_name = format!("{name}, SE ≤ {:.2} %", max_error * 100.0);
        rows.extend([
            Row::rate(format!("{name}: false pass"), Demand::Level(0.05), all.pass),
            Row::rate(format!("{name}: fail"), Demand::Nothing, all.fail),
        ]);
        rows.push(if slowdown < BEYOND {
            let open = Demand::AtMost(0.05);
            Row::rate(format!("{quiet_name}: inconclusive"), open, quiet.inconclusive())
        } else {
            Row::rate(format!("{quiet_name}: fail"), Demand::AtLeast(0.99), quiet.fail)
        });
    }
    rows
}

/// The standard error of odd against even runs, by benchmark: the median over all days, so that no comparison is chosen by
/// its own luck.
fn typical_errors(days: &[Day]) -> BTreeMap<&str, f64> {
    let mut errors: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (benchmark, times) in days.iter().flat_map(|day| &day.benchmarks) {
        if let Some((base, head)) = arms_of(times, odd_even) {
            errors.entry(benchmark).or_default().push(error(&log_ratios(&base, &head, 1.0)));
        }
    }
    errors.iter().filter_map(|(benchmark, errors)| Some((*benchmark, median(errors)?))).collect()
}

/// The day whose arms differ most in all benchmarks alike: the rule sees a real step there, not a false one.
fn restless_day(name: &str, days: &[Day], split: Split, by_day: &[Outcomes]) -> Option<String> {
    let step = |day: &Day| {
        let steps = arms(day, split).map(|(base, head)| mean(&log_ratios(&base, &head, 1.0)));
        median(&steps.collect::<Vec<f64>>())
    };
    let steps = days.iter().map(|day| step(day).unwrap_or_default()).enumerate();
    let (place, step) = steps.max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()))?;
    let others = Outcomes::sum(&[&by_day[..place], &by_day[place + 1..]].concat()).covers;
    let (low, high) = others.interval_95();
    let percent = |share: f64| format!("{:.2}", share * 100.0);
    Some(format!(
        "{name}: the largest step between the arms is that of day {}, {} in the median over benchmarks; without that day the \
         interval covers 0 in {} % ({}–{} %).",
        place + 1,
        crate::text::change(step),
        percent(others.share()),
        percent(low),
        percent(high),
    ))
}

/// The two arms of every benchmark of a day.
fn arms(day: &Day, split: Split) -> impl Iterator<Item = (Vec<f64>, Vec<f64>)> {
    day.benchmarks.values().filter_map(move |times| arms_of(times, split))
}

/// Two arms of equal length; `None` where they are too short.
fn arms_of(times: &[f64], split: Split) -> Option<(Vec<f64>, Vec<f64>)> {
    let n_pairs = times.len() / 2;
    (n_pairs >= MIN_PAIRS).then(|| split(&times[..2 * n_pairs]))
}

fn odd_even(times: &[f64]) -> (Vec<f64>, Vec<f64>) {
    times.chunks_exact(2).map(|two| (two[0], two[1])).unzip()
}

fn halves(times: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (first, second) = times.split_at(times.len() / 2);
    (first.to_vec(), second.to_vec())
}

/// Standard error of the mean.
fn error(values: &[f64]) -> f64 {
    let (centre, n) = (mean(values), as_f64(values.len()));
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (squares / (n - 1.0) / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::{halves, odd_even};

    #[test]
    fn both_splits_keep_every_run_and_its_order() {
        let times = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(odd_even(&times), (vec![1.0, 3.0, 5.0], vec![2.0, 4.0, 6.0]));
        assert_eq!(halves(&times), (vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]));
    }
}
