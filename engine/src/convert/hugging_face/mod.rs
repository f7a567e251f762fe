//! A Hugging Face folder to GGUF: config.json, safetensors, tokenizer.json in, the bytes of a model file out.
//!
//! ```text
//! config.json ─────► Config, Linears (how weights are stored) ─┐
//! *.safetensors ───► Shards (tensors by name, each taken once) ─┼─► names, permutation, packing ─► GGUF
//! tokenizer.json ──► tokens, merges, pre-tokenizer name ────────┘
//! ```
//!
//! Nothing is left out in silence: a tensor without a place in the graph, a bias, another RoPE scaling or quantisation is an
//! error; what only the tokenizer lacks is a warning.
//!
//! | checkpoint | written as | ternary linears |
//! |---|---|---|
//! | BitNet, `relu2` | `bitnet-b1.58` | master weights (`online`): scale = mean\|w\|; packed (`offline`): `weight_scale` |
//! | BitNet, `silu` | `bitnet` | likewise |
//! | Llama | `llama`, rows of Q and K permuted for interleaved RoPE | only with `quantization_config`; else dense |
//!
//! `weight_scale` multiplies in the class `AutoBitLinear` and divides in `BitLinear`; `quantization_config` tells which.

mod bitnet;
mod config;
mod hf;
mod json;
mod linears;
mod llama;
mod pre;
mod rope;
mod shards;
mod ternary;
mod tokenizer;

use std::path::Path;

use crate::{
    Error, ErrorKind, Result,
    quant::{self, BlockFormat},
};

/// How tensors are written.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Embedding, head, and the linears of a dense model: `f16` or `f32`.
    pub float: &'static dyn BlockFormat,
    /// The linears of a ternary model.
    pub ternary: &'static dyn BlockFormat,
}

impl Default for Options {
    fn default() -> Self {
        Self { float: &quant::f16::F16, ternary: &quant::i2_s::I2S }
    }
}

impl Options {
    /// The options with these formats, by name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for a name that this build does not know, or of a format for other weights.
    pub fn named(float: &str, ternary: &str) -> Result<Self> {
        let find = |name: &str, what: &str, fits: fn(&dyn BlockFormat) -> bool| {
            let mut formats = quant::FORMATS.iter().copied().filter(|format| fits(*format));
            let known: Vec<&str> = formats.clone().map(BlockFormat::name).collect();
            formats.find(|format| format.name() == name).ok_or_else(|| {
                let text = format!(
                    "format of {what}: expected one of {}, found {name:?}",
                    known.join(", ")
                );
                Error::new(ErrorKind::InvalidArgument, text)
            })
        };
        let is_float = |format: &dyn BlockFormat| ["f16", "f32"].contains(&format.name());
        Ok(Self {
            float: find(float, "embedding and head", is_float)?,
            ternary: find(ternary, "ternary weights", |format| format.ternary().is_some())?,
        })
    }
}

/// A model file made of a checkpoint.
#[derive(Debug)]
pub struct Converted {
    /// The file.
    pub bytes: Vec<u8>,
    /// `general.architecture` of it.
    pub architecture: &'static str,
    /// Tensors in it.
    pub n_tensors: usize,
    /// What a reader of the file will miss: sentences for a person.
    pub warnings: Vec<String>,
}

/// A class of checkpoints, as `architectures` in config.json names it.
#[derive(Debug)]
struct Family {
    /// Name of the class.
    class: &'static str,
    /// Architectures by the value of `hidden_act`.
    architectures: &'static [(&'static str, &'static str)],
    /// Norms before the output and the down projection.
    sub_norms: Option<[&'static str; 2]>,
    /// Whether rows of Q and K are permuted: RoPE of these architectures turns neighbours, transformers turns halves.
    permutes: bool,
    /// Base of the RoPE frequencies where config.json has none.
    rope_base: f32,
    /// What linears are without `quantization_config`; `None` if that is an error.
    linears: Option<linears::Linears>,
}

/// The register, sorted by class.
const FAMILIES: &[&Family] = &[&bitnet::BITNET, &bitnet::BITNET_1BITLLM, &llama::LLAMA];

/// Converts the Hugging Face folder at `folder`: config.json, safetensors, and tokenizer.json if there is one.
///
/// # Errors
/// [`ErrorKind::Io`] for a file that can't be read, [`ErrorKind::Checkpoint`] for one that is damaged or says something that
/// would not be true of the result, [`ErrorKind::UnsupportedArchitecture`] for a class this build does not know,
/// [`ErrorKind::Shape`] for a tensor of another shape or one that the format can't hold, [`ErrorKind::NonFinite`] for a
/// weight that is not a number. The text names the file or the tensor.
pub fn hugging_face(folder: &Path, options: &Options) -> Result<Converted> {
    hf::convert(folder, options)
        .map_err(|error| Error::new(error.kind(), format!("`{}`: {error}", folder.display())))
}

/// An error about a checkpoint: where, expected, found.
fn wrong(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Checkpoint, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ARCHS;

    #[test]
    fn families_are_sorted_and_write_architectures_that_the_engine_runs() {
        assert!(FAMILIES.windows(2).all(|pair| pair[0].class < pair[1].class));
        let known: Vec<&str> = ARCHS.iter().flat_map(|arch| arch.names).copied().collect();
        for family in FAMILIES {
            for (activation, architecture) in family.architectures {
                assert!(known.contains(architecture), "{activation}: {architecture}");
            }
        }
    }

    #[test]
    fn options_go_by_name_and_refuse_formats_of_other_weights() {
        let options = Options::named("f32", "i2_s").unwrap();
        assert_eq!((options.float.name(), options.ternary.name()), ("f32", "i2_s"));
        for (float, ternary) in [("i2_s", "i2_s"), ("f16", "f16"), ("f16", "i2s"), ("", "i2_s")] {
            let error = Options::named(float, ternary).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{float} {ternary}");
            assert!(error.to_string().contains("expected one of"), "{error}");
        }
    }
}
