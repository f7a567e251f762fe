//! What was measured becomes rows: the family's decision, its numbers, and each verdict in a sentence.
//!
//! In: the gated metrics of a session, the policy. Out: a [`Row`] each. The decision itself: [`crate::decision`].

use super::{Comparison, Found, Location, Measured, MetricVerdict, Outcome, Row, WarmUp, median};
use crate::{
    decision::{Decided, Decision, Margins, Rule, decide},
    policy::Policy,
    stats::power,
    text,
};

/// The decision about the family: the policy's whole list, measured or not.
pub(super) fn decided(measured: &[Measured<'_>], policy: &Policy) -> Decided {
    let pairs_of = |measured: &Measured<'_>| match &measured.found {
        Found::Pairs(pairs) => pairs.as_ref().ok().cloned(),
        Found::Groups(_) => None,
    };
    let pairs: Vec<Option<Vec<f64>>> = measured.iter().map(pairs_of).collect();
    let family: Vec<(Option<&[f64]>, Margins)> = pairs
        .iter()
        .zip(measured)
        .map(|(pairs, measured)| (pairs.as_deref(), measured.margins()))
        .collect();
    decide(&family, &Rule::of(policy))
}

/// A row for each metric.
pub(super) fn rows(measured: &[Measured<'_>], warm_ups: &[WarmUp], policy: &Policy) -> Vec<Row> {
    let decided = decided(measured, policy);
    let rule = Rule::of(policy);
    measured
        .iter()
        .zip(warm_ups)
        .zip(decided.metrics)
        .map(|((measured, warm_up), decision)| {
            row(measured, *warm_up, decision, &rule, policy.gated.len())
        })
        .collect()
}

fn row(
    measured: &Measured<'_>,
    warm_up: WarmUp,
    decision: Option<Decision>,
    rule: &Rule,
    family: usize,
) -> Row {
    let comparison = match &measured.found {
        Found::Pairs(_) => {
            decision.as_ref().and_then(|decision| of_pairs(measured, decision, rule, family))
        }
        Found::Groups(location) => {
            location.as_ref().ok().and_then(|location| of_groups(measured, location, rule))
        }
    };
    let pairs_needed = decision
        .as_ref()
        .filter(|decision| decision.verdict == MetricVerdict::Inconclusive)
        .and_then(|decision| needed(decision, measured.margins(), rule, family));
    let proven_slower = decision
        .as_ref()
        .is_some_and(|decision| decision.verdict == MetricVerdict::Pass && decision.proven_slower);
    let (verdict, outcome, reason) = match (&measured.found, &comparison) {
        (Found::Pairs(Err(why)) | Found::Groups(Err(why)), _) => {
            (MetricVerdict::Missing, Outcome::Missing, format!("nothing to compare: {why}"))
        }
        (_, None) => inconclusive(match decision.map(|decision| decision.n_pairs) {
            Some(n) => format!("{n} pairs allow no 95 % interval; 6 are the least"),
            None => "nothing to compare: a log ratio is not finite".to_owned(),
        }),
        (Found::Groups(_), Some(found)) => inconclusive(format!(
            "{}: the records are not from one session, so the machine's drift is in the number; `bench gate` pairs them",
            estimate(found)
        )),
        (Found::Pairs(_), Some(found)) => {
            let decision = decision.as_ref().expect("a comparison of pairs has its decision");
            judged(found, decision, rule, family, pairs_needed)
        }
    };
    Row {
        workload: measured.gated.workload.clone(),
        metric: measured.gated.metric.clone(),
        unit: measured.unit,
        comparison,
        outcome,
        verdict,
        proven_slower,
        waived: None,
        reason: warned(reason, &warm_up),
        warm_up,
        pairs_needed,
    }
}

/// A reason with the warning that belongs to it.
fn warned(reason: String, warm_up: &WarmUp) -> String {
    match warm_up.warning() {
        Some(warning) => format!("{reason}; {warning}"),
        None => reason,
    }
}

/// The numbers behind a decision; `None` where there are too few pairs for an interval.
fn of_pairs(
    measured: &Measured<'_>,
    decision: &Decision,
    rule: &Rule,
    family: usize,
) -> Option<Comparison> {
    let margins = measured.margins();
    let (ci_low, ci_high) = decision.location.interval_95()?;
    Some(Comparison {
        method: decision.location.method(),
        n_pairs: decision.n_pairs,
        block_size: decision.location.block_size(),
        base_median: median(&measured.base)?,
        head_median: median(&measured.head)?,
        estimate: decision.location.estimate(),
        ci_low,
        ci_high,
        p_fail: decision.p_fail,
        p_pass: decision.p_pass,
        level_fail: decision.look.map(|look| rule.fail_level(look, family)),
        level_pass: decision.look.map(|look| look.pass),
        m0: margins.m0,
        m1: margins.m1,
        detectable: Some(rule.detectable(decision, margins, family)),
        passable: Some(rule.passable(decision, margins)),
    })
}

fn of_groups(measured: &Measured<'_>, location: &Location, rule: &Rule) -> Option<Comparison> {
    let (ci_low, ci_high) = location.interval_95()?;
    let margins = measured.margins();
    Some(Comparison {
        method: location.method(),
        n_pairs: measured.base.len().min(measured.head.len()),
        block_size: 1,
        base_median: median(&measured.base)?,
        head_median: median(&measured.head)?,
        estimate: location.estimate(),
        ci_low,
        ci_high,
        p_fail: location.p_above(rule.fail_bound(margins)),
        p_pass: location.p_below(margins.m1),
        level_fail: None,
        level_pass: None,
        m0: margins.m0,
        m1: margins.m1,
        detectable: None,
        passable: None,
    })
}

fn judged(
    found: &Comparison,
    decision: &Decision,
    rule: &Rule,
    family: usize,
    pairs_needed: Option<u32>,
) -> (MetricVerdict, Outcome, String) {
    let seen = format!("{} {}", estimate(found), over(found));
    let power = format!(
        "{} pairs find a slow-down of {} 9 times in 10",
        rule.design.last().pairs,
        text::change(found.detectable.unwrap_or(f64::NAN))
    );
    let margin = text::change(found.m1);
    let bound = text::change(rule.fail_bound(Margins { m0: found.m0, m1: found.m1 }));
    let reason = match decision.verdict {
        MetricVerdict::Pass if decision.proven_slower => {
            format!("pass, proven slower by {seen}, within the margin of {margin}; {power}")
        }
        MetricVerdict::Pass => {
            format!("{seen}: not slower than {margin} (p = {:.2e}); {power}", found.p_pass)
        }
        MetricVerdict::Fail => format!(
            "{seen}: slower than {bound} (p = {:.2e}, level {:.1e} of a family of {family}); {power}",
            found.p_fail,
            found.level_fail.unwrap_or_default(),
        ),
        MetricVerdict::Inconclusive | MetricVerdict::Missing => {
            format!("{seen}: {}; {power}", open(found, decision, rule, pairs_needed))
        }
    };
    (decision.verdict, outcome(decision, rule, family), reason)
}

/// Why a metric is open.
fn open(found: &Comparison, decision: &Decision, rule: &Rule, needed: Option<u32>) -> String {
    let first = rule.design.first().pairs;
    if decision.look.is_none() {
        return format!("the policy judges at {first} pairs");
    }
    let bound = rule.fail_bound(Margins { m0: found.m0, m1: found.m1 });
    let why = format!(
        "neither within {} nor slower than {}",
        text::change(found.m1),
        text::change(bound)
    );
    match needed {
        Some(pairs) => format!("{why}, {pairs} pairs would decide"),
        None => format!("{why}, and no number of pairs that a session can have would decide"),
    }
}

/// What a decision found, in the word of a row.
pub(crate) fn outcome(decision: &Decision, rule: &Rule, family: usize) -> Outcome {
    match decision.verdict {
        MetricVerdict::Pass => {
            // The interval alone errs 2.5 times in 100, for each metric; "improved" is a claim, and takes the level that the
            // smallest p of the family must reach to be one.
            let level = decision.look.map_or(0.0, |look| rule.fail_level(look, family));
            let improved = decision.location.p_below(0.0) <= level;
            if improved { Outcome::Improved } else { Outcome::Unchanged }
        }
        MetricVerdict::Fail => Outcome::Regressed,
        MetricVerdict::Inconclusive => Outcome::Inconclusive,
        MetricVerdict::Missing => Outcome::Missing,
    }
}

/// Pairs after which a truth equal to the estimate would be decided, at the levels of the last look.
fn needed(decision: &Decision, margins: Margins, rule: &Rule, family: usize) -> Option<u32> {
    let (location, last) = (&decision.location, rule.design.last());
    let pass = (margins.m1 - location.estimate(), last.pass);
    let fail = (location.estimate() - rule.fail_bound(margins), rule.fail_level(last, family));
    let values = power::pairs_needed(location.standard_error(), location.n_values()?, pass, fail)?;
    values.checked_mul(u32::try_from(location.block_size()).ok()?)
}

fn inconclusive(reason: String) -> (MetricVerdict, Outcome, String) {
    (MetricVerdict::Inconclusive, Outcome::Inconclusive, reason)
}

fn estimate(found: &Comparison) -> String {
    let Comparison { estimate, ci_low, ci_high, .. } = found;
    format!("{} [{}, {}]", text::change(*estimate), text::change(*ci_low), text::change(*ci_high))
}

/// How many pairs, and what was lost because they depend on each other.
fn over(found: &Comparison) -> String {
    match found.block_size {
        1 => format!("over {} pairs", found.n_pairs),
        size => format!(
            "over {} pairs, neighbours dependent: {} means of {size}",
            found.n_pairs,
            found.n_pairs / size
        ),
    }
}
