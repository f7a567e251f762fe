//! What one generation took: every field a difference of two stamps, or a count; none is derived from another.

use crate::{Count, Memory};

/// Times in nanoseconds by the caller's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// From the start of the request to the prompt's ids.
    pub tokenize_ns: u64,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the prompt that the sequence held already.
    pub reused_tokens: usize,
    /// The other tokens of the prompt, through the model, to the logits behind the last.
    pub prefill_ns: u64,
    /// From the start of the request to the first sampled token; `None` without one.
    pub first_token_ns: Option<u64>,
    /// One for each token after the first: its pass through the model and the choice of the next.
    pub steps_ns: Vec<u64>,
    /// Choosing tokens, all of them, the first included.
    pub sampling_ns: u64,
    /// Ids to text, stop strings included.
    pub detokenize_ns: u64,
    /// In the caller's function.
    pub caller_ns: u64,
    /// From the first sampled token to the last; `None` without two.
    pub decode_ns: Option<u64>,
    /// From the start of the request to its end.
    pub total_ns: u64,
    /// What the dispatcher carried out, by kind of product; empty where passes were shared with other requests.
    pub counts: Vec<Count>,
    /// Bytes held at the end, by class.
    pub memory: Memory,
}
