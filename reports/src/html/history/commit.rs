//! Sessions and commits as the page names them. In: a session. Out: its day, its commit with a link where there is one, and the
//! first line of its message.

use maud::{Markup, html};

use crate::{
    history::{History, Session},
    text::{self, visible},
};

/// `2026-01-31 0a1b2c3d4e5f first line of the message`.
pub(super) fn session(history: &History, session: &Session) -> Markup {
    html! {
        span.when { (visible(&session.started_at.chars().take(10).collect::<String>())) }
        @if let Some(commit) = &session.commit {
            " " (link(history, commit))
            @if let Some(subject) = &session.subject {
                " " bdi { (text::cut(subject, text::MOST_CHARACTERS)) }
            }
        }
        @if session.is_current { " " em { "(this session)" } }
    }
}

fn link(history: &History, commit: &str) -> Markup {
    let short = visible(&commit.chars().take(12).collect::<String>());
    let is_sha = matches!(commit.len(), 40 | 64) && commit.bytes().all(|b| b.is_ascii_hexdigit());
    // A scheme that runs something must not come from a settings file either.
    let url = history.commit_url.as_deref().filter(|url| is_sha && url.starts_with("https://"));
    html! {
        @match url {
            Some(url) => a href={ (url) (commit) } rel="noreferrer" { code { (short) } },
            None => code { (short) },
        }
    }
}
