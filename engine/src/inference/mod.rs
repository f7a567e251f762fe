//! The production door: a prompt in, text out token by token, every time measured where it happens.
//!
//! ```text
//! Request ─► tokenize ─► prefill ─► sample ─► text ─► step ─┐
//!            what the sequence holds   ▲                    │
//!            already is not read again └────────────────────┘ until a Stop ─► Generated: ids, text, Metrics
//! ```
//!
//! The engine reads no clock of its own: the caller gives a [`Clock`]. Limits are looked at between batches of a prompt and
//! between tokens, and what was put out until then is kept.

mod batch;
mod cancel;
mod clock;
mod engine;
mod metrics;
mod request;
mod running;
mod stop;

pub use cancel::Cancel;
pub use clock::Clock;
pub use engine::InferenceEngine;
pub use metrics::Metrics;
pub use request::{Generated, Logits, Prompt, Request, Stop, Token};
