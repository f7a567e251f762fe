//! From logits to a token: one stage a file, in the order repetition penalty; then greedy, or
//! top-k, temperature, top-p, min-p, draw.
//!
//! In: the logits of one position. Out: a token id. All weights are f64 and the exponential is libm's, so the same seed
//! gives the same token on every platform. Among equal logits the lower id comes first, everywhere.

mod greedy;
pub(crate) mod likely;
mod logits;
mod min_p;
mod repetition;
mod sampler;
mod temperature;
mod top_k;
mod top_p;

pub use greedy::greedy;
pub use likely::Likely;
pub use sampler::{Sampler, SamplerOptions};
