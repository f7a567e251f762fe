//! What the page was read from, and what it leaves out: records, classes of machine, journals.

use baselines::Digest;
use maud::{Markup, html};

use super::{super::table::scroll, commit};
use crate::{
    history::{Calibration, Event, History, LeftOut},
    quantity::{counted, grouped},
    text::{self, visible},
};

/// Entries of journals that stand on the page, the latest first.
const MOST_EVENTS: usize = 100;

pub(super) fn section(history: &History) -> Markup {
    html! {
        section aria-labelledby="sources" {
            h2 id="sources" { "What was read" }
            p {
                (counted(history.sessions.len(), "record", "records"))
                ", each checked against the digest that names it. SHA-256 over these names, one a line: "
                code { (inputs(history)) } "."
            }
            h3 { "Left out" }
            @if history.left_out.is_empty() { p { "Nothing." } } @else { (left_out(&history.left_out)) }
            h3 { "Classes" }
            @if history.classes.is_empty() { p { "None." } } @else { (classes(history)) }
            h3 { "Baselines" }
            @if history.events.is_empty() { p { "No journal: no baseline was recorded or moved." } } @else { (events(history)) }
            h3 { "Error rates of these machines" }
            (calibrations(&history.calibrations))
            h3 { "Make it again" }
            pre tabindex="0" { (visible(&history.command)) }
        }
    }
}

fn calibrations(all: &[Calibration]) -> Markup {
    html! {
        @if all.is_empty() {
            p { "Not measured: " code { "bench calibrate" } " compares a build with itself and with slow-downs planted." }
        }
        @for found in all {
            p {
                (visible(&found.cpu_model)) ", " code { (visible(&found.machine.chars().take(12).collect::<String>())) } ", "
                (visible(&found.ended_at)) ": "
                @if found.holds { "every demand is met." } @else { strong { "not every demand is met." } }
            }
            ul { @for rate in &found.rates { li { (visible(rate)) } } }
        }
    }
}

/// Names the records that the page is made from.
fn inputs(history: &History) -> Digest {
    let names: String =
        history.sessions.iter().map(|session| format!("{}\n", session.record)).collect();
    Digest::of(names.as_bytes())
}

fn left_out(all: &[LeftOut]) -> Markup {
    html! {
        ul {
            @for left in all {
                li {
                    strong { (grouped(left.n as u64)) } ": " (visible(&left.reason))
                    @if !left.examples.is_empty() {
                        ul { @for example in &left.examples { li { code { (text::cut(example, 300)) } } } }
                    }
                }
            }
        }
    }
}

fn classes(history: &History) -> Markup {
    html! {
        (scroll("Classes", &html! {
            table {
                thead { tr {
                    th scope="col" { "Class" }
                    th scope="col" { "Processor" }
                    th scope="col" { "Machine" }
                    th scope="col" { "What ran" }
                    th.number scope="col" { "Sessions" }
                } }
                tbody { @for class in &history.classes {
                    tr {
                        th scope="row" { code { (class.digest.short()) } }
                        td { (visible(&class.cpu_model)) }
                        td { code { (class.fingerprint.short()) } }
                        td { bdi { (text::cut(&class.subject, 300)) } }
                        td.number { (class.n_sessions) }
                    }
                } }
            }
        }))
        p.note { "Times of two classes are never put into one trend." }
    }
}

fn events(history: &History) -> Markup {
    html! {
        (scroll("Baselines", &html! {
            table data-sort {
                thead { tr {
                    th scope="col" { "When" }
                    th scope="col" { "Baseline" }
                    th scope="col" { "What" }
                    th scope="col" { "Record" }
                    th scope="col" { "By" }
                    th scope="col" { "Why" }
                } }
                tbody { @for event in history.events.iter().rev().take(MOST_EVENTS) { (row(history, event)) } }
            }
        }))
        @if history.events.len() > MOST_EVENTS {
            p.note { "The latest " (MOST_EVENTS) " of " (grouped(history.events.len() as u64)) " entries; " code { "bench baseline show" } " has them all." }
        }
    }
}

fn row(history: &History, event: &Event) -> Markup {
    html! {
        tr {
            th scope="row" data-value=(visible(&event.at)) { (visible(&event.at.chars().take(16).collect::<String>().replace('T', " "))) }
            td { (visible(&event.baseline)) }
            td { (visible(&event.action)) }
            td {
                @match event.session.and_then(|session| history.sessions.get(session)) {
                    Some(session) => (commit::session(history, session)),
                    None => { code { (event.record.short()) } " (not read)" },
                }
            }
            td { bdi { (text::cut(&event.by, text::MOST_CHARACTERS)) } }
            td.reason { bdi { (text::cut(&event.reason, text::MOST_CHARACTERS)) } }
        }
    }
}
