//! Calibration: the error rates that one machine really has, from comparisons whose truth is known.
//!
//! In: log ratios of live comparisons, of a build with itself and with a slow-down planted. Out: rates beside their demands.
//! [`crate::validate`] does the same on simulated sessions; here the noise is the machine's own.

mod rate;
mod summary;
mod trial;
mod within;

pub use rate::{Demand, Rate, plausible_hits};
pub use summary::{Group, MINUTES, Noise, Realised, Summary, Terms, summary};
pub use trial::{Judged, Trial};
pub use within::{pairs_within, smallest_slowdown};
