//! The shapes that synthetic models come in: those of public models, and a tiny one whose sizes can be chosen.
//!
//! Sources: the `config.json` of each checkpoint (named at each shape); of Falcon3 the model cards, whose epsilon and special
//! tokens are not confirmed.

use super::vocabulary::{FALCON3, LLAMA2, LLAMA3, SMALL, Vocabulary};
use crate::{
    Error, ErrorKind, Result,
    quant::{self, BlockFormat, i2_s::I2S, tl2::Tl2},
};

/// Sizes of a model, and how its file stores it. All lengths are in elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Its name, in kebab case.
    pub name: &'static str,
    /// Whose shape it is.
    pub about: &'static str,
    /// `general.architecture`.
    pub architecture: &'static str,
    /// How the ternary matrices are stored.
    pub weights: Weights,
    /// Transformer blocks.
    pub n_layers: u32,
    /// Width of the residual stream.
    pub n_embd: u32,
    /// Width of the feed-forward layer.
    pub n_ff: u32,
    /// Query heads.
    pub n_heads: u32,
    /// Key/value heads.
    pub n_kv_heads: u32,
    /// Values per head.
    pub head_dim: u32,
    /// Tokens.
    pub n_vocab: u32,
    /// Longest sequence.
    pub n_ctx: u32,
    /// Base of the RoPE frequencies.
    pub rope_base: f32,
    /// Epsilon of every RMSNorm.
    pub rms_eps: f32,
    /// Whether the head is the embedding.
    pub tied: bool,
    /// Its tokens.
    pub vocabulary: Vocabulary,
}

/// Storage of the ternary matrices; embedding and head are F16, norms F32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// What most published files have.
    I2S,
    /// What bitnet.cpp has on x86 for rows that are no whole groups of 128.
    Tl2,
}

impl Weights {
    /// Its format.
    #[must_use]
    pub fn format(self) -> &'static dyn BlockFormat {
        match self {
            Self::I2S => &I2S,
            Self::Tl2 => &Tl2,
        }
    }
}

/// The register, sorted by name.
pub const SHAPES: &[Shape] = &[
    Shape {
        name: "bitnet-2b-4t",
        about: "microsoft/bitnet-b1.58-2B-4T",
        architecture: "bitnet-b1.58",
        weights: Weights::I2S,
        n_layers: 30,
        n_embd: 2560,
        n_ff: 6912,
        n_heads: 20,
        n_kv_heads: 5,
        head_dim: 128,
        n_vocab: 128_256,
        n_ctx: 4096,
        rope_base: 5e5,
        rms_eps: 1e-5,
        tied: true,
        vocabulary: LLAMA3,
    },
    // Rows of 8640 are no whole groups of 128 (I2_S) nor blocks of 256 (TQ1_0, TQ2_0): all matrices are TL2, the one format
    // that bitnet.cpp runs this model in on x86.
    Shape {
        name: "bitnet-3b",
        about: "1bitLLM/bitnet_b1_58-3B",
        architecture: "bitnet",
        weights: Weights::Tl2,
        n_layers: 26,
        n_embd: 3200,
        n_ff: 8640,
        n_heads: 32,
        n_kv_heads: 32,
        head_dim: 100,
        n_vocab: 32_002,
        n_ctx: 2048,
        rope_base: 1e4,
        rms_eps: 1e-5,
        tied: true,
        vocabulary: LLAMA2,
    },
    Shape {
        name: "falcon3-1b-1.58",
        about: "tiiuae/Falcon3-1B-Instruct-1.58bit",
        architecture: "llama",
        weights: Weights::I2S,
        n_layers: 18,
        n_embd: 2048,
        n_ff: 8192,
        n_heads: 8,
        n_kv_heads: 4,
        head_dim: 256,
        n_vocab: 131_072,
        n_ctx: 8192,
        rope_base: 1_000_042.0,
        rms_eps: 1e-6,
        tied: false,
        vocabulary: FALCON3,
    },
    Shape {
        name: "llama3-8b-1.58",
        about: "HF1BitLLM/Llama3-8B-1.58-100B-tokens",
        architecture: "llama",
        weights: Weights::I2S,
        n_layers: 32,
        n_embd: 4096,
        n_ff: 14_336,
        n_heads: 32,
        n_kv_heads: 8,
        head_dim: 128,
        n_vocab: 128_256,
        n_ctx: 8192,
        rope_base: 5e5,
        rms_eps: 1e-5,
        tied: false,
        vocabulary: LLAMA3,
    },
    Shape {
        name: "tiny",
        about: "nobody's: small, its sizes can be chosen",
        architecture: "bitnet-b1.58",
        weights: Weights::I2S,
        n_layers: 2,
        n_embd: 256,
        n_ff: 512,
        n_heads: 4,
        n_kv_heads: 2,
        head_dim: 64,
        n_vocab: 512,
        n_ctx: 512,
        rope_base: 1e4,
        rms_eps: 1e-5,
        tied: true,
        vocabulary: SMALL,
    },
];

impl Shape {
    /// Width of all query heads together.
    pub(super) const fn q_width(&self) -> usize {
        self.n_heads as usize * self.head_dim as usize
    }

    /// Width of all key (or value) heads together.
    pub(super) const fn kv_width(&self) -> usize {
        self.n_kv_heads as usize * self.head_dim as usize
    }

    /// Whether a model of these sizes can be made.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`], naming the size, what was expected and what was found.
    pub fn check(&self) -> Result<()> {
        let least_vocab = self.vocabulary.least();
        for (what, value, least, most) in [
            ("layers", self.n_layers, 1, 1024),
            ("width", self.n_embd, 1, 1 << 15),
            ("feed-forward width", self.n_ff, 1, 1 << 17),
            ("heads", self.n_heads, 1, 1024),
            ("key/value heads", self.n_kv_heads, 1, self.n_heads),
            ("head size", self.head_dim, 2, 1024),
            ("vocabulary", self.n_vocab, least_vocab, 1 << 18),
            ("context", self.n_ctx, 1, 1 << 20),
        ] {
            if !(least..=most).contains(&value) {
                return Err(refused(what, &format!("{least} to {most}"), value));
            }
        }
        if !self.n_heads.is_multiple_of(self.n_kv_heads) {
            let expected = format!("a divisor of {} heads", self.n_heads);
            return Err(refused("key/value heads", &expected, self.n_kv_heads));
        }
        if !self.n_embd.is_multiple_of(self.n_heads) {
            let expected = format!("a divisor of width {}", self.n_embd);
            return Err(refused("heads", &expected, self.n_heads));
        }
        let format = self.weights.format();
        for (what, rows, cols) in [
            ("width", self.q_width(), self.n_embd as usize),
            ("width", self.kv_width(), self.n_embd as usize),
            ("heads times head size", self.n_embd as usize, self.q_width()),
            ("feed-forward width", self.n_embd as usize, self.n_ff as usize),
        ] {
            format.fits(quant::Shape::new(rows, cols)).map_err(|error| {
                Error::new(ErrorKind::InvalidArgument, format!("{what}: {error}"))
            })?;
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(refused("head size", "an even number", self.head_dim));
        }
        Ok(())
    }
}

fn refused(what: &str, expected: &str, found: u32) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{what}: expected {expected}, found {found}"))
}
