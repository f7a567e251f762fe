//! What the gate derived → what the page shows: words and numbers, nothing judged on the way.

use baselines::Evidence;
use gates::{Derived, Row};
use reports::{
    Finding, Refusal, Summary, WarmUp,
    roofline::{Product, Roofline},
};

/// The summary and one finding for every gated metric.
pub(crate) fn of(derived: &Derived) -> (Summary, Vec<Finding>) {
    let summary = Summary {
        verdict: derived.verdict.name().to_owned(),
        exit_code: derived.verdict.exit_code(),
        route_to: derived.route.to.clone(),
        tally: derived.counts.text().split(", ").map(str::to_owned).collect(),
        refusals: derived.refusals.iter().map(refusal).collect(),
    };
    (summary, derived.rows.iter().map(finding).collect())
}

/// A broken rule of evidence.
pub(crate) fn refusal(refusal: &gates::Refusal) -> Refusal {
    Refusal {
        rule: refusal.rule.to_owned(),
        field: refusal.field.clone(),
        expected: refusal.expected.clone(),
        found: refusal.found.clone(),
        way_out: refusal.way_out.to_owned(),
    }
}

/// The head's rooflines; none where its evidence does not hold, since no rate of such a record is worth a picture.
pub(crate) fn rooflines(evidence: &Evidence, derived: &Derived) -> Vec<Roofline> {
    if !derived.refusals.is_empty() {
        return Vec::new();
    }
    gates::roofline::rooflines(&evidence.head).into_iter().map(roofline).collect()
}

fn roofline(found: gates::roofline::Roofline) -> Roofline {
    let product = |product: gates::roofline::Product| Product {
        name: format!("{} {}", product.linear, product.format),
        bytes: product.bytes,
        macs: product.macs,
        floor_ns: product.floor_ns,
    };
    Roofline {
        workload: found.workload,
        metric: found.metric,
        median_ns: found.median_ns,
        bytes: found.bytes,
        macs: found.macs,
        bytes_floor_ns: found.bytes_floor_ns,
        macs_floor_ns: found.macs_floor_ns,
        products: found.products.into_iter().map(product).collect(),
    }
}

fn finding(row: &Row) -> Finding {
    let numbers = row.comparison.as_ref();
    Finding {
        workload: row.workload.clone(),
        metric: row.metric.clone(),
        outcome: row.outcome.name().to_owned(),
        verdict: row.verdict.name().to_owned(),
        reason: row.reason.clone(),
        unit: row.unit,
        n_pairs: numbers.map_or(0, |found| found.n_pairs),
        base_median: numbers.map(|found| found.base_median),
        head_median: numbers.map(|found| found.head_median),
        estimate: numbers.map(|found| found.estimate),
        ci_low: numbers.map(|found| found.ci_low),
        ci_high: numbers.map(|found| found.ci_high),
        m0: numbers.map_or(0.0, |found| found.m0),
        m1: numbers.map_or(0.0, |found| found.m1),
        warm_up: WarmUp {
            class: row.warm_up.class.map(|class| class.name().to_owned()),
            n_processes: row.warm_up.n_processes,
            n_too_short: row.warm_up.n_too_short,
            n_flagged: row.warm_up.n_flagged,
            median_cut: row.warm_up.median_cut,
        },
    }
}
