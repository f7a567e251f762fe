//! A table of values, one a row, with their moment, revision and CPU: the form in which hosted runners keep a history.
//!
//! In: plain bytes with a header of [`COLUMNS`] in any order. Out: one series per metric and unit, a context per run
//! (moment, revision and CPU). Source: RFC 4180, by the `csv` crate.

use std::collections::BTreeMap;

use csv::{Position, StringRecord};

use super::{
    Context, Imported, Importer, MAX_LINE_BYTES, Point,
    fault::{malformed, shown},
    series::Collector,
};
use crate::{Error, Result};

pub(super) const IMPORTER: Importer = Importer {
    name: "csv",
    about: "a CSV table with the columns timestamp_s, revision, cpu, metric, value and unit.",
    sniff,
    parse,
};

const COLUMNS: [&str; 6] = ["timestamp_s", "revision", "cpu", "metric", "value", "unit"];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The last second of the year 9999.
const MAX_TIMESTAMP_S: i64 = 253_402_300_799;
const HEADER: &str = "the columns timestamp_s, revision, cpu, metric, value and unit, once each";

/// A header with two of the columns is meant to have them all: what is missing is then said by [`parse`].
fn sniff(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let line = bytes[..bytes.len().min(MAX_LINE_BYTES)].split(|byte| *byte == b'\n').next();
    let line = String::from_utf8_lossy(line.unwrap_or_default());
    let names: Vec<&str> = line.split(',').map(|name| name.trim().trim_matches('"')).collect();
    names.contains(&"metric") && names.contains(&"value")
}

fn parse(bytes: &[u8]) -> Result<Imported> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let places = places(reader.headers().map_err(|error| broken(&error, bytes))?)?;
    let mut table = Table::default();
    let mut record = StringRecord::new();
    let mut place = Place { byte: 0, line: 1 };
    while reader.read_record(&mut record).map_err(|error| broken(&error, bytes))? {
        let line = place.line_of(record.position(), bytes);
        if record.as_slice().len() > MAX_LINE_BYTES {
            let expected = format!("a row of at most {MAX_LINE_BYTES} bytes");
            let found = format!("{} bytes", record.as_slice().len());
            return Err(malformed(line, &expected, &found, "is a quote left open?"));
        }
        table.row(places.map(|place| record.get(place).unwrap_or_default()), line)?;
    }
    let n_lines = bytes.split_inclusive(|byte| *byte == b'\n').count() as u64;
    Ok(Imported { n_lines, ..table.collector.finish(IMPORTER.name)? })
}

/// A byte and the line it stands in, counted from 1.
struct Place {
    byte: usize,
    line: u64,
}

impl Place {
    /// The line a record begins in. The reader's own count lags by one after `\r\n` and before blank lines, because it
    /// takes a record to begin where the one before was complete; positions never go back.
    fn line_of(&mut self, position: Option<&Position>, bytes: &[u8]) -> u64 {
        let byte = position.and_then(|position| usize::try_from(position.byte()).ok());
        let start = byte.unwrap_or(self.byte).clamp(self.byte, bytes.len());
        let blank = bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = &bytes[self.byte..start + blank];
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.byte = start + blank;
        self.line
    }
}

/// The place of each of [`COLUMNS`].
fn places(header: &StringRecord) -> Result<[usize; 6]> {
    let mut places = [0; 6];
    for (column, place) in COLUMNS.iter().zip(&mut places) {
        let mut found = header.iter().enumerate().filter(|(_, name)| name.trim() == *column);
        let (first, second) = (found.next(), found.next());
        let (Some((at, _)), None) = (first, second) else {
            let times = if second.is_some() { "twice" } else { "no" };
            let found = format!("{times} `{column}`");
            return Err(malformed(1, HEADER, &found, "name the columns in the first line"));
        };
        *place = at;
    }
    let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(&name.trim())) else {
        return Ok(places);
    };
    Err(malformed(1, HEADER, &format!("also {}", shown(unknown)), "drop that column"))
}

/// A table, read up to some row.
#[derive(Default)]
struct Table {
    collector: Collector,
    runs: BTreeMap<Context, usize>,
}

impl Table {
    fn row(&mut self, fields: [&str; 6], line: u64) -> Result<()> {
        if let Some((column, _)) = COLUMNS.iter().zip(fields).find(|(_, field)| field.is_empty()) {
            let expected = format!("a value in every column, `{column}` too");
            return Err(malformed(line, &expected, "nothing", "fill it in or drop the row"));
        }
        let [timestamp_s, revision, cpu, metric, value, unit] = fields;
        let seconds: Option<i64> = timestamp_s.parse().ok();
        let seconds = seconds.filter(|s| (0..=MAX_TIMESTAMP_S).contains(s)).ok_or_else(|| {
            let expected = "whole seconds since 1970 in `timestamp_s`";
            malformed(line, expected, &shown(timestamp_s), "convert the column")
        })?;
        let number: Option<f64> = value.parse().ok();
        let value = number.filter(|number| number.is_finite()).ok_or_else(|| {
            malformed(line, "a finite number in `value`", &shown(value), "drop the row")
        })?;
        let labels = [("cpu", cpu), ("revision", revision)]
            .map(|(key, label)| (key.to_owned(), label.to_owned()))
            .into();
        let context = self.context(Context { timestamp_s: Some(seconds), labels }, line)?;
        self.collector.push(metric, unit, Point { value, context, iterations: None, line })
    }

