//! What two commands are asked for, and the suite that follows from it.
//! In: lines, surroundings, parameters, metrics. Out: a suite of one workload for each value, and each arm's description.

use std::{collections::BTreeMap, ffi::OsString, time::Duration};

use anyhow::{Result, ensure};
use baselines::{
    metric::{COMMAND_METRICS, COMMAND_TRIAGE_METRICS},
    record::{
        CommandInfo, MetricDef, Purpose, Suite, WorkloadDef,
        wire::{MAX_SAMPLES, MAX_SERIES},
    },
};

use super::{line::Parameter, plan};
use crate::{nearest::suggestion, suite};

/// Name of the only workload where there are no parameters, and kind of all of them.
const COMMAND: &str = "command";
/// Most workloads of a session: a family of more gated metrics would thin the levels until nothing fails.
const WORKLOADS_MAX: usize = 8;

/// A metric of the suite's own, and what a value is multiplied by to be in its base unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metric {
    pub(crate) def: MetricDef,
    pub(crate) factor: f64,
}

/// Two commands and how they are run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spec {
    pub(crate) base: String,
    pub(crate) head: String,
    pub(crate) shell: Option<String>,
    pub(crate) setup: Option<String>,
    pub(crate) prepare: Option<String>,
    pub(crate) cleanup: Option<String>,
    pub(crate) parameters: Vec<Parameter>,
    /// Workloads to run, by name; all where there are none.
    pub(crate) only: Vec<String>,
    pub(crate) metrics: Vec<Metric>,
    /// Timed runs of either arm in a pair; `None`: as many as make a pair of a second or two.
    pub(crate) iterations: Option<u64>,
    /// Untimed runs of either arm before the first pair.
    pub(crate) warmup: u64,
    pub(crate) timeout: Duration,
    pub(crate) ignore_failure: bool,
    pub(crate) same_output: bool,
    pub(crate) seed: u64,
    /// Value of `PATH`, where programs are looked for.
    pub(crate) folders: OsString,
}

impl Spec {
    /// Every combination of parameter values, each a workload: its name, and the values by name.
    pub(crate) fn workloads(&self) -> Result<Vec<(String, BTreeMap<String, String>)>> {
        let n = self.parameters.iter().map(|parameter| parameter.values.len()).product::<usize>();
        ensure!(
            (1..=WORKLOADS_MAX).contains(&n),
            "failed to plan the session: `--parameter-list`: expected 1 to {WORKLOADS_MAX} combinations of values, found {n}; \
             each is a workload of its own and all are gated together, so give fewer values, or several sessions"
        );
        let mut all = vec![BTreeMap::new()];
        for Parameter { name, values } in &self.parameters {
            let with = |value: &String| {
                let value = value.clone();
                all.iter().map(move |values: &BTreeMap<String, String>| {
                    let mut values = values.clone();
                    values.insert(name.clone(), value.clone());
                    values
                })
            };
            all = values.iter().flat_map(with).collect();
        }
        let name = |values: &BTreeMap<String, String>| {
            let parts = self.parameters.iter().map(|parameter| {
                let name = &parameter.name;
                format!("{name}={}", values[name])
            });
            parts.collect::<Vec<_>>().join(",")
        };
        let named = |values: BTreeMap<String, String>| match name(&values) {
            none if none.is_empty() => (COMMAND.to_owned(), values),
            name => (name, values),
        };
        let mut all: Vec<(String, BTreeMap<String, String>)> = all.into_iter().map(named).collect();
        for asked in &self.only {
            let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
            ensure!(
                names.contains(&asked.as_str()),
                "failed to plan the session: `--workload`: these commands have no workload `{asked}`: {}; each combination of \
                 `--parameter-list` is one, leave `--workload` out for all",
                suggestion(asked, &names)
            );
        }
        all.retain(|(name, _)| self.only.is_empty() || self.only.contains(name));
        Ok(all)
    }

    /// Refuses a session that would end in a record larger than the rules allow, before it is measured.
    pub(crate) fn check_size(&self, pairs: u64, purpose: Purpose) -> Result<()> {
        // Each arm may hold half of what a bundle may.
        let (series_max, samples_max) = (MAX_SERIES as u64 / 2, MAX_SAMPLES as u64 / 2);
        let more = if purpose == Purpose::Triage { COMMAND_TRIAGE_METRICS.len() } else { 0 };
        let metrics = (COMMAND_METRICS.len() + more + self.metrics.len()) as u64;
        let series = (self.workloads()?.len() as u64).saturating_mul(metrics).saturating_mul(pairs);
        let samples = series.saturating_mul(self.iterations.unwrap_or(plan::RUNS_MAX));
        ensure!(
            series <= series_max && samples <= samples_max,
            "failed to plan the session: expected at most {series_max} series and {samples_max} samples of either command, found \
             {series} and {samples} in {pairs} pairs; give fewer values of `--parameter-list`, {}fewer `--metric`, or fewer \
             `--iterations`",
            if more > 0 { "fewer `--pairs`, " } else { "" }
        );
        Ok(())
    }

