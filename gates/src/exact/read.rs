//! Where each exact metric stands in a record.
//!
//! In: a record. Out: one [`Place`] for each thing counted, if all processes of the arm agree on it, else why they do not.

use std::collections::BTreeMap;

use baselines::{
    RunRecord,
    record::{Allocations, Counts, Process, Subject},
};

use super::{Amount, ExactMetric};
use crate::verify::is_screened;

/// Where a metric comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// One size of the arm's subject; `None` where the subject has none.
    Subject(fn(&Subject) -> Option<u64>),
    /// Counts of each process.
    Process(fn(&RunRecord, &Process) -> Vec<(String, Place)>),
}

/// What was counted at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) amount: Amount,
    /// The kernel that did the work, for what depends on the kernel chosen.
    pub(super) kernel: Option<String>,
}

/// Every place of `metric` in `record`, by name; an error where the processes of the arm differ.
pub(super) fn places(
    metric: &ExactMetric,
    record: &RunRecord,
) -> BTreeMap<String, Result<Place, String>> {
    match metric.source {
        Source::Subject(read) => {
            let place =
                |total| (String::new(), Ok(Place { amount: Amount::once(total), kernel: None }));
            read(&record.subject).map(place).into_iter().collect()
        }
        Source::Process(read) => {
            let mut seen: BTreeMap<String, Vec<Place>> = BTreeMap::new();
            for process in &record.processes {
                for (name, place) in read(record, process) {
                    seen.entry(name).or_default().push(place);
                }
            }
            let n = record.processes.len();
            seen.into_iter().map(|(name, seen)| (name, agreed(seen, n))).collect()
        }
    }
}

/// The one value that all `n` processes counted.
fn agreed(mut seen: Vec<Place>, n: usize) -> Result<Place, String> {
    if seen.len() != n {
        return Err(format!("counted {} times in {n} processes", seen.len()));
    }
    let first = seen.swap_remove(0);
    let other = seen
        .iter()
        .find(|place| !place.amount.equals(first.amount) || place.kernel != first.kernel);
    match other {
        None => Ok(first),
        Some(other) if other.kernel != first.kernel => {
            Err("processes ran several kernels".to_owned())
        }
        Some(other) => Err(format!("processes count {} and {}", first.amount, other.amount)),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a reader of the register")]
pub(super) const fn binary_bytes(subject: &Subject) -> Option<u64> {
    Some(subject.binary_bytes)
}

pub(super) fn model_bytes(subject: &Subject) -> Option<u64> {
    subject.engine().map(|engine| engine.model.file_bytes)
}

pub(super) fn generated_tokens(_: &RunRecord, process: &Process) -> Vec<(String, Place)> {
    let samples = process.outputs.iter().filter(|output| output.n_generated > 0);
    let place = |total| Place { amount: Amount::once(total), kernel: None };
    samples.map(|output| (output.workload.clone(), place(output.n_generated))).collect()
}

pub(super) fn timed_allocations(_: &RunRecord, process: &Process) -> Vec<(String, Place)> {
    allocated(process, |allocations| allocations.requests)
}

pub(super) fn allocated_bytes(_: &RunRecord, process: &Process) -> Vec<(String, Place)> {
    allocated(process, |allocations| allocations.bytes)
}

fn allocated(process: &Process, read: fn(&Allocations) -> u64) -> Vec<(String, Place)> {
    let place = |counted: &Allocations| {
        let amount = Amount::once(read(counted));
        (counted.workload.clone(), Place { amount, kernel: None })
    };
    process.allocations.iter().map(place).collect()
}

pub(super) fn kernel_products(record: &RunRecord, process: &Process) -> Vec<(String, Place)> {
    counted(record, process, process.counts.iter(), |counts| counts.products)
}

pub(super) fn kernel_macs(record: &RunRecord, process: &Process) -> Vec<(String, Place)> {
    counted(record, process, process.counts.iter(), |counts| counts.macs)
}

pub(super) fn kernel_bytes(record: &RunRecord, process: &Process) -> Vec<(String, Place)> {
    // What a screened head reads depends on the prompt, and every pair has one of its own: no amount that both arms share.
    let whole = process.counts.iter().filter(|counts| !is_screened(&counts.kernel));
    counted(record, process, whole, |counts| counts.bytes)
}

fn counted<'a>(
    record: &RunRecord,
    process: &Process,
    counts: impl Iterator<Item = &'a Counts>,
    read: fn(&Counts) -> u64,
) -> Vec<(String, Place)> {
    let place = |counts: &Counts| {
        let iterations = carried_out(record, process, &counts.workload);
        let amount = Amount { total: read(counts), iterations: iterations.max(1) };
        let name = format!("{}/{}", counts.workload, counts.linear);
        (name, Place { amount, kernel: Some(counts.kernel.clone()) })
    };
    counts.map(place).collect()
}

/// Iterations that the dispatcher counted: those that the output says, else the timed ones and the warm-up asked for. (A
/// default warm-up isn't in the record; both arms have the same, and as many timed iterations, or they are refused.)
fn carried_out(record: &RunRecord, process: &Process, workload: &str) -> u64 {
    if let Some(output) = process.outputs.iter().find(|output| output.workload == workload) {
        return output.iterations;
    }
    let series = process.series.iter().find(|series| series.workload == workload);
    let timed =
        series.map_or(0, |series| series.samples.len() as u64 / series.per_iteration.max(1));
    let def = record.suite.workloads.iter().find(|def| def.name == workload);
    timed.saturating_add(def.and_then(|def| def.params.get("warmup")).copied().unwrap_or(0))
}
