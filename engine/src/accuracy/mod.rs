//! Accuracy as counts: what a storage format, a kernel and a whole model get right, against definitions that know nothing
//! of kernels.
//!
//! In: formats, tables of kernels, models; seeds. Out: numbers of equal and of different things, never a judgement: gates
//! judge.

mod codes;
mod product;
mod top1;

pub use codes::{Codes, codes};
pub use product::{Agreement, product};
pub use top1::{Prediction, predictions};
