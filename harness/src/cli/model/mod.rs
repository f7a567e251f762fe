//! `bench model`: look at a model, make one of a checkpoint or of a seed, convert it, let it write, take its logits.

mod convert;
mod generate;
mod groups;
mod inspect;
mod logits;
mod perplexity;
mod prompt;
mod quantize;
mod synth;
mod tokenize;

use anyhow::Result;
use clap::{
    Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use engine::{KvFormat, SessionOptions};

use super::Context;
use crate::subject::engine::BUILTIN;

/// The subcommands of `bench model`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Generate text, streamed to stdout.
    Generate(generate::Args),
    /// Write the logits of every position to a safetensors file.
    Logits(logits::Args),
    /// Score a text: perplexity, bits a token and a byte.
    Perplexity(perplexity::Args),
    /// Print sizes, tensors, keys, ternary codes and what is doubtful about a model file.
    Inspect(inspect::Args),
    /// Write a Hugging Face folder (BitNet or Llama, safetensors) as a GGUF file.
    Convert(convert::Args),
    /// Write a model in another ternary format, with the same weights.
    Quantize(quantize::Args),
    /// Print the tokens of a text.
    Tokenize(tokenize::Args),
    /// Write a model with random weights in the exact shape of a public one.
    Synth(synth::Args),
}

/// Which model.
#[derive(Clone, Debug, clap::Args)]
struct ModelArgs {
    /// `stories` (built in), `synthetic:NAME[@SEED]` (drawn when first used; `bench model synth`) or the path of a GGUF file.
    #[arg(long, value_name = "MODEL", default_value = BUILTIN)]
    model: String,
}

/// How the engine is set up.
#[derive(Clone, Debug, clap::Args)]
struct EngineArgs {
    /// Threads of the engine [default: all CPUs].
    #[arg(long, value_name = "N")]
    threads: Option<u64>,

    /// Instruction set: scalar, avx2 or avx512 [env: `BENCH_ISA`] [default: the best available].
    #[arg(long, value_name = "NAME")]
    isa: Option<String>,

    /// Storage of keys and values: f32 as computed, f16 in half the bytes, int8 in about a quarter; the latter two change
    /// results a little (engine/docs/numerics.md).
    #[arg(long, value_name = "FORMAT", default_value = "f32", value_parser = kv_format())]
    kv: KvFormat,
}

fn kv_format() -> impl TypedValueParser<Value = KvFormat> {
    PossibleValuesParser::new(KvFormat::ALL.map(KvFormat::name))
        .try_map(|name| name.parse::<KvFormat>())
}

impl EngineArgs {
    fn options(
        &self,
        source: &crate::subject::engine::Source,
        context: &Context<'_>,
    ) -> Result<SessionOptions> {
        let isa = self.isa.clone().or_else(|| context.vars.isa());
        let options = source.options(isa.as_deref(), self.threads)?;
        Ok(SessionOptions { kv: self.kv, ..options })
    }
}

pub(crate) fn run(command: &Command, context: &Context<'_>) -> Result<u8> {
    match command {
        Command::Generate(args) => generate::run(args, context),
        Command::Logits(args) => logits::run(args, context),
        Command::Perplexity(args) => perplexity::run(args, context),
        Command::Inspect(args) => inspect::run(args, context),
        Command::Convert(args) => convert::run(args, context),
        Command::Quantize(args) => quantize::run(args, context),
        Command::Tokenize(args) => tokenize::run(args, context),
        Command::Synth(args) => synth::run(args, context),
    }
}
