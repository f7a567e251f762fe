//! Go benchmark text: configuration lines, result lines, and whatever else the run printed.
//!
//! In: plain bytes. Out: one series per benchmark name and unit, units as given; a context per change of configuration.
//! Source: golang.org/design/14313-benchmark-format, and where it is silent `golang.org/x/perf/benchfmt`: any line that
//! begins with `Benchmark` is meant as a result, and a configuration key without a value is taken back.

use super::{
    Context, Imported, Importer, MAX_LINE_BYTES, Point,
    fault::{malformed, shown},
    series::Collector,
};
use crate::Result;

pub(super) const IMPORTER: Importer = Importer {
    name: "gobench",
    about: "Go benchmark text: `key: value` lines and `BenchmarkName-8 N value unit …` lines.",
    sniff,
    parse,
};

const PREFIX: &str = "Benchmark";
/// A preamble longer than this is no benchmark log.
const SNIFFED_BYTES: usize = 1 << 20;
/// Each change of configuration copies all of it, so that both its sizes are small.
const MAX_LABELS: usize = 64;
const MAX_LABEL_BYTES: usize = 1_024;

fn sniff(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(SNIFFED_BYTES)];
    head.split(|byte| *byte == b'\n').any(|line| line.starts_with(PREFIX.as_bytes()))
}

fn parse(bytes: &[u8]) -> Result<Imported> {
    let mut log = Log::default();
    let mut n_lines = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        n_lines += 1;
        log.line(line, n_lines)?;
    }
    let imported = log.collector.finish(IMPORTER.name);
    // A log whose every result is broken is better explained by the first of them.
    let imported = imported.map_err(|error| match &log.first_broken {
        Some((line, why)) => {
            malformed(*line, "at least one readable result", why, "run the benchmarks again")
        }
        None => error,
    })?;
    Ok(Imported {
        n_lines,
        n_other_lines: log.n_other_lines,
        n_broken_results: log.n_broken_results,
        first_broken: log.first_broken.map(|(line, why)| format!("line {line}: {why}")),
        ..imported
    })
}

/// A log, read up to some line.
#[derive(Default)]
struct Log {
    collector: Collector,
    configuration: Context,
    /// The place of `configuration` among the contexts, once a result stood under it.
    context: Option<usize>,
    n_other_lines: u64,
    n_broken_results: u64,
    first_broken: Option<(u64, String)>,
}

impl Log {
    fn line(&mut self, line: &[u8], number: u64) -> Result<()> {
        if line.len() > MAX_LINE_BYTES {
            let expected = format!("a line of at most {MAX_LINE_BYTES} bytes");
            let found = format!("{} bytes", line.len());
            return Err(malformed(number, &expected, &found, "keep only the benchmark's text"));
        }
        let text = str::from_utf8(line).ok().map(|text| text.trim_end_matches(['\n', '\r']));
        if line.starts_with(PREFIX.as_bytes()) {
            let result = text.ok_or_else(|| "a result that is no UTF-8".to_owned()).and_then(read);
            return match result {
                Ok(result) => self.result(&result, number),
                Err(why) => {
                    self.n_broken_results += 1;
                    self.first_broken.get_or_insert((number, why));
                    Ok(())
                }
            };
        }
        match text.and_then(configuration) {
            Some((key, value)) => self.configure(key, value, number),
            None => {
                self.n_other_lines += 1;
                Ok(())
            }
        }
    }

    fn result(&mut self, result: &ResultLine<'_>, line: u64) -> Result<()> {
        let context = match self.context {
            Some(context) => context,
            None => self.collector.context(self.configuration.clone(), line)?,
        };
        self.context = Some(context);
        for (value, unit) in &result.values {
            let iterations = Some(result.iterations);
            let point = Point { value: *value, context, iterations, line };
            self.collector.push(result.name, unit, point)?;
        }
        Ok(())
    }

