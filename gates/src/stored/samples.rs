//! Samples of a record as logs, by process and by iteration. In: a record and a series. Out: logs, or nothing.

use baselines::{
    RunRecord,
    metric::{self, Better},
    record::Series,
};

use crate::stats::{noise::are_logs, quantile::median};

/// The median of each process that has samples, in the unit of the metric.
pub(super) fn medians(record: &RunRecord, workload: &str, metric: &str) -> Vec<f64> {
    record.samples(workload, metric).filter_map(|(_, samples)| median(samples)).collect()
}

/// Each process' number: the log of its median, turned so that above is worse. `None` if there is none, or one process has
/// a sample that is no positive finite time: what is left of a broken record is not a smaller one.
pub(super) fn processes(record: &RunRecord, workload: &str, metric: &str) -> Option<Vec<f64>> {
    let logs: Option<Vec<f64>> = record
        .samples(workload, metric)
        .map(|(_, samples)| {
            let whole = samples.iter().all(|sample| *sample > 0.0);
            median(samples).filter(|_| whole).map(|value| turned(metric) * libm::log(value))
        })
        .collect();
    logs.filter(|logs| !logs.is_empty() && are_logs(logs))
}

/// Each iteration's number, by process: the log of the median of its samples.
pub(super) fn iterations(
    record: &RunRecord,
    workload: &str,
    metric: &str,
) -> Option<Vec<Vec<f64>>> {
    let all = record.processes.iter().filter_map(|process| {
        process.series.iter().find(|series| series.workload == workload && series.metric == metric)
    });
    let logs: Option<Vec<Vec<f64>>> = all
        .map(|series| {
            let of = |samples: &[f64]| {
                let whole = samples.iter().all(|sample| *sample > 0.0);
                median(samples).filter(|_| whole).map(libm::log)
            };
            series.samples.chunks(per_iteration(series)).map(of).collect()
        })
        .collect();
    logs.filter(|logs| !logs.is_empty() && logs.iter().all(|logs| !logs.is_empty()))
}

/// Samples of one iteration.
pub(super) fn per_iteration(series: &Series) -> usize {
    usize::try_from(series.per_iteration).unwrap_or(usize::MAX).max(1)
}

/// 1 where smaller is better, −1 where larger is.
fn turned(metric: &str) -> f64 {
    match metric::find(metric).map(|metric| metric.better) {
        Some(Better::Higher) => -1.0,
        Some(Better::Lower) | None => 1.0,
    }
}
