//! The verdict rule: PASS first, FAIL over the family by Holm, else inconclusive with what would decide it.
//!
//! In: what was measured of every gated metric. Out: the rows. The rule: `docs/statistics.md`.

use baselines::unit::Unit;

use super::{
    Comparison, Location, Measured, Method, MetricVerdict, Outcome, Row, holm, median, power,
};
use crate::{
    design::Look,
    policy::{FailOn, Policy},
    text,
};

/// Judges all metrics together: the family is the policy's whole list, measured or not.
pub(super) fn rows(measured: &[Measured<'_>], policy: &Policy) -> Vec<Row> {
    let family = measured.len();
    let comparisons: Vec<Option<Comparison>> =
        measured.iter().map(|measured| comparison(measured, policy, family)).collect();
    // A metric without numbers keeps its place in the family: leaving it out would loosen the level of the others.
    let p_values: Vec<f64> =
        comparisons.iter().map(|found| found.as_ref().map_or(1.0, |found| found.p_fail)).collect();
    let fails = holm::rejected(&p_values, policy.levels.fail);
    measured
        .iter()
        .zip(comparisons)
        .zip(fails)
        .map(|((measured, comparison), fails)| row(measured, comparison, fails, policy))
        .collect()
}

fn comparison(measured: &Measured<'_>, policy: &Policy, family: usize) -> Option<Comparison> {
    let location = measured.location.as_ref().ok()?;
    let (ci_low, ci_high) = location.interval_95()?;
    let (m0, m1) = (measured.gated.margin_negligible.ln(), measured.gated.margin_unacceptable.ln());
    let fail_bound = if policy.verdict.fail_on == FailOn::Unacceptable { m1 } else { m0 };
    let (se, n) = (location.standard_error(), measured.n());
    Some(Comparison {
        method: location.method(),
        n_pairs: n,
        base_median: median(&measured.base)?,
        head_median: median(&measured.head)?,
        estimate: location.estimate(),
        ci_low,
        ci_high,
        p_fail: location.p_above(fail_bound),
        p_pass: location.p_below(m1),
        m0,
        m1,
        detectable: fail_bound + power::detectable_distance(se, n, strictest(policy, family)),
        passable: m1 - power::detectable_distance(se, n, policy.levels.pass),
    })
}

/// The level that the smallest p of the family must reach.
#[expect(clippy::cast_precision_loss, reason = "a family has at most 8 metrics")]
fn strictest(policy: &Policy, family: usize) -> f64 {
    policy.levels.fail / family.max(1) as f64
}

fn row(
    measured: &Measured<'_>,
    comparison: Option<Comparison>,
    fails: bool,
    policy: &Policy,
) -> Row {
    let location = measured.location.as_ref();
    let (verdict, outcome, reason) = match (location, &comparison) {
        (Err(why), _) => {
            (MetricVerdict::Missing, Outcome::Missing, format!("nothing to compare: {why}"))
        }
        (Ok(_), None) => {
            inconclusive(format!("{} pairs allow no 95 % interval; 6 are the least", measured.n()))
        }
        (Ok(location), Some(found)) => judged(location, found, fails, policy),
    };
    let open = verdict == MetricVerdict::Inconclusive;
    let pairs_needed = comparison
        .as_ref()
        .filter(|_| open)
        .and_then(|found| needed(location.ok()?, found, policy));
    Row {
        workload: measured.gated.workload.clone(),
        metric: measured.gated.metric.clone(),
        unit: baselines::metric::find(&measured.gated.metric)
            .map_or(Unit::Nanoseconds, |metric| metric.unit),
        comparison,
        outcome,
        verdict,
        reason,
        pairs_needed,
    }
}

fn judged(
    location: &Location,
    found: &Comparison,
    fails: bool,
    policy: &Policy,
) -> (MetricVerdict, Outcome, String) {
    if found.method == Method::UnpairedYuen {
        return inconclusive(format!(
            "{}: the records are not from one session, so the machine's drift is in the number; `bench gate` pairs them",
            estimate(found)
        ));
    }
    let Some(look) = policy.design().look(found.n_pairs) else {
        let first = policy.design().first_pairs();
        return inconclusive(format!(
            "{}: {} pairs, the policy judges at {first}",
            estimate(found),
            found.n_pairs
        ));
    };
    decided(location, found, look, fails, policy)
}

fn decided(
    location: &Location,
    found: &Comparison,
    look: Look,
    fails: bool,
    policy: &Policy,
) -> (MetricVerdict, Outcome, String) {
    let fail_on = policy.verdict.fail_on;
    let passes = found.p_pass <= look.pass;
    let estimate = estimate(found);
    let margin = text::change(found.m1);
    match (passes, fails) {
        (true, true) if fail_on != FailOn::Any => (
            MetricVerdict::Pass,
            Outcome::Unchanged,
            format!(
                "pass, proven slower by {}, within the margin of {margin}",
                text::change(found.estimate)
            ),
        ),
        (true, false) => {
            // The interval alone errs 2.5 times in 100, for each metric; "improved" is a claim, and takes the level that the
            // smallest p of the family must reach to be one.
            let level = strictest(policy, policy.gated.len());
            let improved = found.ci_high < 0.0 && location.p_below(0.0) <= level;
            let outcome = if improved { Outcome::Improved } else { Outcome::Unchanged };
            (
                MetricVerdict::Pass,
                outcome,
                format!("{estimate}: not slower than {margin} (p = {:.2e})", found.p_pass),
            )
        }
        (_, true) => {
            let bound = if fail_on == FailOn::Unacceptable { found.m1 } else { found.m0 };
            let bound = text::change(bound);
            let reason = format!(
                "{estimate}: slower than {bound} (p = {:.2e}, corrected for the family)",
                found.p_fail
            );
            (MetricVerdict::Fail, Outcome::Regressed, reason)
        }
        (false, false) => inconclusive(format!(
            "{estimate}: neither within {margin} nor slower than {}; {} pairs find a slow-down of {} 9 times in 10",
            text::change(found.m0),
            found.n_pairs,
            text::change(found.detectable),
        )),
    }
}

/// Pairs after which a truth equal to the estimate would be decided.
fn needed(location: &Location, found: &Comparison, policy: &Policy) -> Option<u32> {
    if found.method == Method::UnpairedYuen {
        return None;
    }
    let fail_bound =
        if policy.verdict.fail_on == FailOn::Unacceptable { found.m1 } else { found.m0 };
    let pass = (found.m1 - found.estimate, policy.levels.pass);
    let fail = (found.estimate - fail_bound, strictest(policy, policy.gated.len()));
    power::pairs_needed(location.standard_error(), found.n_pairs, pass, fail)
}

fn inconclusive(reason: String) -> (MetricVerdict, Outcome, String) {
    (MetricVerdict::Inconclusive, Outcome::Inconclusive, reason)
}

fn estimate(found: &Comparison) -> String {
    let Comparison { estimate, ci_low, ci_high, .. } = found;
    format!("{} [{}, {}]", text::change(*estimate), text::change(*ci_low), text::change(*ci_high))
}
