//! BitNet b1.58, as in the 2B-4T model: sub-norms before the output and down projections, squared-ReLU gate,
//! grouped-query attention, half-split RoPE, tied embedding.

use super::{Architecture, Gate, Rope};

/// Source: Ma et al. 2025 (BitNet b1.58 2B4T), `modeling_bitnet.py` of transformers. `bitnet-25` is what the first upload of
/// the 2B-4T file was called, `bitnet-1.58` what a fork's converter wrote for a time.
pub(super) const BITNET_B1_58: Architecture = Architecture {
    names: &["bitnet-b1.58", "bitnet-25", "bitnet-1.58"],
    about: "RMSNorm, sub-norms, squared-ReLU gated FFN, grouped-query attention, half-split RoPE",
    sub_norms: true,
    rope: Rope::HalfSplit,
    gate: |_, _| Ok(Gate::Relu2),
};
