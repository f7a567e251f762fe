//! `review:gate:perf`: no more work than allowed, not slower than the margin, within the budgets, as accurate as demanded.

use baselines::{Digest, Evidence, evidence::Edit};
use serde_json::{Value, json};

use super::{GateReport, Item, NAMES, report, unless_refused};
use crate::{
    budget::Budget,
    compare::{Row, WarmUp},
    derive::{Judged, decide},
    exact::{self, Summary},
    history::{Change, Drift, MIN_SESSIONS, Trend, drift::LEVEL},
    policy::Waiver,
    stats::EvidenceClass,
    text,
    verdict::Outcome,
    waived::{Waived, WaiverUse},
};

const KEYS: [&str; 6] = [
    "regressions",
    "neural_network_inference",
    "quantization_accuracy",
    "exact_metrics",
    "baseline_comparison",
    "historical_trend",
];

pub(crate) fn perf(judged: &Judged<'_>) -> GateReport {
    let mut budgets = judged.budgets("accuracy");
    budgets.extend(judged.budgets("inference"));
    let verdict = decide(judged.refusals, judged.exact, judged.rows, &budgets);
    let mut items = unless_refused(judged, &KEYS, || {
        vec![
            regressions(judged),
            budget(KEYS[1], judged.budgets("inference").first().copied()),
            accuracies(&judged.budgets("accuracy")),
            exact_metrics(judged),
            baseline_comparison(judged),
            historical_trend(judged),
        ]
    });
    if !judged.waivers.is_empty() {
        items.push(waivers(judged));
    }
    report(judged, NAMES[1], verdict, items)
}

/// Every waiver of the policy, also those that change nothing.
fn waivers(judged: &Judged<'_>) -> Item {
    let texts: Vec<String> = judged.waivers.iter().map(WaiverUse::text).collect();
    let value = judged.waivers.iter().map(|used| {
        let Waiver { metric, workload, ceiling, reason, owner, expires } = &used.waiver;
        json!({
            "metric": metric, "workload": workload, "ceiling": ceiling, "reason": reason, "owner": owner, "expires": expires,
            "state": used.state.name(), "n_waived": used.n_waived,
        })
    });
    Item { key: "waivers", text: texts.join("; "), value: value.collect() }
}

/// The key `waived` of a row or place, where a waiver let it pass.
fn mark_waived(mut value: Value, waived: Option<&Waived>) -> Value {
    if let (Some(waived), Some(object)) = (waived, value.as_object_mut()) {
        let Waived { owner, reason, expires, ceiling } = waived;
        let waived =
            json!({ "owner": owner, "reason": reason, "expires": expires, "ceiling": ceiling });
        object.insert("waived".to_owned(), waived);
    }
    value
}

fn regressions(judged: &Judged<'_>) -> Item {
    let regressed: Vec<String> = judged
        .rows
        .iter()
        .filter(|row| row.outcome == Outcome::Regressed)
        .filter_map(|row| {
            let found = row.comparison.as_ref()?;
            Some(format!("{}/{} {}", row.workload, row.metric, text::change(found.estimate)))
        })
        .collect();
    let which = match (regressed.is_empty(), judged.counts.compared) {
        (true, 0) => "nothing was compared".to_owned(),
        (true, _) => "none detected".to_owned(),
        (false, _) => regressed.join(", "),
    };
    let counts = &judged.counts;
    let value = json!({
        "compared": counts.compared,
        "regressed": counts.regressed,
        "improved": counts.improved,
        "unchanged": counts.unchanged,
        "inconclusive": counts.inconclusive,
        "missing": counts.missing,
    });
    Item { key: KEYS[0], text: format!("{which} ({})", counts.text()), value }
}

fn budget(key: &'static str, budget: Option<&Budget>) -> Item {
    match budget {
        Some(budget) => Item {
            key,
            text: budget.text.clone(),
            value: json!({ "value": budget.value, "limit": budget.limit, "state": budget.state.name() }),
        },
        None => Item { key, text: "not measured".to_owned(), value: Value::Null },
    }
}

