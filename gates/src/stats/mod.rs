//! The statistics: one method a file, each with its source. Plain numbers in, plain numbers out; nothing random.

pub mod blocks;
pub mod clopper_pearson;
pub mod holm;
pub mod location;
pub mod power;
pub mod sign_flip;
pub mod student;
pub mod wilson;
pub mod yuen;
pub mod yuen_welch;

pub use baselines::quantile;
pub use location::{Location, Method};
pub use yuen_welch::YuenWelch;