    /// The suite, once the number of runs is settled. A round is one run of each arm.
    pub(crate) fn suite(&self, names: &[String], iterations: u64) -> Suite {
        let def = |name: &String| WorkloadDef {
            name: name.clone(),
            kind: COMMAND.to_owned(),
            params: BTreeMap::from([
                ("iterations".to_owned(), iterations),
                ("warmup".to_owned(), self.warmup),
            ]),
        };
        let workloads = names.iter().map(def).collect();
        let metrics: Vec<MetricDef> =
            self.metrics.iter().map(|metric| metric.def.clone()).collect();
        suite::defined(COMMAND, iterations, workloads, metrics, None)
    }

    /// One arm, as the record describes it.
    pub(crate) fn info(&self, line: &str) -> CommandInfo {
        CommandInfo {
            line: line.to_owned(),
            shell: self.shell.clone(),
            setup: self.setup.clone(),
            prepare: self.prepare.clone(),
            cleanup: self.cleanup.clone(),
            parameters: self.parameters.iter().map(|parameter| parameter.name.clone()).collect(),
            timeout_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
            ignore_failure: self.ignore_failure,
            same_output: self.same_output,
            bench: None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn spec() -> Spec {
        Spec {
            base: "true".to_owned(),
            head: "true".to_owned(),
            shell: None,
            setup: None,
            prepare: None,
            cleanup: None,
            parameters: Vec::new(),
            only: Vec::new(),
            metrics: Vec::new(),
            iterations: None,
            warmup: 1,
            timeout: Duration::from_secs(60),
            ignore_failure: false,
            same_output: false,
            seed: 42,
            folders: OsString::from("/usr/bin:/bin"),
        }
    }

    fn parameter(name: &str, values: &[&str]) -> Parameter {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Parameter { name: name.to_owned(), values }
    }

    #[test]
    fn each_combination_of_values_is_a_workload_named_for_it() {
        let names = |spec: &Spec| -> Vec<String> {
            spec.workloads().unwrap().into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(&spec()), ["command"]);
        let parameters = vec![parameter("n", &["1", "10"]), parameter("mode", &["a", "b"])];
        let two = Spec { parameters, ..spec() };
        assert_eq!(names(&two), ["n=1,mode=a", "n=10,mode=a", "n=1,mode=b", "n=10,mode=b"]);
    }

    #[test]
    fn more_than_a_family_is_an_error_that_says_so() {
        let nine: Vec<String> = (0..9).map(|n| n.to_string()).collect();
        let parameters = vec![Parameter { name: "n".to_owned(), values: nine }];
        let error = Spec { parameters, ..spec() }.workloads().unwrap_err().to_string();
        assert!(error.contains("expected 1 to 8 combinations of values, found 9"), "{error}");
    }

    #[test]
    fn a_session_that_no_record_could_hold_is_refused_before_it_is_measured() {
        // 120 pairs of 8 workloads with three metrics are 2,880 series; with a fourth metric they are 3,840.
        let eight = parameter("n", &["1", "2", "3", "4", "5", "6", "7", "8"]);
        let fits = Spec { parameters: vec![eight], ..spec() };
        assert!(fits.check_size(120, Purpose::Paired).is_ok());
        let metrics = vec![super::super::json::parse("x=/x").unwrap()];
        let error = Spec { metrics, ..fits.clone() }
            .check_size(120, Purpose::Paired)
            .unwrap_err()
            .to_string();
        assert!(error.contains("at most 3000 series") && error.contains("found 3840"), "{error}");
        assert!(
            Spec { iterations: Some(1_000), ..fits.clone() }
                .check_size(40, Purpose::Paired)
                .is_ok()
        );
        assert!(fits.check_size(u64::MAX, Purpose::Paired).is_err());
    }

    #[test]
    fn whatever_changes_the_work_changes_the_digest() {
        let names = ["a".to_owned()];
        let digest = spec().suite(&names, 4).digest;
        assert_eq!(digest, spec().suite(&names, 4).digest);
        assert_ne!(digest, spec().suite(&names, 5).digest);
        assert_ne!(digest, Spec { warmup: 2, ..spec() }.suite(&names, 4).digest);
        assert_ne!(digest, spec().suite(&["b".to_owned()], 4).digest);
        let metrics = vec![super::super::json::parse("x=/x").unwrap()];
        assert_ne!(digest, Spec { metrics, ..spec() }.suite(&names, 4).digest);
    }
}
