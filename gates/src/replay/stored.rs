//! A stored baseline for time: compare with what the same CPU model did before, or abstain.
//!
//! In: a history. Out: rows: how often the rule abstains, and what it does where it judges. The rule: a run is slower if
//! its log lies above `mean + t·s·sqrt(1 + 1/n)` at .99, one-sided, over the last `n` values, 5 to 20 of them.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Replay, Row,
    hosted::{History, Track, Value, joined, kind},
    rate::Tally,
    row::Demand,
};
use crate::stats::{
    student,
    yuen::{as_f64, mean},
};

/// Values that a prediction needs at least.
const MIN_VALUES: usize = 5;
/// Values that it takes at most: the last ones, so that it follows the program.
const MAX_VALUES: usize = 20;
/// One-sided level.
const LEVEL: f64 = 0.99;
/// Slow-downs planted in the run under judgement, each run by itself.
const PLANTED: [f64; 2] = [1.05, 1.10];

pub(super) fn replay(history: &History, replay: &mut Replay) {
    let mut rule = Rule::new();
    for track in &history.times {
        rule.walk(&track.values, Baseline::LastRun);
    }
    replay.rows.push(Row::rate(
        "stored, CPU of last run: abstains",
        Demand::Reported("69 %"),
        rule.abstains,
    ));
    replay.rows.extend(rule.rows("stored, CPU of last run", [Demand::Nothing; 2]));
    let mut rule = Rule::new();
    for track in &history.times {
        rule.walk(&track.values, Baseline::OwnModel);
    }
    replay.rows.push(Row::rate("stored, own CPU's past: abstains", Demand::Nothing, rule.abstains));
    replay
        .rows
        .extend(rule.rows("stored, own CPU's past", [Demand::Reported("4 %"), Demand::Nothing]));
    let mut rule = Rule::new();
    for track in &history.times {
        rule.walk(&track.values, Baseline::AnyModel);
    }
    replay.rows.extend(rule.rows("stored, any CPU", [Demand::Nothing; 2]));
    let mut rule = Rule::new();
    for values in ratios(&history.times) {
        rule.walk(&values, Baseline::AnyModel);
    }
    replay.rows.extend(
        rule.rows("stored, any CPU, ÷ control", [Demand::Reported("26 %"), Demand::Nothing]),
    );
    replay.notes.push(format!(
        "Stored baseline: a run's log against mean + t·s·sqrt(1 + 1/n) at {LEVEL}, one-sided, over the last n values, \
         {MIN_VALUES} ≤ n ≤ {MAX_VALUES}; fewer, or (CPU of last run) another CPU model than the run before: incomparable, \
         the rule abstains. Last run and own CPU's past take values of the same model only. Nominal false alarms: 1 %; \
         revisions that really were slower are in the count."
    ));
}

/// Which earlier values a run is held against.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Baseline {
    /// Those of its model, if the run before had that model too: the baseline is the last run's record.
    LastRun,
    /// Those of its model: the store keeps a baseline per fingerprint.
    OwnModel,
    /// All: the fingerprint is ignored.
    AnyModel,
}

/// What the rule did.
struct Rule {
    /// Upper quantiles of t by number of values.
    quantiles: Vec<f64>,
    abstains: Tally,
    alarms: Tally,
    found: [Tally; 2],
}

impl Rule {
    fn new() -> Self {
        let quantile = |n: usize| if n < 2 { 0.0 } else { student::quantile(LEVEL, as_f64(n - 1)) };
        Self {
            quantiles: (0..=MAX_VALUES).map(quantile).collect(),
            abstains: Tally::default(),
            alarms: Tally::default(),
            found: [Tally::default(); 2],
        }
    }

