//! The page: one HTML document that is complete without a script, a font or a request.
//! In: evidence, summary, findings and the charts drawn from them. Out: a document in which maud has escaped every text.

mod evidence;
mod figure;
mod flame;
mod history;
mod numbers;
mod page;
mod roofline;
mod shell;
mod subject;
mod table;
mod triage;
mod word;

pub(crate) use history::{history_page, track_svg};
pub(crate) use page::page;
pub(crate) use subject::facts;
pub(crate) use triage::triage_page;
