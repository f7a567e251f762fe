//! What was compared with what: both arms side by side.

use baselines::{
    Evidence, RunRecord,
    record::{ModelInfo, Settings, What},
};
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
                        @for [name, base, head] in facts(base, head) { (row(&name, base, head)) }
                        (row("Processes", base.processes.len().to_string(), head.processes.len().to_string()))
                    }
                }
            }))
            (source(evidence))
        }
    }
}

/// What tells both arms apart, a row each: name, of the base, of the head.
pub(crate) fn facts(base: &RunRecord, head: &RunRecord) -> Vec<[String; 3]> {
    let mut facts = Vec::new();
    let mut fact =
        |name: &str, base: String, head: String| facts.push([name.to_owned(), base, head]);
    if let Some((base_commit, head_commit)) = commit(base).zip(commit(head)) {
        fact("Commit", base_commit, head_commit);
        let layouts = |record: &RunRecord| record.subject.n_layouts().to_string();
        fact("Code layouts", layouts(base), layouts(head));
    }
    fact("Binary", base.subject.binary.short(), head.subject.binary.short());
    if let (Some(base), Some(head)) = (base.subject.engine(), head.subject.engine()) {
        fact("Model", model(&base.model), model(&head.model));
        fact("Settings", settings(&base.settings), settings(&head.settings));
    } else {
        fact("Command", name(base).to_owned(), name(head).to_owned());
        fact("Surroundings", surroundings(base), surroundings(head));
    }
    fact("Built with", built(base), built(head));
    facts
}

/// Where the base comes from: a store, or the command line.
fn source(evidence: &Evidence) -> Markup {
    let base = &evidence.base;
    html! {
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
        } @else {
            p { "No stored baseline: the base was measured beside the head, in this session." }
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

/// What a person calls the subject: its model's name, or its command line.
pub(super) fn name(record: &RunRecord) -> &str {
    match &record.subject.what {
        What::Engine(engine) => &engine.model.name,
        What::Command(command) => &command.line,
    }
}

/// How a command is run.
fn surroundings(record: &RunRecord) -> String {
    let Some(command) = record.subject.command() else { return "the engine".to_owned() };
    let mut parts = vec![match &command.shell {
        Some(shell) => format!("by the shell {shell}"),
        None => "without a shell".to_owned(),
    }];
    for (what, line) in [
        ("setup", &command.setup),
        ("before each run", &command.prepare),
        ("cleanup", &command.cleanup),
    ] {
        parts.extend(line.as_ref().map(|line| format!("{what}: {line}")));
    }
    parts.push(match command.ignore_failure {
        true => "any exit code".to_owned(),
        false => "exit code 0".to_owned(),
    });
    parts.push(match command.same_output {
        true => "the same output in every run".to_owned(),
        false => "outputs not compared".to_owned(),
    });
    parts.join("; ")
}

fn row(name: &str, base: impl AsRef<str>, head: impl AsRef<str>) -> Markup {
    html! { tr { th scope="row" { (name) } td { (base.as_ref()) } td { (head.as_ref()) } } }
}

/// What the arm was built from; `None` of a command: only the commit of `bench` itself is known.
fn commit(record: &RunRecord) -> Option<String> {
    let short = |commit: &Option<String>| {
        let commit = commit.as_deref().map(|commit| commit.chars().take(12).collect());
        commit.unwrap_or_else(|| "unknown".to_owned())
    };
    match &record.subject.what {
        What::Engine(_) if record.tool.dirty == Some(true) => {
            Some(format!("{}, uncommitted changes", short(&record.tool.commit)))
        }
        What::Engine(_) => Some(short(&record.tool.commit)),
        What::Command(command) => command.bench.as_ref().map(|bench| match &bench.commit {
            None => "none: a file, or uncommitted changes".to_owned(),
            commit => short(commit),
        }),
    }
}

fn model(model: &ModelInfo) -> String {
    format!("{} ({}), {}", model.name, model.architecture, model.digest.short())
}

fn settings(settings: &Settings) -> String {
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
