//! How large a record or bundle may be: hostile or runaway input ends in an error, not in exhausted memory.

use crate::{Error, ErrorKind, Result, record::RunRecord};

/// Bytes of one document.
pub const MAX_BYTES: usize = 64 << 20;
/// Series of one document, over all processes: those of a triage of two workloads and their products in 48 pairs, and some over.
pub const MAX_SERIES: usize = 6_000;
/// Samples of one document, over all series.
pub const MAX_SAMPLES: usize = 2_000_000;
/// Iterations of one series of one process.
pub const MAX_ITERATIONS: u64 = 1_000;
/// Processes of one document.
pub const MAX_PROCESSES: usize = 2_000;
/// Entries of any other list that rules walk more than once: workloads, linears, layouts, counts of a process.
pub const MAX_ENTRIES: usize = 1_000;
/// Processes × workloads × linears of one document: as many counts are asked for, each with a text if it is not there.
pub const MAX_PLACES: usize = 200_000;
/// Points of the history of one bundle.
pub const MAX_HISTORY: usize = 10_000;
/// Bytes of a name that stands in the text of each of these places.
pub const MAX_NAME_BYTES: usize = 256;
/// Rounds of a suite: no workload has an iteration for more.
const MAX_ROUNDS: u64 = MAX_ITERATIONS;

/// What has been counted so far in one document.
pub(crate) struct Limits {
    what: &'static str,
    n_processes: usize,
    n_places: usize,
    n_series: usize,
    n_samples: usize,
}

impl Limits {
    /// Nothing counted yet; `what` starts each error.
    pub(crate) const fn new(what: &'static str) -> Self {
        Self { what, n_processes: 0, n_places: 0, n_series: 0, n_samples: 0 }
    }

    /// Adds a record found at `prefix` (`base.` in a bundle).
    pub(crate) fn add(&mut self, prefix: &str, record: &RunRecord) -> Result<()> {
        let rounds = record.suite.rounds;
        if !(1..=MAX_ROUNDS).contains(&rounds) {
            return Err(self.error(&format!(
                "`{prefix}suite.rounds`: expected 1 to {MAX_ROUNDS}, found {rounds}"
            )));
        }
        self.entries(prefix, record)?;
        self.names(prefix, record)?;
        for (process_idx, process) in record.processes.iter().enumerate() {
            for (series_idx, series) in process.series.iter().enumerate() {
                let place = format!("`{prefix}processes[{process_idx}].series[{series_idx}]`");
                if series.per_iteration == 0 {
                    return Err(self.error(&format!(
                        "{place}: `per_iteration`: expected at least 1, found 0"
                    )));
                }
                let iterations = (series.samples.len() as u64).div_ceil(series.per_iteration);
                if iterations > MAX_ITERATIONS {
                    let text = format!(
                        "{place}: expected at most {MAX_ITERATIONS} iterations, found {iterations}"
                    );
                    return Err(self.error(&text));
                }
                self.n_series += 1;
                self.n_samples += series.samples.len();
                self.check(&place)?;
            }
        }
        Ok(())
    }

    /// No list is longer than the rules walk in time.
    fn entries(&mut self, prefix: &str, record: &RunRecord) -> Result<()> {
        let n_linears = record.subject.engine().map_or(0, |engine| engine.model.linears.len());
        let n_workloads = record.suite.workloads.len();
        self.n_processes += record.processes.len();
        self.n_places += record.processes.len() * n_workloads * n_linears.max(1);
        let lists = [
            ("suite.workloads", n_workloads, MAX_ENTRIES),
            ("suite.metrics", record.suite.metrics.len(), MAX_ENTRIES),
            ("subject.model.linears", n_linears, MAX_ENTRIES),
            ("subject.layouts", record.subject.layouts.len(), MAX_ENTRIES),
            ("probes", record.probes.len(), MAX_ENTRIES),
            ("ids", record.ids.len(), MAX_ENTRIES),
            ("processes", self.n_processes, MAX_PROCESSES),
            ("processes × workloads × linears", self.n_places, MAX_PLACES),
        ];
        for (list, found, most) in lists {
            self.at_most(&format!("`{prefix}{list}`"), most, found)?;
        }
        for (idx, process) in record.processes.iter().enumerate() {
            for (list, found) in [
                ("outputs", process.outputs.len()),
                ("challenges", process.challenges.len()),
                ("counts", process.counts.len()),
                ("screenings", process.screenings.len()),
                ("runs", process.runs.len()),
                ("allocations", process.allocations.len()),
            ] {
                self.at_most(&format!("`{prefix}processes[{idx}].{list}`"), MAX_ENTRIES, found)?;
            }
        }
        Ok(())
    }

    /// An error if `found` entries are more than `most`.
    pub(crate) fn at_most(&self, place: &str, most: usize, found: usize) -> Result<()> {
        if found <= most {
            return Ok(());
        }
        Err(self.error(&format!("{place}: expected at most {most} entries, found {found}")))
    }

    fn names(&self, prefix: &str, record: &RunRecord) -> Result<()> {
        let workloads = record.suite.workloads.iter();
        let names = workloads.flat_map(|workload| [&workload.name, &workload.kind]);
        let engine = record.subject.engine();
        let linears = engine.into_iter().flat_map(|engine| &engine.model.linears);
        let Some(long) = names
            .chain(linears.map(|linear| &linear.name))
            .find(|name| name.len() > MAX_NAME_BYTES)
        else {
            return Ok(());
        };
        let text = format!(
            "`{prefix}suite.workloads`, `{prefix}subject.model.linears`: expected names of at most {MAX_NAME_BYTES} \
             bytes, found one of {}",
            long.len()
        );
        Err(self.error(&text))
    }

    fn check(&self, place: &str) -> Result<()> {
        let found = if self.n_series > MAX_SERIES {
            format!("{place}: expected at most {MAX_SERIES} series in all")
        } else if self.n_samples > MAX_SAMPLES {
            format!("{place}: expected at most {MAX_SAMPLES} samples in all")
        } else {
            return Ok(());
        };
        Err(self.error(&format!("{found}, found more; measure fewer iterations or workloads")))
    }

    fn error(&self, text: &str) -> Error {
        Error::new(ErrorKind::Malformed, format!("{} {text}", self.what))
    }
}