    /// Judges every value by those before it; the first has nothing before it and is no comparison.
    fn walk(&mut self, values: &[Value], baseline: Baseline) {
        let mut past: BTreeMap<usize, VecDeque<f64>> = BTreeMap::new();
        let mut last_model = None;
        for value in values {
            let class = if baseline == Baseline::AnyModel { 0 } else { value.model };
            let known = past.entry(class).or_default();
            if let Some(last_model) = last_model {
                let other = baseline == Baseline::LastRun && last_model != value.model;
                let abstains = other || known.len() < MIN_VALUES;
                self.abstains.count(abstains);
                if !abstains {
                    self.judge(known, value.log);
                }
            }
            known.push_back(value.log);
            if known.len() > MAX_VALUES {
                known.pop_front();
            }
            last_model = Some(value.model);
        }
    }

    fn judge(&mut self, known: &VecDeque<f64>, log: f64) {
        let known: Vec<f64> = known.iter().copied().collect();
        let (centre, n) = (mean(&known), as_f64(known.len()));
        let squares: f64 = known.iter().map(|log| (log - centre).powi(2)).sum();
        let sd = (squares / (n - 1.0)).sqrt();
        let bound = centre + self.quantiles[known.len()] * sd * (1.0 + 1.0 / n).sqrt();
        self.alarms.count(log > bound);
        for (tally, slowdown) in self.found.iter_mut().zip(PLANTED) {
            tally.count(log + slowdown.ln() > bound);
        }
    }

    fn rows(&self, name: &str, demands: [Demand; 2]) -> Vec<Row> {
        let mut rows =
            vec![Row::rate(format!("{name}: false alarm"), Demand::Nothing, self.alarms)];
        for ((tally, slowdown), demand) in self.found.iter().zip(PLANTED).zip(demands) {
            rows.push(Row::rate(format!("{name}, × {slowdown:.2}: found"), demand, *tally));
        }
        rows
    }
}

/// Each time less another of its kind in the same run: a control with weight 1.
fn ratios(times: &[Track]) -> Vec<Vec<Value>> {
    let mut ratios = Vec::new();
    for (place, one) in times.iter().enumerate() {
        for other in times[..place].iter().filter(|other| kind(&other.name) == kind(&one.name)) {
            let ratio = |(a, b): &(Value, Value)| Value { log: a.log - b.log, ..*a };
            ratios.push(joined(one, other).iter().map(ratio).collect());
        }
    }
    ratios
}

#[cfg(test)]
mod tests {
    use super::{Baseline, Rule, Tally, Value};

    fn values(models: &[usize], logs: &[f64]) -> Vec<Value> {
        let value =
            |(run, (model, log)): (usize, (&usize, &f64))| Value { run, model: *model, log: *log };
        models.iter().zip(logs).enumerate().map(value).collect()
    }

    #[test]
    fn another_model_or_too_short_a_past_abstains() {
        let models = [0, 0, 0, 0, 0, 0, 1, 0];
        let values = values(&models, &[0.0, 0.01, 0.0, 0.01, 0.0, 0.01, 5.0, 0.005]);
        for (baseline, abstains, judged) in
            [(Baseline::LastRun, 6, 1), (Baseline::OwnModel, 5, 2), (Baseline::AnyModel, 4, 3)]
        {
            let mut rule = Rule::new();
            rule.walk(&values, baseline);
            assert_eq!(rule.abstains, Tally { hits: abstains, n: 7 });
            assert_eq!(rule.alarms.n, judged);
        }
    }

    #[test]
    fn the_bound_is_that_of_the_formula() {
        // Five values 0, ±1, ±1: mean 0, s = 1, t(.99, 4) = 3.746947 (scipy 1.17.1), bound 3.746947 · sqrt(1.2) = 4.104575.
        for (log, alarms) in [(4.10, 0), (4.11, 1)] {
            let mut rule = Rule::new();
            rule.walk(&values(&[0; 6], &[0.0, 1.0, -1.0, 1.0, -1.0, log]), Baseline::OwnModel);
            assert_eq!(rule.alarms, Tally { hits: alarms, n: 1 });
        }
    }
}
