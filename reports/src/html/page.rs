//! The document: verdict first, then what was compared, the table, the charts, and the evidence behind them.

use baselines::Evidence;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{evidence, figure, subject, table, word};
use crate::{Finding, Result, Summary, series, theme};

/// No source is allowed but the page itself; styles stand in it, and the empty icon is a data URL.
const CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("style.css");

/// The whole document.
pub(crate) fn page(evidence: &Evidence, summary: &Summary, findings: &[Finding]) -> Result<String> {
    let all = series::collect(evidence);
    let figures = figure::sections(&all, findings)?;
    let what = subject::name(&evidence.head);
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(CSP);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (summary.verdict) " · " (what) " · tritgate report" }
                style { (PreEscaped(theme::css())) (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (header(evidence, summary))
                    @if !summary.refusals.is_empty() { (table::refusals(&summary.refusals)) }
                    (subject::section(evidence))
                    (table::findings(&all, findings))
                    (figures)
                    (evidence::section(evidence))
                }
                footer {
                    p {
                        "Closed " (evidence.created_at) " · schema " (evidence.version.to_string())
                        " · this page is a pure function of the evidence and the policy inside it."
                    }
                }
            }
        }
    };
    Ok(document.into_string())
}

fn header(evidence: &Evidence, summary: &Summary) -> Markup {
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
            @if evidence.baseline.as_ref().is_some_and(|baseline| baseline.bootstrap) {
                p.note {
                    strong { "Bootstrap baseline: " }
                    "there was none, so this run recorded one. Base and head are the same build (an A/A run)."
                }
            }
        }
    }
}