    fn configure(&mut self, key: &str, value: &str, line: u64) -> Result<()> {
        let labels = &mut self.configuration.labels;
        if labels.get(key).map_or("", String::as_str) == value {
            return Ok(());
        }
        self.context = None;
        if value.is_empty() {
            labels.remove(key);
            return Ok(());
        }
        if key.len() + value.len() > MAX_LABEL_BYTES {
            let expected = format!("a configuration line of at most {MAX_LABEL_BYTES} bytes");
            return Err(malformed(line, &expected, &shown(value), "shorten or drop it"));
        }
        labels.insert(key.to_owned(), value.to_owned());
        if labels.len() > MAX_LABELS {
            let expected = format!("at most {MAX_LABELS} configuration keys");
            return Err(malformed(line, &expected, &shown(key), "drop keys that nobody needs"));
        }
        Ok(())
    }
}

/// A result line, taken apart.
struct ResultLine<'a> {
    name: &'a str,
    iterations: u64,
    values: Vec<(f64, &'a str)>,
}

/// `<name> <iterations> <value> <unit> [<value> <unit>…]`, or what is wrong with it.
fn read(line: &str) -> Result<ResultLine<'_>, String> {
    let mut fields = line.split_whitespace();
    let name = fields.next().unwrap_or_default();
    let iterations = fields.next().ok_or_else(|| format!("{} without iterations", shown(name)))?;
    let iterations = iterations
        .parse()
        .map_err(|_| format!("{} where a count of iterations belongs", shown(iterations)))?;
    let mut values = Vec::new();
    while let Some(value) = fields.next() {
        let unit = fields.next().ok_or_else(|| format!("{} without a unit", shown(value)))?;
        let number: Option<f64> = value.parse().ok().filter(|number: &f64| number.is_finite());
        let number = number.ok_or_else(|| format!("{} where a number belongs", shown(value)))?;
        values.push((number, unit));
    }
    if values.is_empty() {
        return Err(format!("{} without values", shown(name)));
    }
    Ok(ResultLine { name, iterations, values })
}

/// Key and value of a configuration line: a lower-case letter first, neither space nor upper case before the colon.
fn configuration(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let fits = |c: char| !c.is_whitespace() && !c.is_uppercase();
    if !key.starts_with(char::is_lowercase) || !key.chars().all(fits) {
        return None;
    }
    let trimmed = value.trim_start_matches([' ', '\t']);
    (value.is_empty() || trimmed.len() < value.len()).then_some((key, trimmed))
}

#[cfg(test)]
mod tests {
    use super::{IMPORTER, MAX_LABELS, Point, parse};
    use crate::import::Imported;

