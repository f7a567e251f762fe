//! Evidence regrouped for the charts: one series per workload and metric, history first, then this session's processes.
//!
//! In: the bundle. Out: series in the order in which the suite ran; nothing is dropped without being counted.

use std::collections::BTreeMap;

use baselines::{
    Evidence, RunRecord,
    evidence::HistoryPoint,
    quantile::median,
    record::{Process, pair_log_ratio},
    unit::Unit,
};

/// Values at or above this are no time, size or count that a chart can show (as nanoseconds: 11 days).
const LARGEST_DRAWN: f64 = 1e15;

/// Everything the page knows about one metric of one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Workload name.
    pub workload: String,
    /// Metric name.
    pub metric: String,
    /// Base unit of all values.
    pub unit: Unit,
    /// Earlier records, oldest first.
    pub history: Vec<HistoryPoint>,
    /// The base arm's processes that have samples, in the order they ran.
    pub base: Vec<ProcessSamples>,
    /// The head arm's, likewise.
    pub head: Vec<ProcessSamples>,
    /// log(head / base) of each pair that has one, as `baselines` defines it.
    pub ratios: BTreeMap<u64, f64>,
    /// Values left out because no chart can show them: not finite, negative or absurdly large.
    pub n_unusable: usize,
}

/// The samples of one process.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessSamples {
    /// Place in the session's order, counted over both arms.
    pub order: u64,
    /// Pair it belongs to.
    pub pair: u64,
    /// Median of the samples.
    pub median: f64,
    /// The samples in the order taken; at least one.
    pub samples: Vec<f64>,
    /// Samples of one iteration.
    pub per_iteration: u64,
}

impl ProcessSamples {
    /// The median of each iteration's samples, in the order taken.
    #[must_use]
    pub fn iterations(&self) -> Vec<f64> {
        let n = usize::try_from(self.per_iteration).unwrap_or(usize::MAX).max(1);
        self.samples.chunks(n).filter_map(median).collect()
    }
}

/// One pair of processes in which both arms have samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Number of the pair.
    pub pair: u64,
    /// The base process's median.
    pub base: f64,
    /// The head process's median.
    pub head: f64,
    /// log(head / base), the median over the pair's rounds: not the ratio of the two medians. `None` where there is none.
    pub log_ratio: Option<f64>,
}

impl Series {
    /// The pairs in which both arms have samples, by number.
    #[must_use]
    pub fn pairs(&self) -> Vec<Pair> {
        let base: BTreeMap<u64, f64> = self.base.iter().map(|p| (p.pair, p.median)).collect();
        let head: BTreeMap<u64, f64> = self.head.iter().map(|p| (p.pair, p.median)).collect();
        base.into_iter()
            .filter_map(|(pair, base)| {
                let log_ratio = self.ratios.get(&pair).copied();
                head.get(&pair).map(|&head| Pair { pair, base, head, log_ratio })
            })
            .collect()
    }
}

/// All series of `evidence`: those of the base first, then what only the head has, then what only the history has.
#[must_use]
pub fn collect(evidence: &Evidence) -> Vec<Series> {
    let mut names: Vec<(&str, &str)> = Vec::new();
    let measured = [&evidence.base, &evidence.head].into_iter().flat_map(|record| {
        record.processes.iter().flat_map(|process| {
            process.series.iter().map(|series| (series.workload.as_str(), series.metric.as_str()))
        })
    });
    let stored = evidence.history.iter().map(|p| (p.workload.as_str(), p.metric.as_str()));
    for name in measured.chain(stored) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().map(|(workload, metric)| one(evidence, workload, metric)).collect()
}

fn one(evidence: &Evidence, workload: &str, metric: &str) -> Series {
    let mut n_unusable = 0;
    let base = arm(&evidence.base, workload, metric, &mut n_unusable);
    let head = arm(&evidence.head, workload, metric, &mut n_unusable);
    let mut history = Vec::new();
    for point in evidence.history.iter().filter(|p| p.workload == workload && p.metric == metric) {
        if [point.min, point.median, point.max].into_iter().all(is_drawable) {
            history.push(point.clone());
        } else {
            n_unusable += 1;
        }
    }
    Series {
        workload: workload.to_owned(),
        metric: metric.to_owned(),
        unit: evidence.head.suite.metric(metric).map_or(Unit::Count, |(unit, _)| unit),
        history,
        base,
        head,
        ratios: ratios(evidence, workload, metric),
        n_unusable,
    }
}

/// The log ratio of every pair in which both arms have the series.
fn ratios(evidence: &Evidence, workload: &str, metric: &str) -> BTreeMap<u64, f64> {
    let find = |process: &'_ Process| {
        process
            .series
            .iter()
            .position(|series| series.workload == workload && series.metric == metric)
    };
    let head: BTreeMap<u64, &Process> =
        evidence.head.processes.iter().map(|process| (process.pair, process)).collect();
    let ratio = |base: &Process| {
        let head = head.get(&base.pair)?;
        let (base_series, head_series) = (&base.series[find(base)?], &head.series[find(head)?]);
        let ratio = pair_log_ratio(&evidence.base.suite, base_series, head_series).ok()?;
        Some((base.pair, ratio))
    };
    evidence.base.processes.iter().filter_map(ratio).collect()
}

fn arm(
    record: &RunRecord,
    workload: &str,
    metric: &str,
    n_unusable: &mut usize,
) -> Vec<ProcessSamples> {
    let mut processes = Vec::new();
    let is_named = |series: &&baselines::record::Series| {
        series.workload == workload && series.metric == metric
    };
    for process in &record.processes {
        let Some(found) = process.series.iter().find(is_named) else { continue };
        let all = &found.samples;
        let samples: Vec<f64> = all.iter().copied().filter(|x| is_drawable(*x)).collect();
        *n_unusable += all.len() - samples.len();
        if let Some(median) = median(&samples) {
            processes.push(ProcessSamples {
                order: process.order,
                pair: process.pair,
                median,
                samples,
                per_iteration: found.per_iteration,
            });
        }
    }
    processes.sort_by_key(|process| process.order);
    processes
}

fn is_drawable(value: f64) -> bool {
    (0.0..LARGEST_DRAWN).contains(&value)
}

/// The median of process medians; `None` without a process.
pub(crate) fn median_of(processes: &[ProcessSamples]) -> Option<f64> {
    let medians: Vec<f64> = processes.iter().map(|process| process.median).collect();
    median(&medians)
}

/// A sorted copy.
pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pair: u64, median: f64) -> ProcessSamples {
        ProcessSamples { order: pair, pair, median, samples: vec![median], per_iteration: 1 }
    }

    #[test]
    fn only_pairs_with_both_arms_count_as_pairs() {
        let series = Series {
            workload: "load".into(),
            metric: "load_ns".into(),
            unit: Unit::Nanoseconds,
            history: Vec::new(),
            base: vec![process(0, 10.0), process(1, 0.0), process(2, 10.0)],
            head: vec![process(2, 20.0), process(1, 5.0), process(7, 1.0)],
            ratios: BTreeMap::from([(2, 0.7), (7, 0.1)]),
            n_unusable: 0,
        };
        let pairs = series.pairs();
        assert_eq!(pairs.iter().map(|pair| pair.pair).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(pairs[0].log_ratio, None, "a time of zero has no log ratio");
        assert_eq!(pairs[1].log_ratio, Some(0.7));
    }

    #[test]
    fn values_no_chart_can_show_are_refused() {
        for value in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            assert!(!is_drawable(value), "{value}");
        }
        assert!(is_drawable(0.0) && is_drawable(86_400.0 * 1e9));
    }
}
