//! `bench model convert`: a Hugging Face folder to a GGUF file.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use engine::convert::{Options, hugging_face};

use super::Context;
use crate::files;

/// Options of `bench model convert`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder with config.json and safetensors of a BitNet or a Llama, and tokenizer.json if the model shall take text.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,

    /// File to write.
    #[arg(long, value_name = "FILE.gguf")]
    out: PathBuf,

    /// Type of embedding, head and dense linears: f16 or f32.
    #[arg(long, value_name = "TYPE", default_value = "f16")]
    float: String,

    /// Format of ternary linears, such as `i2_s`.
    #[arg(long, value_name = "FORMAT", default_value = "i2_s")]
    ternary: String,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let options = Options::named(&args.float, &args.ternary).context("failed to convert")?;
    files::check_writable(&args.out)?;
    let converted = hugging_face(&args.folder, &options).context("failed to convert")?;
    baselines::write_atomic(&args.out, &converted.bytes, files::READABLE)
        .context("failed to write the model")?;
    for warning in &converted.warnings {
        context.progress.note(&format!("warning: {warning}"));
    }
    context.progress.note(&format!(
        "wrote {}: {}, {} tensors, {} bytes",
        args.out.display(),
        converted.architecture,
        converted.n_tensors,
        converted.bytes.len()
    ));
    Ok(0)
}
