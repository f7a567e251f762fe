//! `bench model quantize`: the same weights in another ternary format.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use engine::{
    convert::{self, Kept},
    gguf::File,
    quant::{self, BlockFormat},
};
use serde_json::json;

use super::{Context, ModelArgs, groups};
use crate::{
    cli::{Format, print, table},
    files,
    subject::engine::Source,
};

/// Options of `bench model quantize`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    /// Ternary format of the new file: `i2_s`, `tq1_0`, `tq2_0`, …
    #[arg(long, value_name = "FORMAT")]
    to: String,

    /// The file was quantized by an Arm build of bitnet.cpp: its I2_S tensors are in groups of 64. No file says so itself.
    #[arg(long)]
    from_arm: bool,

    /// GGUF file to write.
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
}

/// Tensors of one format.
struct Share {
    format: &'static str,
    n: u64,
    bytes: u64,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let to = format_named(&args.to)?;
    files::check_writable(&args.out)?;
    let source = Source::named(&args.model.model);
    let mut file = source.open_file()?;
    if args.from_arm {
        let bytes = convert::from_arm(&file)
            .with_context(|| format!("failed to lay out model `{}` anew", source.name()))?;
        file = File::parse(bytes.into()).context("failed to read what was laid out anew")?;
    }
    let converted = convert::ternary(&file, to)
        .with_context(|| format!("failed to convert model `{}`", source.name()))?;
    baselines::write_atomic(&args.out, &converted.bytes, 0o644)
        .context("failed to write the model")?;
    // What is reported is what a reader finds.
    let written = File::parse(converted.bytes.into()).context("failed to read the new model")?;
    let shares = shares(&written);
    match context.format {
        Format::Json => {
            print(&format!("{:#}\n", document(args, &written, &shares, &converted.warnings)))?;
        }
        Format::Human | Format::Md => {
            print(&text(args, &written, &shares, &converted.warnings))?;
        }
    }
    Ok(0)
}

fn format_named(name: &str) -> Result<&'static dyn BlockFormat> {
    let ternary = |format: &&&dyn BlockFormat| format.ternary().is_some();
    if let Some(format) = quant::FORMATS.iter().filter(ternary).find(|f| f.name() == name) {
        return Ok(*format);
    }
    let known: Vec<&str> = quant::FORMATS.iter().filter(ternary).map(|f| f.name()).collect();
    bail!("failed to convert: expected a ternary format ({}), found `{name}`", known.join(", "))
}

/// By format, in the order of their names.
fn shares(file: &File) -> Vec<Share> {
    let of = |format: &&dyn BlockFormat| {
        let format = format.name();
        let tensors = file.tensors().iter().filter(|tensor| tensor.format().name() == format);
        let sizes: Vec<u64> = tensors.map(|tensor| tensor.range().len() as u64).collect();
        Share { format, n: sizes.len() as u64, bytes: sizes.iter().sum() }
    };
    quant::FORMATS.iter().map(of).filter(|share| share.n > 0).collect()
}

fn text(args: &Args, file: &File, shares: &[Share], kept: &[Kept]) -> String {
    let mut formats = table::table(&["format", "tensors", "bytes"], 1..3);
    for share in shares {
        formats.add_row([share.format.to_owned(), share.n.to_string(), share.bytes.to_string()]);
    }
    let mut said = format!("wrote {}: {} bytes\n", args.out.display(), file.bytes().len());
    said += &table::text(&formats);
    for (reason, tensors) in by_reason(kept) {
        let line = format!(
            "warning: {} stay as they were ({}): {reason}",
            table::count(tensors.len() as u64, "tensor"),
            kinds(&tensors)
        );
        said += &format!("{}\n", table::wrapped(&table::one_line(&line), "  "));
    }
    said
}

/// Tensors with the same reason, in the order of their first.
fn by_reason(kept: &[Kept]) -> Vec<(&str, Vec<&Kept>)> {
    let mut all: Vec<(&str, Vec<&Kept>)> = Vec::new();
    for kept in kept {
        match all.iter_mut().find(|(reason, _)| *reason == kept.reason) {
            Some((_, tensors)) => tensors.push(kept),
            None => all.push((&kept.reason, vec![kept])),
        }
    }
    all
}

/// `blk.*.attn_q.weight in i2_s, …`
fn kinds(kept: &[&Kept]) -> String {
    let mut kinds: Vec<String> = Vec::new();
    for kept in kept {
        let kind = format!("{} in {}", groups::kind(&kept.tensor), kept.format);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds.join(", ")
}

fn document(args: &Args, file: &File, shares: &[Share], kept: &[Kept]) -> serde_json::Value {
    let share = |s: &Share| json!({ "format": s.format, "n": s.n, "bytes": s.bytes });
    let kept_one = |k: &Kept| json!({ "tensor": k.tensor, "format": k.format, "reason": k.reason });
    json!({
        "out": args.out.display().to_string(), "file_bytes": file.bytes().len(), "to": args.to,
        "formats": shares.iter().map(share).collect::<Vec<_>>(),
        "kept": kept.iter().map(kept_one).collect::<Vec<_>>(),
    })
}
