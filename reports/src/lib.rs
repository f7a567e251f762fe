//! Trend, comparison and distribution charts in one self-contained HTML page.
//!
//! In: an evidence bundle, the findings and the summary that the gate derived from it. Out: the bytes of a page that
//! opens offline, needs no script and asks the network for nothing. The page is a pure function of its inputs: the same
//! evidence gives the same bytes.
//!
//! ```text
//! Evidence ─► series ─► chart (SVG) ─► html ─► page
//! Finding, Summary ────────┴────────────┤
//! triage::View ─────────────────────────┘
//! ```

#![forbid(unsafe_code)]

pub mod chart;
pub mod error;
pub mod finding;
pub mod history;
mod html;
mod quantity;
pub mod roofline;
pub mod series;
pub mod text;
pub mod theme;
pub mod triage;

use baselines::Evidence;

pub use chart::CHARTS;
pub use error::{Error, ErrorKind, Result};
pub use finding::{Finding, Refusal, Summary, WarmUp};
pub use history::History;
pub use roofline::Roofline;

/// A session and what the gate found in it.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// The bundle.
    pub evidence: &'a Evidence,
    /// Its verdict.
    pub summary: &'a Summary,
    /// One finding per gated metric, in the policy's order; a series without one is shown as measured but not gated.
    pub findings: &'a [Finding],
    /// How near the head comes to what its machine can do.
    pub rooflines: &'a [Roofline],
}

/// The report of a session as one HTML document.
///
/// # Errors
/// `ErrorKind::Draw` if the SVG backend fails.
pub fn page(judged: Judged<'_>) -> Result<String> {
    html::page(judged)
}

/// The history of a store as one HTML document, with the session that it is read beside, if there is one.
///
/// # Errors
/// `ErrorKind::Draw` if the SVG backend fails.
pub fn history_page(history: &History, judged: Option<Judged<'_>>) -> Result<String> {
    html::history_page(history, judged)
}

/// What a triage found as one HTML document.
///
/// # Errors
/// `ErrorKind::Draw` if the SVG backend fails.
pub fn triage_page(view: &triage::View) -> Result<String> {
    html::triage_page(view)
}

/// The chart of one track as an SVG file of its own.
///
/// # Errors
/// `ErrorKind::Draw` if the SVG backend fails.
pub fn track_svg(history: &History, track: &history::Track) -> Result<String> {
    html::track_svg(history, track)
}
