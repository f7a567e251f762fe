//! What was compared with what: both arms side by side.

use baselines::{Evidence, RunRecord};
use maud::{Markup, html};

use super::table::scroll;
use crate::quantity::grouped;

/// The section.
pub(super) fn section(evidence: &Evidence) -> Markup {
    let (base, head) = (&evidence.base, &evidence.head);
    html! {
        section aria-labelledby="compared" {
            h2 id="compared" { "What was compared" }
            (scroll("What was compared", &html! {
                table {
                    thead { tr { th scope="col" { "" } th scope="col" { "Base" } th scope="col" { "Head" } } }
                    tbody {
                        (row("Commit", commit(base), commit(head)))
                        (row("Code layouts", base.subject.n_layouts().to_string(), head.subject.n_layouts().to_string()))
                        (row("Binary", base.subject.binary.short(), head.subject.binary.short()))
                        (row("Model", model(base), model(head)))
                        (row("Settings", settings(base), settings(head)))
                        (row("Built with", built(base), built(head)))
                        (row("Processes", base.processes.len().to_string(), head.processes.len().to_string()))
                    }
                }
            }))
            @if let Some(baseline) = &evidence.baseline {
                p {
                    "Baseline " code { (baseline.name) } ", recorded " (baseline.recorded_at)
                    ", as record " code { (baseline.record.short()) }
                    ". "
                    @if baseline.binary == base.subject.binary {
                        "The base is its kept binary, run again in this session."
                    } @else {
                        strong { "The base's binary is not the one kept with it" } " (" code { (baseline.binary.short()) } ")."
                    }
                }
            }
            @if let Some(given) = &evidence.given {
                p {
                    "The base was given: " code { (given.asked) }
                    @if let Some(commit) = &given.commit { ", commit " code { (commit) } }
                    "."
                }
            }
        }
    }
}

fn row(name: &str, base: impl AsRef<str>, head: impl AsRef<str>) -> Markup {
    html! { tr { th scope="row" { (name) } td { (base.as_ref()) } td { (head.as_ref()) } } }
}

fn commit(record: &RunRecord) -> String {
    let commit: String = record
        .tool
        .commit
        .as_deref()
        .map_or_else(|| "unknown".to_owned(), |commit| commit.chars().take(12).collect());
    if record.tool.dirty == Some(true) { format!("{commit}, uncommitted changes") } else { commit }
}

fn model(record: &RunRecord) -> String {
    let model = &record.subject.model;
    format!("{} ({}), {}", model.name, model.architecture, model.digest.short())
}

fn settings(record: &RunRecord) -> String {
    let settings = &record.subject.settings;
    let mut text = format!(
        "{} on {}, {} threads, {} activations, batch {}",
        settings.isa,
        settings.device_selected,
        settings.threads,
        settings.activations,
        grouped(settings.batch)
    );
    if let Some(reason) = &settings.fallback {
        text.push_str(&format!("; {} was asked for: {reason}", settings.device_requested));
    }
    text
}

fn built(record: &RunRecord) -> String {
    let tool = &record.tool;
    format!("{} {}, {}, {}", tool.name, tool.version, tool.toolchain, tool.profile)
}
