//! The statistics: one method a file, each with its source. Plain numbers in, plain numbers out; nothing random.

pub mod blocks;
pub mod clopper_pearson;
pub mod hampel;
pub mod holm;
pub mod location;
pub mod noise;
pub mod pelt;
pub mod power;
pub mod prediction;
pub mod repetition;
pub mod sign_flip;
pub mod steady;
pub mod student;
pub mod variance;
pub mod wilson;
pub mod yuen;
pub mod yuen_welch;

pub use baselines::quantile;
pub use location::{Location, Method};
pub use steady::{EvidenceClass, SteadyState};
pub use variance::VarianceComponents;
pub use yuen_welch::YuenWelch;
