//! Llama: no sub-norms, SiLU gate, interleaved RoPE (the rows of Q and K are permuted for it), dense or ternary.
//!
//! Ternary models of this graph are Llama3-8B-1.58, Falcon3 and Falcon-E; every ternary product takes int8 activations.

use super::{Architecture, Gate, Rope};

/// Source: Touvron et al. 2023; llama.cpp's `src/models/llama.cpp` (tensor names, pairing).
pub(super) const LLAMA: Architecture = Architecture {
    names: &["llama"],
    about: "RMSNorm, SiLU gated FFN, grouped-query attention, interleaved RoPE",
    sub_norms: false,
    rope: Rope::Interleaved,
    gate: |_, _| Ok(Gate::Silu),
};
