//! `bench model perplexity`: how surprised a model is by a text, which is read and scored piece by piece.
//!
//! Three protocols. `windows`: the text's tokens in windows, each on its own, the beginning-of-sequence token in place of its
//! first; all predictions are counted, and apart from them those of the second half, as llama-perplexity does. `stories`: each
//! text between empty lines alone, the closing end-of-sequence token predicted too.

mod protocol;
mod tally;
mod text;

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use engine::{Activations, Session, SessionOptions};
use serde_json::{Value, json};

use self::{protocol::Scorer, tally::Tally, text::Text};
use super::{Context, EngineArgs, ModelArgs};
use crate::{
    cli::{Format, print, table},
    subject::engine::Source,
};

/// Longest window where nothing says otherwise.
const WINDOW_LEN: usize = 512;

/// Options of `bench model perplexity`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    engine: EngineArgs,

    /// File of text; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    text: PathBuf,

    /// What is scored together.
    #[arg(long, value_enum, default_value_t = Protocol::Windows)]
    protocol: Protocol,

    /// Tokens of a window [default: 512, or the model's context if that is less].
    #[arg(long, value_name = "N")]
    window: Option<usize>,

    /// Stop after this many predictions; no more of the text is read than they need.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,

    /// Arithmetic of the ternary products.
    #[arg(long, value_enum, default_value_t = Arithmetic::Int8)]
    activations: Arithmetic,
}

/// What is scored together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Protocol {
    /// Windows of the text's tokens; what fills no window at the end is left out.
    Windows,
    /// Each text between empty lines, to its end.
    Stories,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Arithmetic {
    /// The model's own: activations quantized per token.
    Int8,
    /// Activations as they are.
    Float,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let failed = || format!("failed to score text `{}`", args.text.display());
    let input: Box<dyn Read> = if args.text.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(&args.text).with_context(failed)?)
    };
    let source = Source::named(&args.model.model);
    let model = source.open()?;
    let activations = match args.activations {
        Arithmetic::Int8 => Activations::Int8,
        Arithmetic::Float => Activations::Float,
    };
    let options = SessionOptions { activations, ..args.engine.options(&source, context)? };
    let tokenizer = model.tokenizer().context("failed to read the tokenizer")?;
    for note in tokenizer.notes() {
        context.progress.note(&format!("warning: {note}"));
    }
    let n_ctx = model.config().n_ctx;
    let window = args.window.unwrap_or(WINDOW_LEN.min(n_ctx));
    anyhow::ensure!(
        (2..=n_ctx).contains(&window),
        "{}: `--window`: expected 2 to {n_ctx} tokens, the model's context, found {window}",
        failed()
    );
    let session = Session::new(&model, &options).context("failed to set up the engine")?;
    let mut scorer = Scorer::new(session, tokenizer, args.limit);
    let mut text = Text::new(input);
    let rows = match args.protocol {
        Protocol::Windows => scorer.windows(&mut text, window),
        Protocol::Stories => scorer.stories(&mut text),
    };
    let rows = rows.with_context(failed)?;
    print(&match context.format {
        Format::Json => format!("{:#}\n", document(args, &source, window, text.n_bytes(), &rows)),
        Format::Human | Format::Md => shown(&rows),
    })?;
    Ok(0)
}

fn shown(rows: &[(&str, Tally)]) -> String {
    let head = ["scored", "positions", "perplexity", "± error", "bits/token", "bits/byte"];
    let mut all = table::table(&head, 1..6);
    for (name, tally) in rows {
        all.add_row([
            (*name).to_owned(),
            tally.n.to_string(),
            format!("{:.5}", tally.perplexity()),
            tally.standard_error().map_or_else(|| "unknown".to_owned(), |e| format!("{e:.5}")),
            format!("{:.5}", tally.bits_per_token()),
            tally.bits_per_byte().map_or_else(|| "unknown".to_owned(), |bits| format!("{bits:.5}")),
        ]);
    }
    table::text(&all)
}

fn document(
    args: &Args,
    source: &Source,
    window: usize,
    text_bytes: u64,
    rows: &[(&str, Tally)],
) -> Value {
    let row = |(name, tally): &(&str, Tally)| {
        json!({
            "scored": name,
            "positions": tally.n,
            "bytes": tally.bytes,
            "nll_sum": tally.sum,
            "perplexity": tally.perplexity(),
            "standard_error": tally.standard_error(),
            "standard_error_of_groups": tally.standard_error_of_groups(),
            "bits_per_token": tally.bits_per_token(),
            "bits_per_byte": tally.bits_per_byte(),
        })
    };
    json!({
        "model": source.name(),
        "protocol": if args.protocol == Protocol::Windows { "windows" } else { "stories" },
        "window": (args.protocol == Protocol::Windows).then_some(window),
        "activations": if args.activations == Arithmetic::Int8 { "int8" } else { "float" },
        "kv_format": args.engine.kv.name(),
        "text_bytes_read": text_bytes,
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}
