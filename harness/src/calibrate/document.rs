//! The document of a calibration, as JSON: what ran, every comparison with its log ratios, and what follows from them.
//!
//! In: a calibration. Out: stable keys, written atomically. Read back, only the log ratios count: verdicts and rates are
//! derived again. It is no run record and no evidence: `bench verify` does not know it.

use std::{fs, io, path::Path};

use anyhow::{Context as _, Result, ensure};
use gates::calibration::{Group, Judged, MINUTES, Noise, Rate, Realised, Summary, Terms, Trial};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Plan, subject::Subject};
use crate::files::READABLE;

/// Says what the document is.
const NAME: &str = "tritgate.calibration";
/// Version of its form.
const VERSION: u64 = 1;

/// A calibration, finished or not.
#[derive(Clone, Debug)]
pub(crate) struct Calibration {
    pub(crate) subject: Subject,
    pub(crate) plan: Plan,
    pub(crate) started_at: String,
    pub(crate) ended_at: String,
    /// What judges the comparisons.
    pub(crate) terms: Terms,
    pub(crate) comparisons: Vec<Comparison>,
}

/// What one comparison measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// 0 for a build with itself.
    pub(crate) planted_percent: f64,
    pub(crate) session: String,
    pub(crate) started_at: String,
    pub(crate) seconds: f64,
    /// Whether threads were kept on CPUs of their own.
    pub(crate) pinned: bool,
    /// Names of the marks that the session took.
    pub(crate) marks: Vec<String>,
    /// For each metric those of its pairs, in the order taken.
    pub(crate) log_ratios: Vec<Vec<f64>>,
}

impl Comparison {
    pub(super) fn trial(&self) -> Trial {
        Trial {
            planted: self.planted_percent / 100.0,
            seconds: self.seconds,
            log_ratios: self.log_ratios.clone(),
        }
    }
}

/// Writes the document to `path`, in place of what was there.
pub(super) fn write(path: &Path, calibration: &Calibration) -> Result<()> {
    baselines::write_atomic(path, json(calibration).as_bytes(), READABLE)
        .with_context(|| format!("failed to write the calibration `{}`", path.display()))
}

/// The comparisons of the document at `path`, which must be of the same `subject`; none where there is no document.
pub(super) fn read(path: &Path, subject: &Subject) -> Result<Vec<Comparison>> {
    let failed = || format!("failed to go on with the calibration `{}`", path.display());
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(failed),
    };
    parse(&bytes, subject).with_context(failed)
}

pub(super) fn parse(bytes: &[u8], subject: &Subject) -> Result<Vec<Comparison>> {
    let mut document: Value = serde_json::from_slice(bytes)?;
    ensure!(
        document["document"] == NAME && document["version"] == VERSION,
        "expected `{NAME}` of version {VERSION}, found {} of version {}; leave out `--resume`",
        document["document"],
        document["version"]
    );
    let mine = serde_json::to_value(subject)?;
    for (key, expected) in mine.as_object().into_iter().flatten() {
        let found = &document["subject"][key];
        ensure!(
            found == expected,
            "subject.{key}: expected {expected}, found {found}; comparisons of another subject say nothing about this one: \
             leave out `--resume`"
        );
    }
    let comparisons: Vec<Comparison> = serde_json::from_value(document["comparisons"].take())?;
    for (idx, comparison) in comparisons.iter().enumerate() {
        let holds = comparison.log_ratios.len() == subject.metrics.len()
            && comparison.log_ratios.iter().flatten().all(|ratio| ratio.is_finite())
            && (0.0..=100.0).contains(&comparison.planted_percent)
            && comparison.seconds > 0.0;
        ensure!(
            holds,
            "comparisons[{idx}]: expected {} series of finite log ratios, 0 to 100 per cent and a positive time, found others",
            subject.metrics.len()
        );
    }
    Ok(comparisons)
}

