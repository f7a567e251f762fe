//! Run records and the stores that keep them.
//!
//! A run record says what ran (tool, binary, model, suite), where (host, environment, probes) and every raw sample
//! that was taken, process by process. It holds no summary: medians, intervals and verdicts are recomputed from it.
//! A record, once written, is never edited; its name is the SHA-256 of its bytes.

#![forbid(unsafe_code)]

pub mod check;
pub mod digest;
pub mod error;
pub mod evidence;
pub mod format;
pub mod git;
pub mod import;
pub mod interval;
pub mod metric;
pub mod quantile;
pub mod record;
pub mod retention;
mod schemas;
pub mod select;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod timestamp;
pub mod unit;

pub use check::CheckRecord;
pub use digest::Digest;
pub use error::{Error, ErrorKind, Result};
pub use evidence::Evidence;
pub use metric::{METRICS, Metric};
pub use record::RunRecord;
pub use schemas::schemas;
pub use store::{
    atomic::{write as write_atomic, write_with as write_atomic_with},
    bounded::read as read_bounded,
};
