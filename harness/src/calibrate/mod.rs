//! `bench calibrate`: paired sessions of this build with itself, as a gate runs them, some with a head that was slowed on
//! purpose; what the rule says of them is how often it errs on this machine.
//!
//! In: an order. Out: the comparisons, in a document that is written after each of them, so that one that is stopped keeps
//! what it has. Their records end here: a share of their times is made up.

mod document;
mod family;
mod plan;
pub(crate) mod standing;
mod subject;

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use baselines::{
    RunRecord,
    record::{Engine, Suite},
};
use gates::{
    DEFAULT_POLICY, Policy,
    calibration::{Judged, Summary, Terms, Trial, summary},
    decision::{Margins, Rule},
    policy::Gated,
};
use tempfile::TempDir;

pub(crate) use document::{Calibration, Comparison, json};
pub(crate) use plan::Plan;

use self::subject::Subject;
use crate::{
    measure::{Clock, Planted, timestamp},
    progress::Progress,
    session::{self, Assignment, Subjects},
    subject::{Binary, Program},
};

/// What is to be calibrated.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    /// What every session is told; its suite holds the workloads of the family and no other.
    pub(crate) assignment: Assignment,
    /// The policy, with the family as its gated metrics.
    pub(crate) policy: Policy,
    pub(crate) plan: Plan,
    /// Folder for the copy of the program that runs.
    pub(crate) store: &'a Path,
    /// The document.
    pub(crate) out: &'a Path,
    /// Go on with what the document holds.
    pub(crate) resume: bool,
}

/// An assignment and a policy that measure and gate what `names` say, and nothing else.
pub(crate) fn narrowed(
    names: &[String],
    assignment: Assignment,
    policy: Policy,
) -> Result<(Assignment, Policy)> {
    let (gated, suite): (Vec<Gated>, Suite) = family::family(names, &assignment.suite, &policy)?;
    Ok((Assignment { suite, positions: None, ..assignment }, Policy { gated, ..policy }))
}

/// An assignment that measures the one workload that `name` says, and its metric: the one it is named for, unless `name` says
/// otherwise.
pub(crate) fn alone(name: &str, assignment: Assignment) -> Result<(Assignment, Gated)> {
    let policy = Policy::parse(DEFAULT_POLICY).context("failed to read the policy that ships")?;
    let (gated, suite) = family::one(name, &assignment.suite, &policy)?;
    Ok((Assignment { suite, positions: None, ..assignment }, gated))
}