/// The document's text.
pub(crate) fn json(calibration: &Calibration) -> String {
    let Calibration { subject, plan, started_at, ended_at, comparisons, .. } = calibration;
    let found = calibration.summary();
    let complete = plan.to_run(&percents(comparisons)).is_empty();
    let document = json!({
        "document": NAME,
        "version": VERSION,
        "complete": complete,
        "holds": found.holds,
        "started_at": started_at,
        "ended_at": ended_at,
        "subject": subject,
        "plan": {
            "comparisons": plan.comparisons, "planted_percent": plan.planted_percent,
            "planted_comparisons": plan.planted_comparisons, "minutes": plan.minutes,
        },
        "summary": of_summary(&found, subject, plan),
        "comparisons": comparisons.iter().map(|one| of_comparison(one, &calibration.judged(one))).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn percents(comparisons: &[Comparison]) -> Vec<f64> {
    comparisons.iter().map(|comparison| comparison.planted_percent).collect()
}

fn of_summary(found: &Summary, subject: &Subject, plan: &Plan) -> Value {
    let groups = found.groups.iter().zip(plan.percents()).zip(plan.numbers());
    let noise = found.noise.iter().zip(&subject.metrics).map(|(noise, metric)| {
        let mut value = of_noise(noise);
        value["workload"] = metric.workload.as_str().into();
        value["metric"] = metric.metric.as_str().into();
        value
    });
    json!({
        "groups": groups.map(|((group, percent), asked)| of_group(group, percent, asked)).collect::<Vec<_>>(),
        "metrics": noise.collect::<Vec<_>>(),
        "seconds_per_pair": found.seconds_per_pair,
    })
}

fn of_group(group: &Group, percent: f64, asked: usize) -> Value {
    json!({
        "planted_percent": percent,
        "asked": asked,
        "done": group.fail.n,
        "fail": of_rate(group.fail),
        "pass": of_rate(group.pass),
        "inconclusive": of_rate(group.inconclusive),
        "improved": of_rate(group.improved),
        "demand": group.demand.map(|demand| demand.text(group.fail.n)),
        "holds": group.holds(),
        "mean_pairs": group.mean_pairs,
        "mean_seconds": group.mean_seconds,
        "realised": group.realised.iter().map(|realised| realised.as_ref().map(of_realised)).collect::<Vec<_>>(),
    })
}

fn of_rate(rate: Rate) -> Value {
    let (low, high) = rate.interval_95();
    json!({ "hits": rate.hits, "n": rate.n, "low": low, "high": high })
}

fn of_realised(realised: &Realised) -> Value {
    let (low, high) = realised.interval.unzip();
    json!({ "log_ratio": realised.estimate, "low": low, "high": high })
}

fn of_noise(noise: &Noise) -> Value {
    let smallest = MINUTES.iter().zip(&noise.smallest);
    json!({
        "pair_sd": noise.pair_sd.map(|(sd, _, _)| sd),
        "pair_sd_low": noise.pair_sd.map(|(_, low, _)| low),
        "pair_sd_high": noise.pair_sd.map(|(_, _, high)| high),
        "n_pairs": noise.n_pairs,
        "smallest_slowdown": smallest.map(|(minutes, log_ratio)| json!({ "minutes": minutes, "log_ratio": log_ratio }))
            .collect::<Vec<_>>(),
    })
}

/// What was measured, and what the rule says of it.
fn of_comparison(comparison: &Comparison, judged: &Judged) -> Value {
    let metrics = judged.metrics.iter().map(|found| {
        found.as_ref().map(|found| {
            let (low, high) = found.location.interval_95().unzip();
            json!({
                "verdict": found.verdict.name(), "log_ratio": found.location.estimate(), "low": low, "high": high,
                "pairs": found.n_pairs,
            })
        })
    });
    let mut value = json!(comparison);
    value["verdict"] = judged.verdict.name().into();
    value["improved"] = judged.improved.into();
    value["pairs"] = judged.n_pairs.into();
    value["metrics"] = metrics.collect();
    value
}

#[cfg(test)]
mod tests;
