//! One pair cut into cells: the same position of the same iteration in both processes, which took it within some tens of
//! milliseconds of each other.
//!
//! In: the series of one workload in both processes. Out: of the whole and of each part the mean time over the middle half of the
//! cells. The middle is told by the difference of the *whole*, so that all parts are means over the same cells and sum to the
//! whole exactly; an interruption falls out of all of them at once, and a build against itself has no preferred side.

use baselines::record::{Process, Series};

use crate::stats::yuen::{as_f64, mean};

/// The series of one workload in both processes of a pair.
#[derive(Debug)]
pub(super) struct Cells<'a> {
    whole: [&'a [f64]; 2],
    /// Positions in an iteration.
    per_iteration: usize,
    /// Cells that count, by index.
    kept: Vec<usize>,
    processes: [&'a Process; 2],
    workload: &'a str,
}

/// Base and head.
pub(super) type Both = [f64; 2];

impl<'a> Cells<'a> {
    /// Those of `workload`, whose time is `metric`; `None` where the processes have not the same cells.
    pub(super) fn of(
        (base, head): (&'a Process, &'a Process),
        workload: &'a str,
        metric: &str,
    ) -> Option<Self> {
        let (of_base, of_head) = (find(base, workload, metric)?, find(head, workload, metric)?);
        let whole = [&of_base.samples[..], &of_head.samples[..]];
        let per_iteration = usize::try_from(of_base.per_iteration).ok()?.max(1);
        let same =
            whole[0].len() == whole[1].len() && of_head.per_iteration == of_base.per_iteration;
        if !same || whole[0].is_empty() {
            return None;
        }
        let mut kept: Vec<usize> = (0..whole[0].len()).collect();
        let difference = |i: usize| (whole[1][i] - whole[0][i]) / whole[0][i];
        kept.sort_by(|a, b| difference(*a).total_cmp(&difference(*b)).then(a.cmp(b)));
        let quarter = kept.len() / 4;
        let kept = kept[quarter..kept.len() - quarter].to_vec();
        Some(Self { whole, per_iteration, kept, processes: [base, head], workload })
    }

    /// Both processes.
    pub(super) const fn processes(&self) -> (&'a Process, &'a Process) {
        (self.processes[0], self.processes[1])
    }

    /// Positions in an iteration.
    pub(super) const fn positions(&self) -> usize {
        self.per_iteration
    }

    /// Mean of the whole.
    pub(super) fn whole(&self) -> Both {
        self.whole.map(|samples| self.mean(samples))
    }

    /// Mean of the part called `metric`; `None` where it is not in both.
    pub(super) fn part(&self, metric: &str) -> Option<Both> {
        let [base, head] = self.samples(metric)?;
        Some([self.mean(base), self.mean(head)])
    }

    /// How much a sample of `metric` grows from one position to the next; `None` of fewer than eight positions.
    pub(super) fn slope(&self, metric: &str) -> Option<Both> {
        const LEAST: usize = 8;
        if self.per_iteration < LEAST {
            return None;
        }
        let [base, head] = self.samples(metric)?;
        Some([base, head].map(|samples| slope(&by_position(samples, self.per_iteration))))
    }

    fn samples(&self, metric: &str) -> Option<[&'a [f64]; 2]> {
        let mut found = self.processes.iter().map(|process| {
            let series = find(process, self.workload, metric)?;
            (series.samples.len() == self.whole[0].len()).then_some(&series.samples[..])
        });
        Some([found.next()??, found.next()??])
    }

    fn mean(&self, samples: &[f64]) -> f64 {
        mean(&self.kept.iter().map(|i| samples[*i]).collect::<Vec<f64>>())
    }
}

/// One series of a process.
pub(super) fn find<'a>(process: &'a Process, workload: &str, metric: &str) -> Option<&'a Series> {
    let mut all = process.series.iter();
    all.find(|series| series.workload == workload && series.metric == metric)
}

/// At each position the median over iterations.
fn by_position(samples: &[f64], per_iteration: usize) -> Vec<f64> {
    let at = |position: usize| {
        let values: Vec<f64> =
            samples.iter().skip(position).step_by(per_iteration).copied().collect();
        crate::stats::quantile::median(&values).unwrap_or(0.0)
    };
    (0..per_iteration).map(at).collect()
}

/// Least squares.
fn slope(values: &[f64]) -> f64 {
    let middle = (as_f64(values.len()) - 1.0) / 2.0;
    let mean = mean(values);
    let (mut over, mut under) = (0.0, 0.0);
    for (i, value) in values.iter().enumerate() {
        let x = as_f64(i) - middle;
        over += x * (value - mean);
        under += x * x;
    }
    over / under
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_slope_and_an_outlier_in_one_iteration_no_say() {
        let line = |position: usize| 7.0 + 2.5 * as_f64(position);
        let mut samples: Vec<f64> = (0..3 * 10).map(|i| line(i % 10)).collect();
        samples[13] = 1e9;
        let found = slope(&by_position(&samples, 10));
        assert!((found - 2.5).abs() < 1e-12, "{found}");
    }
}
