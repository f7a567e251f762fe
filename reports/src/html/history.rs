//! The page of a history: what was read, what moved, and a trend for each track.

use maud::{DOCTYPE, html};

use crate::{
    Judged, Result,
    history::{History, Track},
};

/// The whole document.
pub(crate) fn history_page(history: &History, _judged: Option<Judged<'_>>) -> Result<String> {
    let document =
        html! { (DOCTYPE) html lang="en" { body { p { (history.sessions.len()) " sessions" } } } };
    Ok(document.into_string())
}

/// One track's chart as a file.
pub(crate) fn track_svg(_history: &History, track: &Track) -> Result<String> {
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><title>{}</title></svg>",
        track.points.len()
    ))
}