    fn read(text: &str) -> Imported {
        parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn series<'a>(imported: &'a Imported, name: &str, unit: &str) -> &'a [Point] {
        let found =
            imported.series.iter().find(|series| series.name == name && series.unit == unit);
        found.map_or(&[], |series| &series.points)
    }

    #[test]
    fn the_example_of_the_proposal_reads_as_it_says() {
        // golang.org/design/14313-benchmark-format, "Example", with a unit of the tool's own and a line of noise.
        let text = "commit: 7cd9055\ncommit-time: 2016-02-11T13:25:45-0500\ngoos: darwin\n\
            PASS\nBenchmarkDecodeDigitsSpeed1e4-8   \t     100\t    154125 ns/op\t  64.88 MB/s\t   40418 B/op\n\
            cpu: other\nBenchmarkDecodeDigitsSpeed1e4-8 50 153000 ns/op\r\n\
            BenchmarkBuild 1 8e3 build-real-ns/op\n";
        let imported = read(text);
        let run_times = series(&imported, "BenchmarkDecodeDigitsSpeed1e4-8", "ns/op");
        assert_eq!(
            run_times.iter().map(|point| point.value).collect::<Vec<_>>(),
            [154_125.0, 153_000.0]
        );
        assert_eq!((run_times[0].iterations, run_times[0].line), (Some(100), 5));
        assert_eq!(
            series(&imported, "BenchmarkDecodeDigitsSpeed1e4-8", "MB/s")[0].value.to_bits(),
            64.88_f64.to_bits()
        );
        assert_eq!(series(&imported, "BenchmarkBuild", "build-real-ns/op").len(), 1);
        let label =
            |point: &Point, key: &str| imported.contexts[point.context].labels.get(key).cloned();
        assert_eq!(label(&run_times[0], "goos").as_deref(), Some("darwin"));
        assert_eq!(label(&run_times[0], "cpu"), None, "configuration applies from its line on");
        assert_eq!(label(&run_times[1], "cpu").as_deref(), Some("other"));
        assert_eq!(imported.contexts.len(), 2);
        assert_eq!(
            (imported.n_lines, imported.n_other_lines, imported.n_broken_results),
            (8, 1, 0)
        );
    }

    #[test]
    fn a_key_without_a_value_is_taken_back() {
        let imported = read(
            "pkg: a\nBenchmarkA 1 1 ns/op\npkg:\nBenchmarkA 1 2 ns/op\npkg: a\nBenchmarkA 1 3 ns/op\n",
        );
        let pkgs: Vec<_> =
            imported.contexts.iter().map(|context| context.labels.get("pkg")).collect();
        assert_eq!(pkgs, [Some(&"a".to_owned()), None, Some(&"a".to_owned())]);
    }

    #[test]
    fn lines_that_are_neither_are_counted_and_skipped() {
        let noise = [
            "",
            "ok",
            "Goos: x",
            "goos:x",
            "a b: c",
            "\tnote: x",
            "no colon",
            "--- BENCH: BenchmarkA",
            "Unit ns/op better=lower",
        ];
        let imported = read(&format!("{}\nBenchmarkA 1 1 ns/op", noise.join("\n")));
        assert_eq!(imported.n_other_lines, noise.len() as u64);
        assert!(imported.contexts[0].labels.is_empty());
    }

    #[test]
    fn interrupted_results_are_counted_and_the_first_is_explained() {
        let broken = [
            "BenchmarkA",
            "BenchmarkA-8",
            "BenchmarkA x 1 ns/op",
            "BenchmarkA 1",
            "BenchmarkA 1 2",
            "BenchmarkA 1 NaN ns/op",
            "BenchmarkA 1 1 ns/op 2",
            "BenchmarkA -1 1 ns/op",
        ];
        let imported = read(&format!("{}\nBenchmarkA 1 1 ns/op", broken.join("\n")));
        assert_eq!(
            (imported.n_broken_results, imported.series[0].points.len()),
            (broken.len() as u64, 1)
        );
        let first = imported.first_broken.expect("there are some");
        assert_eq!(first, "line 1: \"BenchmarkA\" without iterations");
        let error = parse(b"ok\nBenchmarkA 1 inf ns/op\n").expect_err("no result at all");
        assert!(
            error
                .to_string()
                .starts_with("line 2: expected at least one readable result, found \"inf\""),
            "{error}"
        );
    }

    #[test]
    fn limits_are_errors_with_their_line() {
        let keys: String = (0..=MAX_LABELS).map(|n| format!("k{n}: v\n")).collect();
        for (text, want) in [
            (
                format!("ok\n{}\n", "x".repeat(70_000)),
                "line 2: expected a line of at most 65536 bytes",
            ),
            (keys, "line 65: expected at most 64 configuration keys"),
            (
                format!("key: {}\n", "v".repeat(2_000)),
                "line 1: expected a configuration line of at most",
            ),
        ] {
            let error = parse(text.as_bytes()).expect_err("too much");
            assert!(error.to_string().starts_with(want), "{error}");
        }
        assert!((IMPORTER.sniff)(b"ok\nBenchmarkA"));
    }
}
