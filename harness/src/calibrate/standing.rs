//! What a calibration document says of a machine, derived again from its log ratios by the rule that it names.
//! In: the document. Out: the error rates of this machine, for people who read its history.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use baselines::{ErrorKind, record::wire::MAX_BYTES};
use gates::{
    DEFAULT_POLICY, Policy,
    calibration::{Summary, Trial, summary},
    policy::{FailOn, Gated},
};
use serde_json::Value;

use super::{
    document::{self, Comparison},
    subject::Subject,
    terms,
};

/// A calibration that stands beside a store's records.
#[derive(Debug)]
pub(crate) struct Standing {
    /// What was calibrated.
    pub(crate) subject: Subject,
    /// When it was written last (UTC).
    pub(crate) ended_at: String,
    /// What follows from its comparisons.
    pub(crate) summary: Summary,
}

/// The calibration at `path`; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Standing>> {
    let failed = || format!("failed to read the calibration `{}`", path.display());
    match baselines::read_bounded(path, MAX_BYTES) {
        Ok(bytes) => parse(&bytes).map(Some).with_context(failed),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(failed),
    }
}

fn parse(bytes: &[u8]) -> Result<Standing> {
    let mut value: Value = serde_json::from_slice(bytes)?;
    let subject: Subject = serde_json::from_value(value["subject"].take())?;
    let comparisons = document::parse(bytes, &subject)?;
    let trials: Vec<Trial> = comparisons.iter().map(Comparison::trial).collect();
    let mut shares: Vec<f64> = trials.iter().map(|trial| trial.planted).collect();
    shares.sort_by(f64::total_cmp);
    shares.dedup();
    let ended_at = value["ended_at"].as_str().unwrap_or("unknown").to_owned();
    let summary = summary(&trials, &shares, &terms(&policy(&subject)?));
    Ok(Standing { subject, ended_at, summary })
}

/// The policy that the subject was judged by, as far as a calibration asks for it.
fn policy(subject: &Subject) -> Result<Policy> {
    let mut policy =
        Policy::parse(DEFAULT_POLICY).context("failed to read the policy that ships")?;
    policy.pairs.looks.clone_from(&subject.looks);
    policy.levels.pass = subject.level_pass;
    policy.levels.fail = subject.level_fail;
    policy.verdict.fail_on = match subject.fail_on.as_str() {
        "standard" => FailOn::Standard,
        "any" => FailOn::Any,
        "unacceptable" => FailOn::Unacceptable,
        other => bail!("subject.fail_on: expected standard, any or unacceptable, found `{other}`"),
    };
    let gated = |metric: &super::subject::Metric| Gated {
        workload: metric.workload.clone(),
        metric: metric.metric.clone(),
        margin_negligible: metric.margin_negligible,
        margin_unacceptable: metric.margin_unacceptable,
    };
    policy.gated = subject.metrics.iter().map(gated).collect();
    Ok(policy)
}
