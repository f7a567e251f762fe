//! Hyper-parameters, read from the file's metadata and checked against each other.

use super::arch::{Architecture, Gate, Rope};
use crate::{Error, ErrorKind, Result, gguf::File, kernels::ATTENTION_HEAD};

/// Hyper-parameters of a model. All lengths are in elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The graph, as the file names it.
    pub architecture: &'static str,
    /// Whether an RMSNorm stands before the output and the down projection.
    pub sub_norms: bool,
    /// Which values of a head RoPE turns together.
    pub rope: Rope,
    /// The function of the feed-forward gate.
    pub gate: Gate,
    /// Transformer blocks.
    pub n_layers: usize,
    /// Width of the residual stream.
    pub n_embd: usize,
    /// Width of the feed-forward layer.
    pub n_ff: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key/value heads; query head `h` reads key/value head `h / (n_heads / n_kv_heads)`.
    pub n_kv_heads: usize,
    /// Values per head.
    pub head_dim: usize,
    /// Rows of the embedding.
    pub n_vocab: usize,
    /// Longest sequence.
    pub n_ctx: usize,
    /// Base of the RoPE frequencies.
    pub rope_base: f32,
    /// Epsilon of every RMSNorm.
    pub rms_eps: f32,
}

impl Config {
    pub(super) fn read(
        file: &File,
        arch: &'static Architecture,
        name: &'static str,
    ) -> Result<Self> {
        let count = |key: &str| -> Result<usize> {
            let key = format!("{name}.{key}");
            let value = file.u32(&key)?;
            match usize::try_from(value) {
                Ok(value) if value > 0 => Ok(value),
                _ => Err(Error::gguf(format!("{key}: expected at least 1, found {value}"))),
            }
        };
        let optional = |key: &str, default: usize| -> Result<usize> {
            match file.find_u32(&format!("{name}.{key}"))? {
                Some(_) => count(key),
                None => Ok(default),
            }
        };
        let n_embd = count("embedding_length")?;
        let n_heads = count("attention.head_count")?;
        let n_kv_heads = optional("attention.head_count_kv", n_heads)?;
        let head_dim = optional("attention.key_length", n_embd / n_heads)?;
        let config = Self {
            architecture: name,
            sub_norms: arch.sub_norms,
            rope: arch.rope,
            gate: (arch.gate)(file, name)?,
            n_layers: count("block_count")?,
            n_embd,
            n_ff: count("feed_forward_length")?,
            n_heads,
            n_kv_heads,
            head_dim,
            n_vocab: file.tensor("token_embd.weight")?.rows(),
            n_ctx: count("context_length")?,
            rope_base: file.find_f32(&format!("{name}.rope.freq_base"))?.unwrap_or(10_000.0),
            rms_eps: file.f32(&format!("{name}.attention.layer_norm_rms_epsilon"))?,
        };
        config.check(file)?;
        Ok(config)
    }

    fn check(&self, file: &File) -> Result<()> {
        let name = self.architecture;
        let wrong = |what: String| Err(Error::gguf(what));
        if !self.n_heads.is_multiple_of(self.n_kv_heads) {
            return wrong(format!(
                "{name}.attention.head_count_kv: expected a divisor of {} heads, found {}",
                self.n_heads, self.n_kv_heads
            ));
        }
        if !self.head_dim.is_multiple_of(2) || self.head_dim == 0 || self.head_dim > ATTENTION_HEAD
        {
            return wrong(format!(
                "{name}.attention.key_length: expected an even head size up to {ATTENTION_HEAD}, found {}",
                self.head_dim
            ));
        }
        if !self.n_embd.is_multiple_of(self.n_heads) {
            return wrong(format!(
                "{name}.attention.head_count: expected a divisor of {name}.embedding_length {}, found {}",
                self.n_embd, self.n_heads
            ));
        }
        for key in ["attention.value_length", "rope.dimension_count"] {
            let found = file.find_u32(&format!("{name}.{key}"))?;
            if found.is_some_and(|found| usize::try_from(found) != Ok(self.head_dim)) {
                return wrong(format!(
                    "{name}.{key}: expected the head size {}, found {}",
                    self.head_dim,
                    found.unwrap_or_default()
                ));
            }
        }
        if let Some(kind) = file.find_string(&format!("{name}.rope.scaling.type"))?
            && kind != "none"
        {
            return wrong(format!("{name}.rope.scaling.type: expected none, found {kind:?}"));
        }
        if !(self.rope_base.is_finite() && self.rope_base >= 1.0) {
            return Err(Error::new(
                ErrorKind::NonFinite,
                format!("{name}.rope.freq_base: expected at least 1, found {}", self.rope_base),
            ));
        }
        if !(self.rms_eps.is_finite() && self.rms_eps >= 0.0) {
            return Err(Error::new(
                ErrorKind::NonFinite,
                format!(
                    "{name}.attention.layer_norm_rms_epsilon: expected a number ≥ 0, found {}",
                    self.rms_eps
                ),
            ));
        }
        Ok(())
    }

    /// Width of all query heads together.
    pub(crate) const fn q_width(&self) -> usize {
        self.n_heads * self.head_dim
    }

    /// Width of all key (or value) heads together.
    pub(crate) const fn kv_width(&self) -> usize {
        self.n_kv_heads * self.head_dim
    }
}
