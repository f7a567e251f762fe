//! Conversions into model files: of model files in other formats, and of checkpoints of other programs.

mod hugging_face;
mod ternary;

pub use hugging_face::{Converted, Options, hugging_face};
pub use ternary::{Conversion, Kept, from_arm, ternary};
