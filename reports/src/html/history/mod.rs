//! The page of a history: what moved, every series at a glance, a trend for each track, and what all of it was read from.

mod changes;
mod commit;
mod index;
mod sources;
mod tracks;

use maud::{Markup, html};

use super::{page, shell};
use crate::{
    Judged, Result,
    history::{History, Track},
    quantity::{counted, grouped},
    text::visible,
};

pub(crate) use tracks::track_svg;

/// The whole document: of the session `judged` first its verdict, and its own charts after those of the history.
pub(crate) fn history_page(history: &History, judged: Option<Judged<'_>>) -> Result<String> {
    let session = judged.map(page::sections).transpose()?;
    let trends = tracks::sections(history)?;
    let title = match judged {
        Some(judged) => page::title(judged),
        None => {
            format!("{} · tritgate history", counted(history.sessions.len(), "session", "sessions"))
        }
    };
    let body = html! {
        @match judged {
            Some(judged) => (page::header(judged)),
            None => header { p.kicker { "tritgate · history" } h1 { (what(history)) } },
        }
        (facts(history))
        nav aria-label="Contents" {
            @if judged.is_some() { a href="#metrics" { "This session" } " " }
            a href="#changes" { "Changes" } " "
            a href="#series" { "Series" } " "
            a href="#trends" { "Trends" } " "
            @if judged.is_some() { a href="#evidence" { "Evidence" } " " }
            a href="#sources" { "What was read" }
        }
        @if !history.tracks.is_empty() { div id="filter" {} }
        @if let Some(session) = &session { (session.refusals) (session.findings) }
        (changes::section(history))
        (index::section(history))
        (trends)
        @if let Some(session) = &session { (session.figures) (session.rooflines) (session.subject) (session.evidence) }
        (sources::section(history))
    };
    Ok(shell::document(&title, &body, &footer(history)))
}

fn what(history: &History) -> String {
    if history.sessions.is_empty() {
        "No session in this store".to_owned()
    } else {
        format!("{} in this store", counted(history.sessions.len(), "session", "sessions"))
    }
}

fn facts(history: &History) -> Markup {
    let n_left_out: usize = history.left_out.iter().map(|left| left.n).sum();
    let n_changes = history.tracks.iter().map(|track| track.changes.len()).sum();
    html! {
        ul.facts {
            @if let (Some(first), Some(last)) = (history.sessions.first(), history.sessions.last()) {
                li { (visible(&first.started_at.chars().take(10).collect::<String>())) " to " (visible(&last.started_at.chars().take(10).collect::<String>())) }
            }
            li { (counted(history.tracks.len(), "series", "series")) }
            li { (counted(history.classes.len(), "class", "classes")) }
            li { (counted(n_changes, "change of level", "changes of level")) }
            @if n_left_out > 0 {
                li { strong { (grouped(n_left_out as u64)) " left out" } ": " a href="#sources" { "why" } }
            }
        }
        @if history.sessions.is_empty() {
            p { "Record one with " code { "bench baseline record" } " or " code { "bench gate" } ", or name another store." }
        }
    }
}

fn footer(history: &History) -> Markup {
    html! {
        p { "Made by " code { (visible(&history.command)) } " · a pure function of the records, the journals and the policy it names: the same inputs give the same bytes." }
    }
}

/// `#track-12`, where a track's chart stands.
fn anchor(track: usize) -> String {
    format!("track-{track}")
}

/// What a track is called where there may be others of that name: workload, metric, and the class where there are several.
fn name(history: &History, track: &Track) -> Markup {
    html! {
        bdi { (visible(&track.workload)) "/" wbr; (visible(&track.metric)) }
        @if history.classes.len() > 1 { br; small.muted { (class_name(history, track)) } }
    }
}

fn class_name(history: &History, track: &Track) -> String {
    history.classes.get(track.class).map_or_else(String::new, |class| {
        format!(
            "{} · {} · {}",
            visible(&class.cpu_model),
            visible(&class.subject),
            class.digest.short()
        )
    })
}
