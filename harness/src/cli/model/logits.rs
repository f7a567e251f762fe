//! `bench model logits`: f32 `[tokens, vocab]` as safetensors, so that anyone can check them against another engine.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use engine::{Activations, Session, SessionOptions};
use safetensors::{Dtype, tensor::TensorView};

use super::{Context, EngineArgs, ModelArgs};
use crate::{files, subject::engine::Source};

/// Options of `bench model logits`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("input").required(true).args(["ids", "text"])))]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    engine: EngineArgs,

    /// Token ids, separated by commas; fed as they are.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    ids: Option<Vec<u32>>,

    /// Text, tokenized with the beginning-of-sequence token.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,

    /// Arithmetic of the ternary products.
    #[arg(long, value_enum, default_value_t = Arithmetic::Int8)]
    activations: Arithmetic,

    /// File to write; its one tensor is called `logits`.
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Arithmetic {
    /// The model's own: activations quantized per token.
    Int8,
    /// Activations as they are.
    Float,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    files::check_writable(&args.out)?;
    let source = Source::named(&args.model.model);
    let model = source.open()?;
    let ids = match (&args.ids, &args.text) {
        (Some(ids), _) => ids.clone(),
        (None, text) => {
            let tokenizer = model.tokenizer().context("failed to read the tokenizer")?;
            tokenizer
                .encode(text.as_deref().unwrap_or_default(), true)
                .context("failed to tokenize")?
        }
    };
    let activations = match args.activations {
        Arithmetic::Int8 => Activations::Int8,
        Arithmetic::Float => Activations::Float,
    };
    let options = SessionOptions { activations, ..args.engine.options(&source, context)? };
    let mut session = Session::new(&model, &options).context("failed to set up the engine")?;

    let mut bytes = Vec::with_capacity(ids.len() * model.config().n_vocab * size_of::<f32>());
    session
        .score(&ids, |_, logits| bytes.extend(logits.iter().flat_map(|logit| logit.to_le_bytes())))
        .context("failed to score the tokens")?;
    let shape = vec![ids.len(), model.config().n_vocab];
    let view = TensorView::new(Dtype::F32, shape, &bytes).context("failed to shape the logits")?;
    let file =
        safetensors::serialize([("logits", view)], None).context("failed to write safetensors")?;
    baselines::write_atomic(&args.out, &file, 0o644).context("failed to write the logits")?;
    context.progress.note(&format!(
        "wrote {}: logits [{}, {}] of f32, {} activations, {}",
        args.out.display(),
        ids.len(),
        model.config().n_vocab,
        if activations == Activations::Int8 { "int8" } else { "float" },
        session.isa()
    ));
    Ok(0)
}
