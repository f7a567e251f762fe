//! Dividing by a control on a quiet box: what it costs where there is nothing to take away.
//!
//! In: days. Out: two rows: the typical spread of a run within its day, before and after each run time is divided by the
//! geometric mean of all other benchmarks of the same run.

use super::{Replay, Row, day::Day, row::Demand, spread::Spread};
use crate::stats::yuen::{as_f64, mean};

pub(super) fn replay(days: &[Day], replay: &mut Replay) {
    let (mut plain, mut divided) = (Vec::new(), Vec::new());
    for day in days {
        let runs = complete(day);
        plain.extend(runs.iter().filter_map(|logs| Spread::of(logs)).map(|spread| spread.sd));
        let others = divide(&runs);
        divided.extend(others.iter().filter_map(|logs| Spread::of(logs)).map(|spread| spread.sd));
    }
    let row = |property, reported, sds: &[f64]| {
        Row::spread(property, Demand::Reported(reported), Spread::typical(sds))
    };
    replay.rows.extend(row("quiet box: SD of a run", "0.67 %", &plain));
    replay.rows.extend(row("quiet box: SD of a run, ÷ control", "0.83 %", &divided));
    let average = |sds: &[f64]| if sds.is_empty() { 0.0 } else { 100.0 * mean(sds) };
    replay.notes.push(format!(
        "Quiet box: median over benchmarks and days of the robust SD of a run within its day; the control is the \
         geometric mean of all other benchmarks of the same run, with weight 1. The mean instead of the median goes from \
         {:.2} % to {:.2} %. The reported control and average are not named.",
        average(&plain),
        average(&divided),
    ));
}

/// Logs by benchmark and run, for the benchmarks with every run of the day.
fn complete(day: &Day) -> Vec<Vec<f64>> {
    let n_runs = day.benchmarks.values().map(Vec::len).max().unwrap_or_default();
    let complete = day.benchmarks.values().filter(|times| times.len() == n_runs);
    complete.map(|times| times.iter().map(|time| time.ln()).collect()).collect()
}

/// Each log less the mean of the other benchmarks' logs in the same run; empty for fewer than two benchmarks.
fn divide(runs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    if runs.len() < 2 {
        return Vec::new();
    }
    let n_runs = runs.first().map_or(0, Vec::len);
    let sums: Vec<f64> = (0..n_runs).map(|run| runs.iter().map(|logs| logs[run]).sum()).collect();
    let n_others = as_f64(runs.len() - 1);
    let less_others = |(log, sum): (&f64, &f64)| log - (sum - log) / n_others;
    runs.iter().map(|logs| logs.iter().zip(&sums).map(less_others).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::divide;

    #[test]
    fn what_all_share_goes_and_what_one_has_stays() {
        // The second run is 0.5 slower in all three, the third 0.3 in the first alone.
        let runs = [vec![1.0, 1.5, 1.3], vec![2.0, 2.5, 2.0], vec![4.0, 4.5, 4.0]];
        let divided = divide(&runs);
        assert!((divided[0][1] - divided[0][0]).abs() < 1e-12, "{divided:?}");
        assert!((divided[0][2] - divided[0][0] - 0.3).abs() < 1e-12, "{divided:?}");
        assert_eq!(divide(&runs[..1]), Vec::<Vec<f64>>::new());
    }
}
