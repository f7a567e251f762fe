//! Every metric that a document names is one of the register, or of the suite's own with a name of its own.
//! In: a record as read. Out: an error that names the field.

use crate::{
    Error, ErrorKind, Result, metric,
    record::{MetricDef, RunRecord, Suite},
};

/// Checks a record found at `prefix` (`base.` in a bundle) of a document called `what`.
pub(crate) fn check(what: &str, prefix: &str, record: &RunRecord) -> Result<()> {
    for (idx, own) in record.suite.metrics.iter().enumerate() {
        let twice = record.suite.metrics[..idx].iter().any(|other| other.name == own.name);
        if twice || !MetricDef::is_name(&own.name, own.unit) {
            let field = format!("{prefix}suite.metrics[{idx}].name");
            let expected = format!(
                "a name of its own that ends in `{}` and is not in the register",
                own.unit.suffix()
            );
            return Err(malformed(what, &field, &expected, &own.name));
        }
    }
    for (process_idx, process) in record.processes.iter().enumerate() {
        for (series_idx, series) in process.series.iter().enumerate() {
            let field = format!("{prefix}processes[{process_idx}].series[{series_idx}].metric");
            check_name(what, &field, &series.metric, &record.suite)?;
        }
    }
    Ok(())
}

/// Checks one name against the register and `suite`.
pub(crate) fn check_name(what: &str, field: &str, name: &str, suite: &Suite) -> Result<()> {
    if suite.metric(name).is_some() {
        return Ok(());
    }
    let own = suite.metrics.iter().map(|metric| metric.name.as_str());
    let known: Vec<&str> = metric::METRICS.iter().map(|metric| metric.name).chain(own).collect();
    let text = format!("metric {name:?} is unknown, expected one of {}", known.join(", "));
    Err(Error::new(ErrorKind::Malformed, format!("{what} `{field}`: {text}")))
}

fn malformed(what: &str, field: &str, expected: &str, found: &str) -> Error {
    let text = format!("{what} `{field}`: expected {expected}, found {found:?}");
    Error::new(ErrorKind::Malformed, text)
}
