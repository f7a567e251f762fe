//! What an importer makes of a file: series of values, each value with the context it was measured in.
//! In: values one by one, in file order. Out: [`Imported`], its series sorted by name and unit, its limits held.

use std::collections::BTreeMap;

use super::{MAX_CONTEXTS, MAX_SERIES, MAX_VALUES, fault::malformed};
use crate::Result;

/// A file's series.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Name of the importer that read it.
    pub importer: &'static str,
    /// Where and on what values were measured, in file order; a [`Point`] refers to one by its place.
    pub contexts: Vec<Context>,
    /// By name, then unit.
    pub series: Vec<Series>,
    /// Lines of the file.
    pub n_lines: u64,
    /// Lines that are neither result nor configuration: other output of the tool.
    pub n_other_lines: u64,
    /// Lines that begin like a result and do not read as one: an interrupted benchmark.
    pub n_broken_results: u64,
    /// What is wrong with the first of them.
    pub first_broken: Option<String>,
}

/// What was said of the values measured under it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Context {
    /// Seconds since 1970, where the file says.
    pub timestamp_s: Option<i64>,
    /// Everything else, by key: `cpu`, `pkg`, `revision`.
    pub labels: BTreeMap<String, String>,
}

/// All values of one name in one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// As the file has it.
    pub name: String,
    /// As the file has it: `ns/op`, `MB/s`.
    pub unit: String,
    /// In the order they stand in the file.
    pub points: Vec<Point>,
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Finite.
    pub value: f64,
    /// Its place in [`Imported::contexts`].
    pub context: usize,
    /// Iterations that the tool averaged over, where it says.
    pub iterations: Option<u64>,
    /// Where it stands, counted from 1.
    pub line: u64,
}

/// An [`Imported`] in the making.
#[derive(Debug, Default)]
pub(super) struct Collector {
    contexts: Vec<Context>,
    series: BTreeMap<String, BTreeMap<String, Vec<Point>>>,
    n_series: usize,
    n_values: usize,
}

impl Collector {
    /// Adds a context, and says its place.
    pub(super) fn context(&mut self, context: Context, line: u64) -> Result<usize> {
        within(self.contexts.len(), MAX_CONTEXTS, "contexts", line)?;
        self.contexts.push(context);
        Ok(self.contexts.len() - 1)
    }

    /// Adds a value to the series of its name and unit.
    pub(super) fn push(&mut self, name: &str, unit: &str, point: Point) -> Result<()> {
        within(self.n_values, MAX_VALUES, "values", point.line)?;
        self.n_values += 1;
        if let Some(points) = self.series.get_mut(name).and_then(|units| units.get_mut(unit)) {
            points.push(point);
            return Ok(());
        }
        within(self.n_series, MAX_SERIES, "series", point.line)?;
        self.n_series += 1;
        self.series.entry(name.to_owned()).or_default().insert(unit.to_owned(), vec![point]);
        Ok(())
    }

    /// The finished file, its line counts still 0; an error if it holds no value.
    pub(super) fn finish(self, importer: &'static str) -> Result<Imported> {
        if self.n_values == 0 {
            let way_out = "leave this file out, or look whether the run that wrote it failed";
            return Err(malformed(1, "at least one result", "none in the whole file", way_out));
        }
        let series = self.series.into_iter().flat_map(|(name, units)| {
            units.into_iter().map(move |(unit, points)| Series { name: name.clone(), unit, points })
        });
        Ok(Imported {
            importer,
            contexts: self.contexts,
            series: series.collect(),
            n_lines: 0,
            n_other_lines: 0,
            n_broken_results: 0,
            first_broken: None,
        })
    }
}

fn within(n: usize, most: usize, what: &str, line: u64) -> Result<()> {
    if n < most {
        return Ok(());
    }
    let expected = format!("at most {most} {what} in one file");
    Err(malformed(line, &expected, "one more", "split the file"))
}

#[cfg(test)]
mod tests {
    use super::{Collector, Context, MAX_CONTEXTS, MAX_SERIES, Point};

    fn point(line: u64) -> Point {
        Point { value: 1.0, context: 0, iterations: None, line }
    }

    #[test]
    fn one_series_or_context_too_many_is_an_error_with_its_line() {
        let mut collector = Collector::default();
        for n in 0..MAX_SERIES {
            collector.push(&n.to_string(), "ns/op", point(1)).expect("within the limit");
        }
        collector.push("0", "ns/op", point(1)).expect("no new series");
        let error = collector.push("0", "B/op", point(7)).expect_err("one too many");
        assert!(error.to_string().starts_with("line 7: expected at most 20000 series"), "{error}");
        for _ in 0..MAX_CONTEXTS {
            collector.context(Context::default(), 1).expect("within the limit");
        }
        let error = collector.context(Context::default(), 8).expect_err("one too many");
        assert!(error.to_string().starts_with("line 8: expected at most 65536"), "{error}");
    }
}