/// Runs what is left of the plan, as far as its budget goes.
pub(crate) fn calibrate(
    order: &Order<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Calibration> {
    let current = Binary::current()?;
    let subject = Subject::of(order, &current)?;
    let now = timestamp(clock.utc());
    let comparisons = if order.resume { document::read(order.out, &subject)? } else { Vec::new() };
    let mut calibration = Calibration {
        subject,
        plan: order.plan.clone(),
        started_at: comparisons.first().map_or_else(|| now.clone(), |one| one.started_at.clone()),
        ended_at: now,
        terms: terms(&order.policy),
        comparisons,
    };
    let done: Vec<f64> = calibration.comparisons.iter().map(|one| one.planted_percent).collect();
    let to_run = order.plan.to_run(&done);
    let (binary, _folder) = copied(order.store, &current)?;

    let (start_ns, mut longest_s) = (clock.now_ns(), None::<f64>);
    progress.begin(to_run.len() as u64);
    for (n_done, percent) in to_run.iter().enumerate() {
        let elapsed_s = seconds_since(start_ns, clock);
        if !order.plan.fits(elapsed_s, longest_s) {
            progress.note(&format!(
                "the budget is used up: {n_done} of {} comparisons were run",
                to_run.len()
            ));
            break;
        }
        let comparison = compare(order, &calibration.subject, &binary, *percent, clock)?;
        longest_s = Some(longest_s.map_or(comparison.seconds, |most| most.max(comparison.seconds)));
        let said = calibration.said(&comparison);
        calibration.comparisons.push(comparison);
        calibration.ended_at = timestamp(clock.utc());
        document::write(order.out, &calibration)?;

        let (n_done, elapsed_s) = (n_done + 1, seconds_since(start_ns, clock));
        let mean_s = elapsed_s / plan::as_f64(n_done);
        let left_s = order.plan.left_s(to_run.len() - n_done, mean_s, elapsed_s);
        progress.step(&format!("{said}; {:.0} min left", (left_s / 60.0).ceil()));
    }
    progress.end();
    ensure!(
        !calibration.comparisons.is_empty(),
        "failed to calibrate: no comparison was asked for; ask for some with `--comparisons`"
    );
    // A document that was complete when it was read says what was asked of it now.
    document::write(order.out, &calibration)?;
    Ok(calibration)
}

/// One session of `binary` with itself, the head slowed by `percent`.
fn compare(
    order: &Order<'_>,
    subject: &Subject,
    binary: &Binary,
    percent: f64,
    clock: &dyn Clock,
) -> Result<Comparison> {
    let (started_at, start_ns) = (timestamp(clock.utc()), clock.now_ns());
    let looks = order.policy.pairs.looks.iter().map(|pairs| *pairs as u64).collect();
    let program = Program::single(binary.clone());
    let subjects = Subjects::Pair { base: program.clone(), head: program, looks };
    let goes_on = |base: &RunRecord, head: &RunRecord| gates::goes_on(base, head, &order.policy);
    let measured = session::calibrate(
        Planted::of(percent / 100.0)?,
        &order.assignment,
        &subjects,
        &goes_on,
        clock,
        &Progress::silent(),
    )?;
    let (base, head) = (measured.base.context("a paired session has a base")?, measured.head);
    let engine = head.subject.engine().context("a calibration measures the engine")?;
    check_alike(subject, &base, &head, engine)?;
    let log_ratios = |gated: &Gated| match gates::pair_log_ratios(&base, &head, gated) {
        Ok(log_ratios) => Ok(log_ratios),
        Err(why) => bail!("failed to compare `{}` of `{}`: {why}", gated.metric, gated.workload),
    };
    Ok(Comparison {
        planted_percent: percent,
        session: head.session.clone(),
        started_at,
        log_ratios: order.policy.gated.iter().map(log_ratios).collect::<Result<_>>()?,
        pinned: engine.settings.pinned,
        marks: head.marks.iter().map(|mark| mark.name.clone()).collect(),
        seconds: seconds_since(start_ns, clock),
    })
}

/// Both arms did the same, on what the document says they ran on.
fn check_alike(
    subject: &Subject,
    base: &RunRecord,
    head: &RunRecord,
    engine: &Engine,
) -> Result<()> {
    let mut outputs = base.processes.iter().chain(&head.processes).map(|process| &process.outputs);
    let first = outputs.next();
    ensure!(
        outputs.all(|outputs| Some(outputs) == first),
        "failed to calibrate: two processes of one program put out different ids or logits; find what makes the output vary"
    );
    let settings = &engine.settings;
    ensure!(
        (&settings.isa, settings.threads) == (&subject.isa, subject.threads),
        "failed to calibrate: expected {} on {} threads, found {} on {}",
        subject.isa,
        subject.threads,
        settings.isa,
        settings.threads
    );
    Ok(())
}

impl Calibration {
    /// What all comparisons say together, by the rule of the policy.
    pub(crate) fn summary(&self) -> Summary {
        let trials: Vec<Trial> = self.comparisons.iter().map(Comparison::trial).collect();
        let shares: Vec<f64> =
            self.plan.percents().into_iter().map(|percent| percent / 100.0).collect();
        summary(&trials, &shares, &self.terms)
    }

    /// What the rule says of one comparison.
    pub(crate) fn judged(&self, comparison: &Comparison) -> Judged {
        comparison.trial().judged(&self.terms.margins, &self.terms.rule)
    }

    /// One comparison in a line.
    fn said(&self, comparison: &Comparison) -> String {
        let judged = self.judged(comparison);
        let what = match comparison.planted_percent {
            percent if percent > 0.0 => format!("planted {percent} %"),
            _ => "A/A".to_owned(),
        };
        let changes: Vec<String> = judged
            .metrics
            .iter()
            .flatten()
            .map(|found| format!("{:+.1} %", 100.0 * found.location.estimate().exp_m1()))
            .collect();
        format!(
            "{what}: {}, {}, {} pairs, {:.1} s",
            judged.verdict.name(),
            changes.join(" "),
            judged.n_pairs,
            comparison.seconds
        )
    }
}

/// Rule and margins of a policy.
fn terms(policy: &Policy) -> Terms {
    let margins = |gated: &Gated| Margins {
        m0: gated.margin_negligible.ln(),
        m1: gated.margin_unacceptable.ln(),
    };
    Terms {
        rule: Rule::of(policy),
        margins: policy.gated.iter().map(margins).collect(),
        fail: policy.levels.fail,
    }
}

/// A copy of the running program for both arms: a build in the next hour replaces it for neither.
fn copied(store: &Path, current: &Binary) -> Result<(Binary, TempDir)> {
    let failed = || format!("failed to copy the running program to `{}`", store.display());
    std::fs::create_dir_all(store).with_context(failed)?;
    let folder = tempfile::Builder::new().prefix(".calibrate-").tempdir_in(store);
    let folder = folder.with_context(failed)?;
    let path = folder.path().join("bench");
    let bytes = std::fs::read(&current.path).with_context(failed)?;
    baselines::write_atomic(&path, &bytes, 0o755).with_context(failed)?;
    let copy = Binary::at(&path)?;
    ensure!(
        copy.digest == current.digest,
        "failed to calibrate: the running program was replaced while it was copied; run again without building meanwhile"
    );
    Ok((copy, folder))
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
fn seconds_since(start_ns: u64, clock: &dyn Clock) -> f64 {
    (clock.now_ns() - start_ns) as f64 / 1e9
}