    fn context(&mut self, context: Context, line: u64) -> Result<usize> {
        if let Some(place) = self.runs.get(&context) {
            return Ok(*place);
        }
        let place = self.collector.context(context.clone(), line)?;
        self.runs.insert(context, place);
        Ok(place)
    }
}

/// The reader's error, in this crate's words.
fn broken(error: &csv::Error, bytes: &[u8]) -> Error {
    let line = Place { byte: 0, line: 1 }.line_of(error.position(), bytes);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let expected = format!("{expected_len} fields as in the header");
            malformed(line, &expected, &len.to_string(), "quote fields that hold commas")
        }
        csv::ErrorKind::Utf8 { .. } => {
            malformed(line, "UTF-8", "other bytes", "convert the file to UTF-8")
        }
        _ => malformed(line, "a CSV table", &error.to_string(), "write it as RFC 4180 says"),
    }
}

#[cfg(test)]
mod tests {
    use super::{IMPORTER, parse};

    const HEADER: &str = "timestamp_s,revision,cpu,metric,value,unit\n";

    #[test]
    fn columns_in_any_order_and_quoted_fields_read_alike() {
        let plain = format!(
            "{HEADER}7,abc,\"X, \"\"Y\"\"\",build,520114,ms\n7,abc,\"X, \"\"Y\"\"\",rss,3.5,MB\n9,abd,Z,build,1e3,ms\n"
        );
        let turned = "unit,value,metric,cpu,revision,timestamp_s\r\n\
            ms,520114,build,\"X, \"\"Y\"\"\",abc,7\r\nMB,3.5,rss,\"X, \"\"Y\"\"\",abc,7\r\nms,1e3,build,Z,abd,9\r\n";
        let imported = parse(plain.as_bytes()).expect("a table");
        // A blank line is no row, and the lines after it keep their numbers.
        let blank = plain.replace("7,abc,\"X, \"\"Y\"\"\",rss", "\n7,abc,\"X, \"\"Y\"\"\",rss");
        assert_eq!(parse(blank.as_bytes()).expect("a table").series[0].points[1].line, 5);
        assert_eq!(Ok(&imported), parse(turned.as_bytes()).as_ref().map_err(ToString::to_string));
        assert_eq!(imported.contexts.len(), 2, "one context per run");
        assert_eq!(imported.contexts[0].labels["cpu"], "X, \"Y\"");
        assert_eq!(imported.contexts[1].timestamp_s, Some(9));
        let build = &imported.series[0];
        assert_eq!(
            (build.name.as_str(), build.unit.as_str(), build.points.len()),
            ("build", "ms", 2)
        );
        assert_eq!((build.points[1].line, imported.n_lines), (4, 4));
    }

    #[test]
    fn every_fault_names_its_line_and_what_was_expected() {
        for (rows, want) in [
            (
                "7,a,x,build,1,ms\n7,a,x,build,1\n",
                "line 3: expected 6 fields as in the header, found 5",
            ),
            ("7,a,x,build,NaN,ms\n", "line 2: expected a finite number in `value`, found \"NaN\""),
            ("7,a,x,build,1e999,ms\n", "line 2: expected a finite number"),
            ("-7,a,x,build,1,ms\n", "line 2: expected whole seconds since 1970"),
            ("7.5,a,x,build,1,ms\n", "line 2: expected whole seconds since 1970"),
            (
                "7,a,,build,1,ms\n",
                "line 2: expected a value in every column, `cpu` too, found nothing",
            ),
            ("", "line 1: expected at least one result"),
        ] {
            let error = parse(format!("{HEADER}{rows}").as_bytes()).expect_err(rows);
            assert!(error.to_string().starts_with(want), "{error}");
        }
        let open = format!("{HEADER}7,a,\"x,{}\n", "y\n".repeat(70_000));
        let error = parse(open.as_bytes()).expect_err("an open quote");
        assert!(error.to_string().starts_with("line 2: expected"), "{error}");
    }

    #[test]
    fn a_header_that_lacks_doubles_or_adds_a_column_is_an_error() {
        for (header, want) in [
            ("timestamp_s,revision,metric,value,unit", "found no `cpu`"),
            ("timestamp_s,revision,cpu,metric,value,unit,unit", "found twice `unit`"),
            ("timestamp_s,revision,cpu,metric,value,unit,note", "found also \"note\""),
        ] {
            assert!((IMPORTER.sniff)(header.as_bytes()), "{header}");
            let error = parse(format!("{header}\n").as_bytes()).expect_err(header);
            assert!(error.to_string().contains(want), "{error}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_are_an_error_with_their_line() {
        let bytes = [HEADER.as_bytes(), b"7,a,x,bui\xffld,1,ms\n"].concat();
        let error = parse(&bytes).expect_err("not UTF-8");
        assert!(error.to_string().starts_with("line 2: expected UTF-8"), "{error}");
    }
}
