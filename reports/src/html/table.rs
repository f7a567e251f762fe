//! Tables: one row per gated metric, one per broken rule, one per pair.

use maud::{Markup, html};

use super::word::badge;
use crate::{
    Finding, Refusal,
    quantity::{percent, short_percent, value},
    series::Series,
};

/// A table in a box of its own that a narrow screen or a keyboard can scroll.
pub(super) fn scroll(label: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(label) tabindex="0" { (table) } }
}

/// The section with every finding, and what was measured without being gated.
pub(super) fn findings(all: &[Series], findings: &[Finding]) -> Markup {
    let is_gated = |series: &Series| {
        findings.iter().any(|f| f.workload == series.workload && f.metric == series.metric)
    };
    let advisory: Vec<String> = all
        .iter()
        .filter(|series| !is_gated(series))
        .map(|series| format!("{}/{}", series.workload, series.metric))
        .collect();
    html! {
        section aria-labelledby="metrics" {
            h2 id="metrics" { "Metrics" }
            @if findings.is_empty() {
                p { "No metric was compared." }
            } @else {
                (scroll("Metrics", &html! {
                    table data-sort {
                        thead { tr {
                            th scope="col" { "Metric" }
                            th scope="col" { "Verdict" }
                            th.number scope="col" { "Change" }
                            th.number scope="col" { "95\u{a0}% interval" }
                            th.number scope="col" { "Base" }
                            th.number scope="col" { "Head" }
                            th.number scope="col" { "Margins" }
                            th.number scope="col" { "Pairs" }
                            th scope="col" { "Reason" }
                        } }
                        tbody { @for finding in findings { (row(all, finding)) } }
                    }
                }))
                p.note {
                    "Change and interval: 20\u{a0}% trimmed mean over pairs of log(head/base), Yuen's interval; of a pair, the median over its rounds. Base and head: "
                    "median of process medians. Margins: negligible (m0) and unacceptable (m1)."
                }
            }
            @if !advisory.is_empty() { p { "Measured, not gated: " (advisory.join(", ")) "." } }
        }
    }
}

fn row(all: &[Series], finding: &Finding) -> Markup {
    let idx = all
        .iter()
        .position(|series| series.workload == finding.workload && series.metric == finding.metric);
    let margin = |log_ratio: f64| short_percent(100.0 * libm::expm1(log_ratio));
    // A narrow column breaks the name after the slash, not within a word.
    let name = html! { (finding.workload) "/" wbr; (finding.metric) };
    html! {
        tr data-name={ (finding.workload) "/" (finding.metric) } {
            th.metric scope="row" {
                @match idx { Some(idx) => a href={ "#series-" (idx) } { (name) }, None => (name) }
            }
            td { (badge(&finding.verdict)) br; small { (finding.outcome) } }
            td.number data-value=(key(finding.estimate)) { (or_dash(finding.estimate, percent)) }
            td.number data-value=(key(finding.ci_low)) { (interval(finding)) }
            td.number data-value=(key(finding.base_median)) { (or_dash(finding.base_median, |x| value(x, finding.unit))) }
            td.number data-value=(key(finding.head_median)) { (or_dash(finding.head_median, |x| value(x, finding.unit))) }
            td.number data-value=(finding.m1) { (margin(finding.m0)) " / " (margin(finding.m1)) }
            td.number { (finding.n_pairs) }
            td.reason { (finding.reason) }
        }
    }
}

/// `−0.41 % … +0.87 %`, or a dash.
pub(super) fn interval(finding: &Finding) -> String {
    match (finding.ci_low, finding.ci_high) {
        (Some(low), Some(high)) if low.is_finite() && high.is_finite() => {
            format!("{} … {}", percent(low), percent(high))
        }
        _ => "–".to_owned(),
    }
}

pub(super) fn or_dash(number: Option<f64>, text: impl Fn(f64) -> String) -> String {
    number.filter(|number| number.is_finite()).map_or_else(|| "–".to_owned(), text)
}

/// What a column of numbers is sorted by; nothing where there is no number.
fn key(number: Option<f64>) -> String {
    number.filter(|number| number.is_finite()).map_or_else(String::new, |number| number.to_string())
}

/// The section with every broken rule; `title`: what was not done for it.
pub(super) fn refusals(title: &str, refusals: &[Refusal]) -> Markup {
    html! {
        section aria-labelledby="refusals" {
            h2 id="refusals" { (title) }
            (scroll("Broken rules of evidence", &html! {
                table {
                    thead { tr {
                        th scope="col" { "Rule" }
                        th scope="col" { "Field" }
                        th scope="col" { "Expected" }
                        th scope="col" { "Found" }
                        th scope="col" { "Way out" }
                    } }
                    tbody { @for refusal in refusals {
                        tr {
                            th scope="row" { (refusal.rule) }
                            td { code { (refusal.field) } }
                            td { (refusal.expected) }
                            td { (refusal.found) }
                            td.reason { (refusal.way_out) }
                        }
                    } }
                }
            }))
        }
    }
}
