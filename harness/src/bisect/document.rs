//! The document of a bisection, as JSON: what was asked, every step with its numbers, and what follows from them.
//!
//! In: a bisection. Out: stable keys, written atomically. Read back, only what was asked and what was seen counts: verdicts, chances
//! and the outcome are derived again. It is no run record and no evidence: `bench verify` does not know it.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use baselines::{ErrorKind, record::wire::MAX_BYTES};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Bisection, Commit, Estimate, Next, Order, Outcome, Seen, Step, Trail, trail::Judged};
use crate::files::READABLE;

/// Says what the document is.
const NAME: &str = "tritgate.bisection";
/// Version of its form.
const VERSION: u64 = 1;

/// What lies where the document is to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kept {
    /// Nothing.
    Nothing,
    /// A bisection of the same order, finished or not.
    Same(Box<Bisection>),
    /// A finished one of another order.
    OtherFinished,
}

/// The part of the document that is read back.
#[derive(Debug, Deserialize)]
struct Wire {
    order: Order,
    builds: u64,
    started_at: String,
    ended_at: String,
    steps: Vec<StepWire>,
}

#[derive(Debug, Deserialize)]
struct StepWire {
    commit: String,
    seen: Seen,
    ended_at: String,
}

/// Writes the document to `path`, in place of what was there.
pub(crate) fn write(path: &Path, bisection: &Bisection) -> Result<()> {
    baselines::write_atomic(path, json(bisection)?.as_bytes(), READABLE)
        .with_context(|| format!("failed to write the bisection `{}`", path.display()))
}

/// What lies at `path`, held against a bisection of which nothing is done yet.
///
/// # Errors
/// What must not be written over: an unfinished bisection of another order, or what is none.
pub(crate) fn read(path: &Path, fresh: &Bisection) -> Result<Kept> {
    let failed = || format!("failed to go on with the bisection `{}`", path.display());
    let bytes = match baselines::read_bounded(path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Kept::Nothing),
        Err(error) => return Err(error).with_context(failed),
    };
    parse(&bytes, fresh).with_context(failed)
}

fn parse(bytes: &[u8], fresh: &Bisection) -> Result<Kept> {
    const WAY_OUT: &str = "throw it away with `--restart`, or write to another file with `--out`";
    let document: Value = serde_json::from_slice(bytes).context(WAY_OUT)?;
    ensure!(
        document["document"] == NAME && document["version"] == VERSION,
        "expected `{NAME}` of version {VERSION}, found {} of version {}; {WAY_OUT}",
        document["document"],
        document["version"]
    );
    let (mine, theirs) = (serde_json::to_value(&fresh.order)?, document["order"].clone());
    let other = mine.as_object().into_iter().flatten().find(|(key, value)| theirs[*key] != **value);
    if let Some((key, expected)) = other {
        if document["outcome"].is_string() {
            return Ok(Kept::OtherFinished);
        }
        bail!(
            "order.{key}: expected {expected}, found {}, and it is not finished; ask for the same again, {WAY_OUT}",
            theirs[key]
        );
    }
    let Wire { order, builds, started_at, ended_at, steps } =
        serde_json::from_value(document).context(WAY_OUT)?;
    let place = |(nth, step): (usize, StepWire)| {
        let idx = fresh.range.iter().position(|commit| commit.commit == step.commit);
        let idx = idx.with_context(|| format!("steps[{nth}]: {} is not in the range", step.commit));
        let finite = match &step.seen {
            Seen::Pairs { log_ratios, .. } => log_ratios.iter().all(|ratio| ratio.is_finite()),
            Seen::Count(count) => count.is_finite() && *count >= 0.0,
            Seen::Skipped(_) => true,
        };
        ensure!(finite, "steps[{nth}]: expected finite numbers, found others");
        Ok(Step { idx: idx?, seen: step.seen, ended_at: step.ended_at })
    };
    let steps = steps.into_iter().enumerate().map(place).collect::<Result<_>>().context(WAY_OUT)?;
    let range = fresh.range.clone();
    let bisection = Bisection { order, range, steps, builds, started_at, ended_at };
    Trail::of(&bisection).context(WAY_OUT)?;
    Ok(Kept::Same(Box::new(bisection)))
}

/// The document's text.
pub(crate) fn json(bisection: &Bisection) -> Result<String> {
    let trail = Trail::of(bisection)?;
    let outcome = match trail.next {
        Next::End(outcome) => Some(outcome),
        Next::Measure(_) => None,
    };
    let (good, bad) = trail.between();
    let steps = trail.judged.iter().map(|judged| of_step(judged, bisection));
    let document = json!({
        "document": NAME,
        "version": VERSION,
        "outcome": outcome.map(Outcome::name),
        "culprit": match outcome { Some(Outcome::Found(idx)) => Some(&bisection.range[idx]), _ => None },
        "suspects": suspects(outcome, bisection),
        "change": of_change(&trail, outcome),
        "wrong_step_chance": if bisection.order.exact { 0.0 } else { trail.spent },
        "builds": bisection.builds,
        "started_at": bisection.started_at,
        "ended_at": bisection.ended_at,
        "order": bisection.order,
        "last_good": bisection.range[good],
        "first_bad": bisection.range[bad],
        "steps": steps.collect::<Vec<_>>(),
        "range": bisection.range,
    });
    Ok(format!("{document:#}\n"))
}

/// The commits that may have made the change, where that is not one.
fn suspects(outcome: Option<Outcome>, bisection: &Bisection) -> Vec<&Commit> {
    match outcome {
        Some(Outcome::Suspects { good, bad } | Outcome::Undecided { good, bad, .. }) => {
            bisection.range[good + 1..=bad].iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The change from the last good commit to the first bad one.
fn of_change(trail: &Trail<'_>, outcome: Option<Outcome>) -> Value {
    let (good, bad) = trail.between();
    match (trail.count(good), trail.count(bad), trail.change(outcome)) {
        (Some(good), Some(bad), _) => json!({ "from": good, "to": bad }),
        (_, _, Some(change)) => {
            let (low, high) = change.interval(0.05);
            json!({ "log_ratio": change.log_ratio, "low_95": low, "high_95": high })
        }
        _ => Value::Null,
    }
}

/// What was seen of a commit, and what that came to.
fn of_step(judged: &Judged<'_>, bisection: &Bisection) -> Value {
    let Commit { commit, subject, .. } = &bisection.range[judged.step.idx];
    let mut value = json!({
        "commit": commit,
        "subject": subject,
        "verdict": judged.verdict.name(),
        "ended_at": judged.step.ended_at,
        "seen": judged.step.seen,
    });
    if let Some(estimate) = &judged.estimate {
        let miss = judged.ask.miss(&bisection.order.looks);
        let Estimate { n_pairs, log_ratio, .. } = estimate;
        let (low, high) = estimate.interval(miss);
        value["pairs"] = json!(n_pairs);
        value["log_ratio"] = json!(log_ratio);
        value["low"] = json!(low);
        value["high"] = json!(high);
        value["interval_misses"] = json!(miss);
        value["midpoint"] = json!(judged.ask.midpoint);
        value["may_err"] = json!(judged.ask.share);
    }
    value
}

#[cfg(test)]
mod tests;
