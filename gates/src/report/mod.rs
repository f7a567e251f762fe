//! `report.md`: the outline of the report this project started from, filled from records and nothing else.
//!
//! In: a judged bundle and its documents. Out: Markdown. What was not measured says so, and never has a mark.

mod checks;
mod command;
mod sections;

use crate::{
    derive::Judged,
    gate::{GateReport, Item},
    route::Route,
    triage::Triage,
    verdict::Verdict,
};

/// The whole page.
pub(crate) fn render(
    judged: &Judged<'_>,
    benchmarks: &GateReport,
    perf: &GateReport,
    route: &Route,
) -> String {
    let blocks = [
        sections::head(judged),
        sections::summary(judged, perf),
        sections::metrics(judged, benchmarks, perf),
        sections::analysis(judged),
        gate_status(judged, benchmarks, perf),
        sections::characteristics(judged),
        sections::exact_metrics(judged),
        sections::quantization_matrix(judged),
        judged.triage.map_or_else(String::new, Triage::to_markdown),
        routing(judged, route),
        sections::files(judged),
    ];
    let mut page = blocks.join("\n");
    page.push_str(&foot(judged, route));
    page
}

/// A word with its mark: a mark stands only where something was measured and judged.
fn conclusion(gate: &GateReport) -> String {
    match gate.verdict {
        Verdict::Pass => "✅ SUCCESS".to_owned(),
        Verdict::Fail => "❌ FAILURE".to_owned(),
        other => format!("{} ({})", gate.conclusion.to_uppercase(), other.name()),
    }
}

/// The text of one finding.
fn text(gate: &GateReport, key: &str) -> String {
    gate.evidence
        .iter()
        .find(|item| item.key == key)
        .map_or_else(|| "not measured".to_owned(), |Item { text, .. }| crate::text::inline(text))
}

fn gate_status(judged: &Judged<'_>, benchmarks: &GateReport, perf: &GateReport) -> String {
    let mut block = "## Gate Status\n".to_owned();
    for gate in [benchmarks, perf].into_iter().chain(judged.checks) {
        let json = String::from_utf8(gate.to_json()).expect("JSON is UTF-8");
        block.push_str(&format!("\n### {} {}\n```json\n{json}```\n", gate.name, conclusion(gate)));
    }
    block
}

fn routing(judged: &Judged<'_>, route: &Route) -> String {
    let mut block = format!(
        "## Routing Decision\n\n**STATUS: {} (exit {})**\n\nRule: {}.\n\n**ROUTE TO**: {}\n\n**ALTERNATIVE ROUTES NOT TRIGGERED**:\n",
        route.verdict.name().to_uppercase(),
        route.verdict.exit_code(),
        route.rule,
        route.to
    );
    for verdict in Verdict::ALL.into_iter().filter(|verdict| *verdict != route.verdict) {
        let to = crate::route::first(verdict, judged.policy);
        block.push_str(&format!("- {to}: the verdict is not {}\n", verdict.name()));
    }
    if !judged.evidence.hops.is_empty() {
        let routes = &judged.policy.routes;
        block.push_str(&format!(
            "\n**EARLIER HOPS**: {}; of this change {} of {} re-measurements and {} of {} attempts, then {}\n",
            judged.evidence.hops.len(),
            route.rounds.remeasurements,
            routes.max_remeasurements,
            route.rounds.attempts,
            routes.max_attempts,
            routes.rework
        ));
    }
    block
}

fn foot(judged: &Judged<'_>, route: &Route) -> String {
    let tool = &judged.evidence.head.tool;
    format!(
        "\n---\n\n**{} {}, from records alone**\n**Timestamp**: {}\n**Status**: {} → {}\n",
        tool.name,
        tool.version,
        judged.evidence.created_at,
        route.verdict.name(),
        route.to
    )
}
