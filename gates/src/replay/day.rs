//! One day of a Go benchmark file: the run times of every benchmark, in the order they were taken.
//!
//! In: an imported file. Out: benchmark → run times. Only `ns/op` counts as a run time: build times and sizes have units
//! of their own. A benchmark is its package and name, since two packages may use one name.

use std::collections::BTreeMap;

use baselines::import::Imported;

/// The unit of a run time.
const RUN_TIME_UNIT: &str = "ns/op";

/// One day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Day {
    /// Run times by benchmark, one per run, all positive.
    pub(super) benchmarks: BTreeMap<String, Vec<f64>>,
    /// Benchmarks left out because a run time was not positive.
    pub(super) n_left_out: usize,
}

impl Day {
    pub(super) fn of(imported: &Imported) -> Self {
        let mut benchmarks: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for series in imported.series.iter().filter(|series| series.unit == RUN_TIME_UNIT) {
            for point in &series.points {
                let context = imported.contexts.get(point.context);
                let package = context.and_then(|context| context.labels.get("pkg"));
                let package = package.map_or("", String::as_str);
                let benchmark = format!("{package} {}", series.name);
                benchmarks.entry(benchmark).or_default().push(point.value);
            }
        }
        let n_all = benchmarks.len();
        benchmarks.retain(|_, times| times.iter().all(|time| *time > 0.0));
        let n_left_out = n_all - benchmarks.len();
        Self { benchmarks, n_left_out }
    }
}

/// A benchmark measured on two days.
#[derive(Clone, Copy, Debug)]
pub(super) struct Both<'a> {
    pub(super) base: &'a [f64],
    pub(super) head: &'a [f64],
}

/// What two days have in common: the benchmarks with at least `least` runs on each.
pub(super) fn in_common<'a>(
    base: &'a Day,
    head: &'a Day,
    least: usize,
) -> impl Iterator<Item = Both<'a>> {
    base.benchmarks.iter().filter_map(move |(benchmark, base)| {
        let head = head.benchmarks.get(benchmark)?;
        (base.len().min(head.len()) >= least).then_some(Both { base, head })
    })
}

#[cfg(test)]
mod tests {
    use baselines::import::import;

    use super::{Day, in_common};

    #[test]
    fn run_times_are_told_by_package_and_unit_and_kept_in_order() {
        let text = "pkg: a\nBenchmarkX 1 3 ns/op 7 B/op\nBenchmarkBuild 1 9 build-real-ns/op\npkg: b\n\
            BenchmarkX 1 5 ns/op\npkg: a\nBenchmarkX 1 1 ns/op\nBenchmarkZero 1 0 ns/op\n";
        let day = Day::of(&import(text.as_bytes()).expect("Go benchmark text"));
        assert_eq!(day.benchmarks["a BenchmarkX"], [3.0, 1.0]);
        assert_eq!(day.benchmarks["b BenchmarkX"], [5.0]);
        assert_eq!((day.benchmarks.len(), day.n_left_out), (2, 1));
        assert_eq!(in_common(&day, &day, 2).count(), 1);
    }
}
