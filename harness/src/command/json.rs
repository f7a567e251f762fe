//! Metrics that a command reports about itself: `NAME=/json/pointer[:unit][:higher|lower]`.
//! In: the option's text, and a command's stdout. Out: a definition, and one value in its base unit (RFC 6901 pointers).

use anyhow::{Context as _, Result, bail, ensure};
use baselines::{metric::Better, record::MetricDef, unit::Unit};
use serde_json::Value;

use super::spec::Metric;

/// Units that a value may be written in: word, base unit, factor to it.
const UNITS: [(&str, Unit, f64); 6] = [
    ("bytes", Unit::Bytes, 1.0),
    ("count", Unit::Count, 1.0),
    ("ms", Unit::Nanoseconds, 1e6),
    ("ns", Unit::Nanoseconds, 1.0),
    ("s", Unit::Nanoseconds, 1e9),
    ("us", Unit::Nanoseconds, 1e3),
];

/// Reads the option. The name gets its unit's suffix if it has none: `throughput` is `throughput_count`.
pub(crate) fn parse(text: &str) -> Result<Metric> {
    let form = || {
        let units = UNITS.map(|(word, ..)| word).join(", ");
        format!(
            "failed to read `--metric {text}`: expected NAME=/json/pointer[:UNIT][:higher|lower], UNIT one of {units} \
             (count if left out; lower is better if left out)"
        )
    };
    let (name, rest) = text.split_once('=').with_context(form)?;
    let mut parts = rest.split(':');
    let pointer = parts.next().unwrap_or_default();
    ensure!(pointer.is_empty() || pointer.starts_with('/'), form());
    let (mut unit, mut better) = (None, None);
    for word in parts {
        let found = UNITS.iter().find(|(known, ..)| *known == word);
        match (found, word) {
            (Some(found), _) if unit.is_none() && better.is_none() => unit = Some(*found),
            (None, "higher") if better.is_none() => better = Some(Better::Higher),
            (None, "lower") if better.is_none() => better = Some(Better::Lower),
            _ => bail!("{}; found `{word}`", form()),
        }
    }
    let (_, unit, factor) = unit.unwrap_or(("count", Unit::Count, 1.0));
    let suffix = unit.suffix();
    let name = if name.ends_with(suffix) { name.to_owned() } else { format!("{name}{suffix}") };
    ensure!(
        MetricDef::is_name(&name, unit),
        "failed to read `--metric {text}`: expected a name in snake case that is not one of bench's own metrics, found `{name}`"
    );
    let better = better.unwrap_or(Better::Lower);
    Ok(Metric { def: MetricDef { name, pointer: pointer.to_owned(), unit, better }, factor })
}

/// The values of `metrics` in one run's stdout, in their order and base units.
pub(crate) fn values(metrics: &[Metric], stdout: &[u8]) -> Result<Vec<f64>> {
    if metrics.is_empty() {
        return Ok(Vec::new());
    }
    let shown = || {
        let start: String = String::from_utf8_lossy(stdout).chars().take(60).collect();
        format!("expected one JSON document on stdout for `--metric`, found {start:?}")
    };
    let document: Value = serde_json::from_slice(stdout).with_context(shown)?;
    metrics.iter().map(|metric| value(metric, &document)).collect()
}

fn value(metric: &Metric, document: &Value) -> Result<f64> {
    let MetricDef { name, pointer, .. } = &metric.def;
    let found = document.pointer(pointer);
    let number = found.and_then(Value::as_f64).map(|number| number * metric.factor);
    if let Some(number) = number.filter(|number| number.is_finite() && *number > 0.0) {
        return Ok(number);
    }
    let found = found
        .map_or_else(|| "nothing".to_owned(), |value| value.to_string().chars().take(60).collect());
    bail!(
        "metric `{name}`: expected a positive number at `{pointer}` of the JSON on stdout, found {found}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_and_direction_are_read_and_the_name_ends_in_the_unit() {
        for (text, name, pointer, unit, better, factor) in [
            ("ops=/ops:higher", "ops_count", "/ops", Unit::Count, Better::Higher, 1.0),
            (
                "p50=/times/0/p50:ms",
                "p50_ns",
                "/times/0/p50",
                Unit::Nanoseconds,
                Better::Lower,
                1e6,
            ),
            (
                "heap_bytes=/heap:bytes:lower",
                "heap_bytes",
                "/heap",
                Unit::Bytes,
                Better::Lower,
                1.0,
            ),
            ("all=", "all_count", "", Unit::Count, Better::Lower, 1.0),
        ] {
            let metric = parse(text).unwrap();
            let def = &metric.def;
            assert_eq!((def.name.as_str(), def.pointer.as_str()), (name, pointer));
            assert_eq!((def.unit, def.better, metric.factor), (unit, better, factor));
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_shows_the_form() {
        for text in [
            "ops",
            "ops=ops",
            "ops=/a:minutes",
            "ops=/a:higher:ms",
            "ops=/a:ms:ms",
            "ops=/a:higher:lower",
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains("NAME=/json/pointer[:UNIT][:higher|lower]"), "{text}: {error}");
        }
        for text in ["=/a", "Ops=/a", "wall=/a:ns", "decode_step=/a:ns", "a b=/a"] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains("snake case"), "{text}: {error}");
        }
    }

    #[test]
    fn a_value_is_a_positive_number_or_an_error_that_says_what_stands_there() {
        let metrics = [parse("t=/a/0:ms").unwrap(), parse("n=/n").unwrap()];
        assert_eq!(values(&metrics, br#"{"a":[1.5],"n":7}"#).unwrap(), [1.5e6, 7.0]);
        assert_eq!(values(&[], b"no JSON, and nobody asks").unwrap(), [0.0; 0]);
        for (stdout, part) in [
            (&br#"{"a":[],"n":7}"#[..], "found nothing"),
            (br#"{"a":["x"],"n":7}"#, "found \"x\""),
            (br#"{"a":[0],"n":7}"#, "found 0"),
            (br#"{"a":[-1],"n":7}"#, "found -1"),
            (br#"{"a":[1],"n":null}"#, "found null"),
            (b"12 ms", "one JSON document"),
            (b"", "one JSON document"),
        ] {
            let error = format!("{:#}", values(&metrics, stdout).unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }
}
