//! The document of a session: verdict first, then what was compared, the table, the charts, and the evidence behind them.

use maud::{Markup, html};

use super::{evidence, figure, roofline, shell, subject, table, word};
use crate::{Finding, Judged, Result, quantity::percent, series, text::visible};

/// Changes that the header names at most.
const MOST_MOVERS: usize = 3;

/// The sections of a session's page, apart from its header.
pub(super) struct Sections {
    pub(super) refusals: Markup,
    pub(super) subject: Markup,
    pub(super) findings: Markup,
    pub(super) figures: Markup,
    pub(super) rooflines: Markup,
    pub(super) evidence: Markup,
}

/// The whole document.
pub(crate) fn page(judged: Judged<'_>) -> Result<String> {
    let Sections { refusals, findings, figures, rooflines, subject, evidence } = sections(judged)?;
    let body =
        html! { (header(judged)) (refusals) (findings) (figures) (rooflines) (subject) (evidence) };
    Ok(shell::document(&title(judged), &body, &footer(judged)))
}

pub(super) fn sections(judged: Judged<'_>) -> Result<Sections> {
    let Judged { evidence, summary, findings, rooflines } = judged;
    let all = series::collect(evidence);
    Ok(Sections {
        refusals: html! { @if !summary.refusals.is_empty() { (table::refusals("Why no verdict on speed was given", &summary.refusals)) } },
        subject: subject::section(evidence),
        findings: table::findings(&all, findings),
        figures: figure::sections(&all, findings)?,
        rooflines: roofline::section(rooflines)?,
        evidence: evidence::section(evidence),
    })
}

pub(super) fn title(judged: Judged<'_>) -> String {
    format!(
        "{} · {} · tritgate report",
        judged.summary.verdict,
        subject::name(&judged.evidence.head)
    )
}

pub(super) fn header(judged: Judged<'_>) -> Markup {
    let Judged { evidence, summary, findings, .. } = judged;
    let word = word::find(&summary.verdict);
    html! {
        header {
            p.kicker { "tritgate · " (evidence.head.suite.name) " · " (subject::name(&evidence.head)) }
            h1 { "Verdict: " (word::badge(&summary.verdict)) }
            @if let Some(word) = word { p.meaning { (word.meaning) } }
            ul.facts {
                @for phrase in &summary.tally { li { (phrase) } }
                li { "next: " strong { (summary.route_to) } }
                li { "exit code " (summary.exit_code) }
            }
            @if summary.refusals.is_empty() { (movers(findings)) }
            (evidence::at_a_glance(evidence))
            @if evidence.baseline.as_ref().is_some_and(|baseline| baseline.bootstrap) {
                p.note {
                    strong { "Bootstrap baseline: " }
                    "there was none, so this run recorded one. Base and head are the same build (an A/A run)."
                }
            }
        }
    }
}

/// The largest changes whose interval leaves zero out.
fn movers(findings: &[Finding]) -> Markup {
    let mut moved: Vec<(&Finding, f64)> = findings
        .iter()
        .filter(|f| {
            f.ci_low.is_some_and(|low| low > 0.0) || f.ci_high.is_some_and(|high| high < 0.0)
        })
        .filter_map(|finding| Some((finding, finding.estimate.filter(|x| x.is_finite())?)))
        .collect();
    moved.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    html! {
        @if moved.is_empty() {
            @if !findings.is_empty() { p { "Largest changes: none whose interval leaves zero out." } }
        } @else {
            p {
                "Largest changes: "
                @for (nth, (finding, estimate)) in moved.iter().take(MOST_MOVERS).enumerate() {
                    @if nth > 0 { ", " }
                    bdi { (visible(&finding.workload)) "/" (visible(&finding.metric)) } " "
                    strong { (percent(*estimate)) } " (" (table::interval(finding)) ")"
                }
                @if moved.len() > MOST_MOVERS { " and " (moved.len() - MOST_MOVERS) " more" }
                "."
            }
        }
    }
}

fn footer(judged: Judged<'_>) -> Markup {
    let evidence = judged.evidence;
    html! {
        p {
            "Closed " (evidence.created_at) " · schema " (evidence.version.to_string())
            " · this page is a pure function of the evidence and the policy inside it."
        }
    }
}
