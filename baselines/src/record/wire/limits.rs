//! How large a record or bundle may be: hostile or runaway input ends in an error, not in exhausted memory.

use crate::{Error, ErrorKind, Result, record::RunRecord};

/// Bytes of one document.
pub const MAX_BYTES: usize = 64 << 20;
/// Series of one document, over all processes.
pub const MAX_SERIES: usize = 2_000;
/// Samples of one document, over all series.
pub const MAX_SAMPLES: usize = 2_000_000;
/// Iterations of one series of one process.
pub const MAX_ITERATIONS: u64 = 1_000;
/// Rounds of a suite: no workload has an iteration for more.
const MAX_ROUNDS: u64 = MAX_ITERATIONS;

/// What has been counted so far in one document.
pub(crate) struct Limits {
    what: &'static str,
    n_series: usize,
    n_samples: usize,
}

impl Limits {
    /// Nothing counted yet; `what` starts each error.
    pub(crate) const fn new(what: &'static str) -> Self {
        Self { what, n_series: 0, n_samples: 0 }
    }

    /// Adds a record found at `prefix` (`base.` in a bundle).
    pub(crate) fn add(&mut self, prefix: &str, record: &RunRecord) -> Result<()> {
        let rounds = record.suite.rounds;
        if !(1..=MAX_ROUNDS).contains(&rounds) {
            return Err(self.error(&format!(
                "`{prefix}suite.rounds`: expected 1 to {MAX_ROUNDS}, found {rounds}"
            )));
        }
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
