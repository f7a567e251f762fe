//! BitNet b1.58, as in the 2B-4T model: sub-norms before the output and down projections, squared-ReLU gate,
//! grouped-query attention, half-split RoPE, tied embedding. The forward pass is written out in `session/forward.rs`.

use super::Architecture;

/// Source: Ma et al. 2025 (BitNet b1.58 2B4T), `modeling_bitnet.py` of transformers.
pub(super) const BITNET_B1_58: Architecture = Architecture {
    name: "bitnet-b1.58",
    about: "RMSNorm, sub-norms, squared-ReLU gated FFN, grouped-query attention, half-split RoPE",
};