/// The model's own accuracy, and what it is in other formats.
fn accuracies(budgets: &[&Budget]) -> Item {
    let item = budget(KEYS[2], budgets.first().copied());
    if budgets.len() < 2 {
        return item;
    }
    let texts: Vec<&str> = budgets.iter().map(|budget| budget.text.as_str()).collect();
    let others = budgets[1..].iter().map(
        |budget| json!({ "value": budget.value, "limit": budget.limit, "state": budget.state.name() }),
    );
    let mut value = item.value;
    value["formats"] = others.collect();
    Item { key: KEYS[2], text: texts.join("; "), value }
}

/// Every rule with its counts; places that are the same in both arms are counted only.
fn exact_metrics(judged: &Judged<'_>) -> Item {
    let summaries = exact::summaries(judged.exact);
    if summaries.is_empty() {
        let text = "not judged: the policy has no exact metric".to_owned();
        return Item { key: KEYS[3], text, value: Value::Null };
    }
    let texts: Vec<String> = summaries.iter().map(Summary::text).collect();
    let value: serde_json::Map<String, Value> = summaries
        .iter()
        .map(|summary| {
            let changed: Vec<Value> = summary.changed().map(place).collect();
            let counts = json!({
                "places": summary.places.len(),
                "broken": summary.count(exact::State::Broken),
                "not_comparable": summary.count(exact::State::NotComparable),
                "same": summary.count(exact::State::Same),
                "changed": changed,
            });
            (summary.metric.to_owned(), counts)
        })
        .collect();
    Item { key: KEYS[3], text: texts.join("; "), value: Value::Object(value) }
}

/// One place of an exact metric with all its numbers.
pub(crate) fn place(place: &exact::Exact) -> Value {
    let amount = |amount: Option<exact::Amount>| {
        amount.map(|found| json!({ "total": found.total, "iterations": found.iterations }))
    };
    let value = json!({
        "metric": place.metric,
        "place": place.place,
        "base": amount(place.base),
        "head": amount(place.head),
        "max_increase": place.max_increase,
        "required": place.required,
        "state": place.state.name(),
        "reason": place.text,
    });
    mark_waived(value, place.waived.as_ref())
}

fn baseline_comparison(judged: &Judged<'_>) -> Item {
    let evidence = judged.evidence;
    let pairs = evidence.head.processes.len();
    let disturbed = disturbed(evidence);
    let bootstrap = evidence.baseline.as_ref().is_some_and(|baseline| baseline.bootstrap);
    let said = if bootstrap { ", bootstrap baseline: same build, an A/A run" } else { "" };
    let left_out =
        if disturbed == 0 { String::new() } else { format!(", {disturbed} of them disturbed") };
    let (base, head) = (&evidence.base.subject, &evidence.head.subject);
    let layouts = match (base.n_layouts(), head.n_layouts()) {
        // Nobody knows how a command's program was linked.
        _ if head.command().is_some() => String::new(),
        (1, 1) => ", one code layout each".to_owned(),
        (base, head) => format!(", {base} code layouts of the base and {head} of the head"),
    };
    let text = format!(
        "{} against {}, {pairs} pairs in one session{left_out}{layouts}{said}{}",
        judged.measured.name(),
        text::base(evidence),
        edited(evidence),
    );
    let baseline = evidence.baseline.as_ref();
    let given = evidence.given.as_ref();
    let rows: Vec<Value> = judged.rows.iter().map(row).collect();
    let value = json!({
        "baseline": baseline.map(|baseline| &baseline.name),
        "record": baseline.map(|baseline| baseline.record.to_string()),
        "given": given.map(|given| json!({ "asked": given.asked, "commit": given.commit })),
        "bootstrap": bootstrap,
        "pairs": pairs,
        "disturbed": disturbed,
        "layouts": json!({ "base": base.n_layouts(), "head": head.n_layouts() }),
        "policy": json!({
            "sha256": Digest::of(evidence.policy.as_bytes()).to_string(),
            "commit": evidence.policy_commit,
            "edits": evidence.edits.iter().map(edit).collect::<Vec<_>>(),
        }),
        "rows": rows,
    });
    Item { key: KEYS[4], text, value }
}

