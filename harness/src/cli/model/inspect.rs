//! `bench model inspect`: what the model file says about itself.

use anyhow::Result;
use baselines::record::ModelInfo;
use serde_json::json;

use super::{Context, ModelArgs};
use crate::{
    cli::{Format, print, table},
    subject::engine::Source,
};

/// Options of `bench model inspect`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let source = Source::named(&args.model.model);
    let model = source.open()?;
    let info = source.describe(&model);
    let tokenizer = match model.tokenizer() {
        Ok(tokenizer) => format!("{} tokens", tokenizer.n_tokens()),
        Err(error) => format!("none: {error}"),
    };
    match context.format {
        Format::Json => print(&format!("{:#}\n", document(&info)))?,
        Format::Human | Format::Md => print(&table::model(&info, &tokenizer))?,
    }
    Ok(0)
}

fn document(info: &ModelInfo) -> serde_json::Value {
    let linears: Vec<_> = info
        .linears
        .iter()
        .map(|linear| {
            json!({
                "name": linear.name, "rows": linear.rows, "cols": linear.cols, "format": linear.format,
                "n": linear.n, "bytes": linear.bytes,
            })
        })
        .collect();
    json!({
        "name": info.name, "digest": info.digest.to_string(), "file_bytes": info.file_bytes,
        "architecture": info.architecture, "n_layers": info.n_layers, "n_embd": info.n_embd, "n_ff": info.n_ff,
        "n_heads": info.n_heads, "n_kv_heads": info.n_kv_heads, "head_dim": info.head_dim, "n_vocab": info.n_vocab,
        "n_ctx": info.n_ctx, "linears": linears,
    })
}
