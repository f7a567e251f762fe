//! `bench model inspect`: what a model file says about itself, and what is doubtful about it.

mod codes;
mod doubts;
mod keys;
mod show;

use anyhow::{Context as _, Result};
use baselines::{Digest, record::ModelInfo};
use engine::{
    Model,
    gguf::{File, Tensor},
};
use serde_json::{Value, json};

use self::{codes::Codes, doubts::Doubt};
use super::{Context, ModelArgs};
use crate::{
    cli::{Format, print},
    subject::engine::Source,
};

/// Options of `bench model inspect`.
///
/// A file that the engine doesn't run, of an unknown architecture for example, is shown as a file, with the reason: this is a
/// look, so it exits 0. What is no GGUF file, or a broken one, is an error.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    /// List every tensor, instead of one line for those that differ in their layer only.
    #[arg(long)]
    tensors: bool,
}

/// All that there is to see.
struct Look {
    name: String,
    file: File,
    digest: Digest,
    /// What the engine says of the model and its tokenizer, or why it doesn't run it.
    model: std::result::Result<(ModelInfo, String), String>,
    codes: Vec<Codes>,
    doubts: Vec<Doubt>,
    layout: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let source = Source::named(&args.model.model);
    let look = Look::at(&source, source.open_file()?);
    match context.format {
        Format::Json => print(&format!("{:#}\n", document(&look)))?,
        Format::Human | Format::Md => print(&show::text(&look, args.tensors))?,
    }
    Ok(0)
}

impl Look {
    fn at(source: &Source, file: File) -> Self {
        let said = |model: &Model| {
            let tokenizer = match model.tokenizer() {
                Ok(tokenizer) => format!("{} tokens", tokenizer.n_tokens()),
                Err(error) => format!("none: {error}"),
            };
            (source.describe(model), tokenizer)
        };
        let model = source.open().context("not run by this engine");
        let model = model.map(|model| said(&model)).map_err(|error| format!("{error:#}"));
        let (codes, broken) = codes::codes(&file);
        let mut doubts = doubts::doubts(&file);
        doubts.extend(broken.into_iter().map(|text| Doubt { name: "broken_tensor", text }));
        Self {
            name: source.name(),
            digest: Digest::of(file.bytes()),
            model,
            codes,
            doubts,
            layout: doubts::i2_s_layout(&file),
            file,
        }
    }
}

fn document(look: &Look) -> Value {
    let file = &look.file;
    let tensor = |tensor: &Tensor| {
        json!({
            "name": tensor.name(), "type": tensor.format().name(), "type_id": tensor.format().id(),
            "dims": tensor.dims(), "bytes": tensor.range().len(), "offset": tensor.range().start,
        })
    };
    let codes = |codes: &Codes| {
        json!({
            "kind": codes.kind, "type": codes.format, "minus": codes.n[0], "zero": codes.n[1], "plus": codes.n[2],
            "scale_min": codes.scales.map(|scales| scales.0), "scale_max": codes.scales.map(|scales| scales.1),
        })
    };
    let mut document = json!({
        "name": look.name, "digest": look.digest.to_string(), "file_bytes": file.bytes().len(),
        "gguf_version": file.version(), "alignment": file.alignment(),
        "tensors": file.tensors().iter().map(tensor).collect::<Vec<_>>(),
        "keys": keys::keys(file)
            .into_iter()
            .map(|(key, kind, value)| json!({ "key": key, "type": kind, "value": value }))
            .collect::<Vec<_>>(),
        "ternary": look.codes.iter().map(codes).collect::<Vec<_>>(),
        "warnings": look.doubts.iter().map(|d| json!({ "name": d.name, "text": d.text })).collect::<Vec<_>>(),
        "i2_s_layout": look.layout,
        "runs": look.model.is_ok(),
        "reason": look.model.as_ref().err(),
    });
    if let Ok((info, tokenizer)) = &look.model {
        for (key, value) in model(info, tokenizer).as_object().into_iter().flatten() {
            document[key] = value.clone();
        }
    }
    document
}

/// What the engine says of a model that it runs.
fn model(info: &ModelInfo, tokenizer: &str) -> Value {
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
        "architecture": info.architecture, "n_layers": info.n_layers, "n_embd": info.n_embd, "n_ff": info.n_ff,
        "n_heads": info.n_heads, "n_kv_heads": info.n_kv_heads, "head_dim": info.head_dim, "n_vocab": info.n_vocab,
        "n_ctx": info.n_ctx, "linears": linears, "tokenizer": tokenizer,
    })
}
