//! Ternary (BitNet b1.58) language model inference, from a GGUF file to tokens, with the same bits on every
//! instruction set and for any number of threads.
//!
//! ```text
//! bytes ─► gguf::File ─► Model ─► Session ─► logits ─► Sampler ─► token id ─► Tokenizer ─► text
//!          checked        weights   KV cache,
//!          offsets        by name   counters
//! ```
//!
//! [`InferenceEngine`] is all of it behind one door. `README.md` has a program of ten lines.
//!
//! Every ternary product is exact integer arithmetic (per-token int8 activations); every float sum has one defined order
//! (`docs/numerics.md`). So a digest of the logits is a fact about the model and the prompt, not about the machine.
//! This crate knows nothing of benchmarks, reads no clock and no environment.

pub mod accuracy;
pub mod bench;
pub mod builtin;
mod chat;
pub mod convert;
pub mod cpus;
pub mod device;
mod drawing;
mod error;
pub mod gguf;
mod inference;
pub mod kernels;
mod memory;
pub mod model;
pub mod probe;
pub mod quant;
pub mod sample;
mod session;
pub mod synthetic;
#[cfg(feature = "testing")]
pub mod testing;
pub mod threads;
pub mod tokenizer;

pub use chat::{ChatTemplate, Message};
pub use device::{DeviceManager, DeviceRequest};
pub use drawing::Drawing;
pub use error::{Error, ErrorKind, Result};
pub use gguf::Bytes;
pub use inference::{
    Cancel, Clock, Generated, InferenceEngine, Logits, Metrics, Prompt, Request, Stop, Token,
};
pub use kernels::Isa;
pub use memory::{
    Allocations, CountingAllocator, HugePages, Lines, Memory, allocations, set_counting,
};
pub use model::{Config, LinearInfo, Model};
pub use sample::{Likely, Sampler, SamplerOptions};
pub use session::{
    Activations, Count, Head, KvFormat, Screening, SequenceId, Session, SessionOptions, Span,
    SpanTimes,
};
pub use threads::{Pool, spin};
pub use tokenizer::{TokenStream, Tokenizer};

/// The program of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
