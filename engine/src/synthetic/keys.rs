//! The keys of a synthetic model's file, named and ordered as in the official 2B-4T file.

use super::{FORMAT_VERSION, Shape, Weights};
use crate::{gguf::Writer, model::ARCHS};

impl Shape {
    /// Whether the graph has norms before the output and the down projection.
    pub(super) fn has_sub_norms(&self) -> bool {
        let arch = ARCHS.iter().find(|arch| arch.names.contains(&self.architecture));
        arch.is_some_and(|arch| arch.sub_norms)
    }

    /// Writes them.
    pub(super) fn keys(&self, seed: u64, writer: &mut Writer) {
        let key = |name: &str| format!("{}.{name}", self.architecture);
        writer
            .string("general.architecture", self.architecture)
            .string("general.name", &format!("synthetic {}", self.name))
            .string(
                "general.description",
                &format!(
                    "random weights in the shape of {}: for measuring, not for reading (seed {seed}, version \
                     {FORMAT_VERSION})",
                    self.about
                ),
            );
        for (name, value) in [
            ("vocab_size", self.n_vocab),
            ("context_length", self.n_ctx),
            ("embedding_length", self.n_embd),
            ("block_count", self.n_layers),
            ("feed_forward_length", self.n_ff),
            ("rope.dimension_count", self.head_dim),
            ("attention.head_count", self.n_heads),
            ("attention.head_count_kv", self.n_kv_heads),
        ] {
            writer.u32(&key(name), value);
        }
        if self.q_width() != self.n_embd as usize {
            writer
                .u32(&key("attention.key_length"), self.head_dim)
                .u32(&key("attention.value_length"), self.head_dim);
        }
        writer
            .f32(&key("attention.layer_norm_rms_epsilon"), self.rms_eps)
            .f32(&key("rope.freq_base"), self.rope_base);
        // Numbers of bitnet.cpp's `llama_ftype`.
        let file_type = match self.weights {
            Weights::I2S => 40,
            Weights::Tl2 => 39,
        };
        writer.u32("general.file_type", file_type).u32("general.quantization_version", 2);
    }
}
