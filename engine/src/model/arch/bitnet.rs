//! The first BitNet b1.58 models (1bitLLM, 0.7B and 3B): the graph of `bitnet-b1.58` with a SiLU gate.
//!
//! Upstream's converter writes the same name for the 2B-4T checkpoint, whose gate is squared; nothing in the file
//! says so but its sizes.

use super::{Architecture, Gate, Rope};
use crate::{Result, gguf::File};

/// Tokens of the 2B-4T model, which has a `LLaMA` 3 vocabulary; the first models have 32,002.
const N_VOCAB_2B_4T: usize = 128_256;
/// The base of its RoPE frequencies; the first models have 10,000.
const ROPE_BASE_2B_4T: f32 = 500_000.0;

/// Source: Wang et al. 2023 (BitNet), llama.cpp's `src/models/bitnet.cpp`.
pub(super) const BITNET: Architecture = Architecture {
    names: &["bitnet"],
    about: "RMSNorm, sub-norms, SiLU gated FFN (squared where the sizes are those of 2B-4T), half-split RoPE",
    sub_norms: true,
    rope: Rope::HalfSplit,
    gate,
};

fn gate(file: &File, name: &str) -> Result<Gate> {
    let n_vocab = file.tensor("token_embd.weight")?.rows();
    let base = file.find_f32(&format!("{name}.rope.freq_base"))?;
    let is_2b_4t = n_vocab == N_VOCAB_2B_4T && base == Some(ROPE_BASE_2B_4T);
    Ok(if is_2b_4t { Gate::Relu2 } else { Gate::Silu })
}
