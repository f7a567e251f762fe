//! BitNet b1.58 checkpoints: sub-norms, half-split RoPE as in transformers, a squared-ReLU or a SiLU gate.

use super::{Family, linears::Linears};

/// Source: transformers, `models/bitnet/modeling_bitnet.py`. It takes linears without `quantization_config` for dense ones,
/// which no BitNet has.
pub(super) const BITNET: Family = Family {
    class: "BitNetForCausalLM",
    architectures: &[("relu2", "bitnet-b1.58"), ("silu", "bitnet")],
    sub_norms: Some(["self_attn.attn_sub_norm", "mlp.ffn_sub_norm"]),
    permutes: false,
    rope_base: 500_000.0,
    linears: None,
};

/// 1bitLLM's own class (0.7B and 3B): other names, and linears that are always quantised. Source: gguf-py,
/// `tensor_mapping.py`.
pub(super) const BITNET_1BITLLM: Family = Family {
    class: "BitnetForCausalLM",
    architectures: &[("silu", "bitnet")],
    sub_norms: Some(["self_attn.inner_attn_ln", "mlp.ffn_layernorm"]),
    permutes: false,
    rope_base: 10_000.0,
    linears: Some(Linears::Master),
};
