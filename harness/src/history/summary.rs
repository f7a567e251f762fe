//! A record reduced to what a history needs: when, which commit, what was measured, the medians of its processes.
//!
//! In: a record. Out: its form, which most records of a store share, and its numbers. The key of a track is the workload with its
//! definition (kind and parameters), the metric with its unit and direction, and the class ([`Facts`]).

use std::sync::Arc;

use baselines::{RunRecord, metric, metric::Better, quantile::median, unit::Unit};
use serde::{Deserialize, Serialize};

use super::class::Facts;

/// The version of everything in this file and in `class.rs` that a cached summary depends on.
pub(super) const FORM_VERSION: u32 = 1;

/// What a record measured, and on what: all but its numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    pub(super) class: Facts,
    /// Every series that a process has, in the order taken.
    pub(super) series: Vec<Key>,
    /// `workload/metric` of those that the suite defines no workload or no metric for.
    pub(super) undefined: Vec<String>,
}

/// One series, apart from the class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) workload: String,
    pub(super) metric: String,
    /// `decode, iterations 8, tokens 64`.
    pub(super) definition: String,
    unit: UnitName,
    lower_is_better: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum UnitName {
    Nanoseconds,
    Bytes,
    Count,
}

impl Key {
    pub(super) const fn unit(&self) -> Unit {
        match self.unit {
            UnitName::Nanoseconds => Unit::Nanoseconds,
            UnitName::Bytes => Unit::Bytes,
            UnitName::Count => Unit::Count,
        }
    }

    pub(super) const fn better(&self) -> Better {
        if self.lower_is_better { Better::Lower } else { Better::Higher }
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) started_at: String,
    pub(super) commit: Option<String>,
    pub(super) form: Arc<Form>,
    /// Of each series of the form, the medians of the processes that have it.
    pub(super) medians: Vec<Vec<f64>>,
}

/// What `record` measured, and on what.
pub(super) fn form(record: &RunRecord) -> Form {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for series in record.processes.iter().flat_map(|process| &process.series) {
        let name = (&*series.workload, &*series.metric);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let (mut keys, mut undefined) = (Vec::new(), Vec::new());
    for (workload, metric) in names {
        match key(record, workload, metric) {
            Some(key) => keys.push(key),
            None => undefined.push(format!("{workload}/{metric}")),
        }
    }
    Form { class: Facts::of(record), series: keys, undefined }
}

/// The medians of `record`, series by series of its form.
pub(super) fn medians(record: &RunRecord, form: &Form) -> Vec<Vec<f64>> {
    let of = |key: &Key| {
        let samples = record.samples(&key.workload, &key.metric);
        samples.filter_map(|(_, samples)| median(samples)).collect()
    };
    form.series.iter().map(of).collect()
}

/// The key of a series; `None` where the suite does not say what it is.
fn key(record: &RunRecord, workload: &str, metric: &str) -> Option<Key> {
    let def = record.suite.workloads.iter().find(|def| def.name == workload)?;
    let (unit, better) = record.suite.metric(metric)?;
    let mut definition = def.kind.clone();
    for (name, value) in &def.params {
        definition += &format!(", {name} {value}");
    }
    if metric::find(metric).is_none() {
        let own = record.suite.metrics.iter().find(|own| own.name == metric)?;
        definition += &format!(", {metric} at {}", own.pointer);
    }
    Some(Key {
        workload: workload.to_owned(),
        metric: metric.to_owned(),
        definition,
        unit: match unit {
            Unit::Nanoseconds => UnitName::Nanoseconds,
            Unit::Bytes => UnitName::Bytes,
            Unit::Count => UnitName::Count,
        },
        lower_is_better: better == Better::Lower,
    })
}

#[cfg(test)]
mod tests {
    use baselines::{Digest, testing};

    use super::{FORM_VERSION, form, medians};

    /// What a cached summary of a scripted record is. A change of it needs another `FORM_VERSION`: a cache of the old one would
    /// otherwise be believed. Printed by this test, pasted with the version.
    #[test]
    fn a_change_of_the_summary_changes_the_version() {
        let mut said = String::new();
        for record in [testing::session(1, 1.0), testing::commands(1, 1.0).base] {
            let form = form(&record);
            said += &serde_json::to_string(&(&form, medians(&record, &form))).unwrap();
        }
        let found = (FORM_VERSION, Digest::of(said.as_bytes()).short());
        assert_eq!(found, (1, "6e6440d62ea2".to_owned()), "{said}");
    }

    #[test]
    fn a_series_of_a_later_process_alone_is_not_lost() {
        let mut record = testing::session(1, 1.0);
        let first = record.processes[0].series.remove(0);
        let form = form(&record);
        let place = form.series.iter().position(|key| key.workload == first.workload).unwrap();
        assert_eq!(medians(&record, &form)[place].len(), record.processes.len() - 1);
    }

    #[test]
    fn a_series_that_its_suite_does_not_define_is_named() {
        let mut record = testing::session(1, 1.0);
        record.suite.workloads.retain(|def| def.name != "load");
        assert_eq!(form(&record).undefined, ["load/load_ns"]);
    }

    #[test]
    fn another_definition_of_a_workload_is_another_key() {
        let mut record = testing::session(1, 1.0);
        let before = form(&record);
        record.suite.workloads[0].params.insert("iterations".to_owned(), 6);
        let after = form(&record);
        assert_ne!(before.series[0], after.series[0]);
        assert_eq!(before.series[1..], after.series[1..]);
    }
}