/// The stored sessions of each gated metric; nothing in it decides.
fn historical_trend(judged: &Judged<'_>) -> Item {
    let texts: Vec<String> = judged
        .trends
        .iter()
        .map(|trend| format!("{}/{} {}", trend.workload, trend.metric, trend.text()))
        .collect();
    let text = if texts.is_empty() { "no gated metric".to_owned() } else { texts.join("; ") };
    let metrics: Vec<Value> = judged.trends.iter().map(trend).collect();
    Item { key: KEYS[5], text, value: json!({ "min_sessions": MIN_SESSIONS, "metrics": metrics }) }
}

fn trend(trend: &Trend) -> Value {
    let seen = trend.seen.as_ref();
    json!({
        "workload": trend.workload,
        "metric": trend.metric,
        "sessions": trend.n_sessions,
        "text": trend.text(),
        "changes": seen.map(|seen| seen.changes.iter().map(change).collect::<Vec<_>>()),
        "drift": seen.and_then(|seen| seen.drift.as_ref()).map(drift),
    })
}

fn change(change: &Change) -> Value {
    json!({
        "place": change.place,
        "log_ratio": change.log_ratio,
        "interval_95": change.interval_95.map(|(low, high)| [low, high]),
        "last_good": change.last_good,
        "first_bad": change.first_bad,
    })
}

fn drift(drift: &Drift) -> Value {
    let (low, high) = drift.interval_95;
    json!({
        "p": drift.p,
        "level": LEVEL,
        "slope": drift.slope,
        "interval_95": [low, high],
        "rho": drift.rho,
        "sessions": drift.n,
    })
}

/// What the head edits of the files that say how it is judged.
fn edited(evidence: &Evidence) -> String {
    if evidence.edits.is_empty() {
        return String::new();
    }
    let paths: Vec<String> =
        evidence.edits.iter().map(|edit| format!("`{}`", text::plain(&edit.path))).collect();
    format!("; the head edits {}, judged by the base's", paths.join(", "))
}

fn edit(edit: &Edit) -> Value {
    let digest = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
    json!({ "path": edit.path, "base": digest(edit.base), "head": digest(edit.head) })
}

fn warm_up(found: &WarmUp) -> Value {
    json!({
        "class": found.class.map(EvidenceClass::name),
        "n_processes": found.n_processes,
        "n_flagged": found.n_flagged,
        "n_too_short": found.n_too_short,
        "median_cut": found.median_cut,
    })
}

/// Pairs that are not compared.
fn disturbed(evidence: &Evidence) -> usize {
    let both = evidence.base.processes.iter().zip(&evidence.head.processes);
    both.filter(|(base, head)| base.disturbed.is_some() || head.disturbed.is_some()).count()
}

/// One row with all its numbers.
pub(crate) fn row(row: &Row) -> Value {
    let numbers = row.comparison.as_ref().map(|found| {
        json!({
            "method": found.method.name(),
            "n_pairs": found.n_pairs,
            "block_size": found.block_size,
            "base_median": found.base_median,
            "head_median": found.head_median,
            "log_ratio": found.estimate,
            "ci_low": found.ci_low,
            "ci_high": found.ci_high,
            "p_fail": found.p_fail,
            "p_pass": found.p_pass,
            "level_fail": found.level_fail,
            "level_pass": found.level_pass,
            "m0": found.m0,
            "m1": found.m1,
            "detectable": found.detectable,
            "passable": found.passable,
        })
    });
    let value = json!({
        "workload": row.workload,
        "metric": row.metric,
        "outcome": row.outcome.name(),
        "verdict": row.verdict.name(),
        "reason": row.reason,
        "pairs_needed": row.pairs_needed,
        "warm_up": warm_up(&row.warm_up),
        "comparison": numbers,
    });
    mark_waived(value, row.waived.as_ref())
}
