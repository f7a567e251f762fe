//! Plain summaries of one arm for the documents: a median and what it is the median of. No verdict rests on them.

use baselines::{
    RunRecord, format,
    interval::{Interval, interval},
    record::WorkloadDef,
};
use serde_json::{Value, json};

use crate::stats::quantile::{median, quantile};

/// One metric on one workload, over all processes of an arm.
pub(crate) struct Fact {
    /// Median of the process medians.
    pub(crate) median: f64,
    /// Interval of that median over the processes.
    pub(crate) interval: Interval,
    pub(crate) n_processes: usize,
    pub(crate) n_samples: usize,
    samples: Vec<f64>,
}

impl Fact {
    /// The `p`-quantile of all samples: how iterations spread, not how sure the median is.
    pub(crate) fn quantile(&self, p: f64) -> Option<f64> {
        quantile(&self.samples, p)
    }

    /// The mean of all samples.
    #[expect(clippy::cast_precision_loss, reason = "two million samples at most")]
    pub(crate) fn mean(&self) -> f64 {
        self.samples.iter().sum::<f64>() / self.samples.len() as f64
    }

    pub(crate) fn value(&self) -> Value {
        json!({
            "median": self.median,
            "interval": [self.interval.low, self.interval.high],
            "coverage": self.interval.coverage,
            "processes": self.n_processes,
            "samples": self.n_samples,
        })
    }
}

/// The metric on the workload called `workload`; `None` if nothing was measured.
pub(crate) fn of(record: &RunRecord, workload: &str, metric: &str) -> Option<Fact> {
    let all: Vec<&[f64]> = record.samples(workload, metric).map(|(_, samples)| samples).collect();
    let medians: Vec<f64> = all.iter().filter_map(|samples| median(samples)).collect();
    let samples = all.concat();
    Some(Fact {
        median: median(&medians)?,
        interval: interval(&medians)?,
        n_processes: medians.len(),
        n_samples: samples.len(),
        samples,
    })
}

/// Tokens of the prompt of the first workload of a kind, as its first process counted them.
pub(crate) fn prompt_tokens(record: &RunRecord, kind: &str) -> Option<u64> {
    let workload = record.suite.workloads.iter().find(|workload| workload.kind == kind)?;
    let mut outputs = record.processes.first()?.outputs.iter();
    Some(outputs.find(|output| output.workload == workload.name)?.n_prompt)
}

/// Conversion to `format` and back: the workload, and its time.
pub(crate) fn of_format<'a>(
    record: &'a RunRecord,
    format: &str,
) -> Option<(&'a WorkloadDef, Fact)> {
    let workload = record.suite.workloads.iter().find(|workload| quantizes(workload, format))?;
    Some((workload, of(record, &workload.name, "quantize_ns")?))
}

/// Whether a workload quantizes to `format`: its parameter says so, or its name where it has none (before other formats).
fn quantizes(workload: &WorkloadDef, format: &str) -> bool {
    let of_params = workload.params.get("format").and_then(|id| format::by_id(*id));
    let of_name = || workload.name.strip_prefix("quantize-").is_some_and(|name| name == format);
    workload.kind == "quantize" && of_params.map_or_else(of_name, |known| known.name == format)
}

/// The metric on the first workload of `kind`.
pub(crate) fn of_kind(record: &RunRecord, kind: &str, metric: &str) -> Option<Fact> {
    let workload = record.suite.workloads.iter().find(|workload| workload.kind == kind)?;
    of(record, &workload.name, metric)
}
