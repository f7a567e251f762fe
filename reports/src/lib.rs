//! Trend, comparison and distribution charts in one self-contained HTML page.
//!
//! In: an evidence bundle, the findings and the summary that the gate derived from it. Out: the bytes of a page that
//! opens offline, needs no script and asks the network for nothing. The page is a pure function of its inputs: the same
//! evidence gives the same bytes.
//!
//! ```text
//! Evidence ─► series ─► chart (SVG) ─► html ─► page
//! Finding, Summary ────────┴────────────┘
//! ```

#![forbid(unsafe_code)]

pub mod chart;
pub mod error;
pub mod finding;
mod html;
mod quantity;
pub mod series;
pub mod theme;

use baselines::Evidence;

pub use chart::CHARTS;
pub use error::{Error, ErrorKind, Result};
pub use finding::{Finding, Refusal, Summary};

/// The whole report as one HTML document.
///
/// Findings keep their order; a series without a finding is shown as measured but not gated.
///
/// # Errors
/// `ErrorKind::Draw` if the SVG backend fails.
pub fn page(evidence: &Evidence, summary: &Summary, findings: &[Finding]) -> Result<String> {
    html::page(evidence, summary, findings)
}
