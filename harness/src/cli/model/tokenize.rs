//! `bench model tokenize`: the tokens of a text, by id and by what each adds to the text.

use std::{fs, io::Read as _, path::PathBuf};

use anyhow::{Context as _, Result};
use engine::Tokenizer;
use serde_json::json;

use super::{Context, ModelArgs};
use crate::{
    cli::{Format, print},
    subject::engine::Source,
};

/// Options of `bench model tokenize`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("input").required(true).args(["text", "file"])))]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    /// The text.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,

    /// A file of text; `-` for standard input.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,

    /// Put the beginning-of-sequence token in front.
    #[arg(long)]
    bos: bool,

    /// Read the names of control tokens in the text as those tokens.
    #[arg(long)]
    control: bool,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let source = Source::named(&args.model.model);
    let text = args.text()?;
    let file = source.open_file()?;
    let tokenizer = Tokenizer::from_gguf(&file).context("failed to read the tokenizer")?;
    for note in tokenizer.notes() {
        context.progress.note(&format!("warning: {note}"));
    }
    let ids = if args.control {
        tokenizer.encode_with_control(&text, args.bos)
    } else {
        tokenizer.encode(&text, args.bos)
    };
    let ids = ids.context("failed to tokenize")?;
    if context.format == Format::Json {
        print(&format!(
            "{}\n",
            json!({ "model": source.name(), "bytes": text.len(), "ids": ids })
        ))?;
        return Ok(0);
    }
    for id in ids {
        let piece = tokenizer.piece(id)?;
        print(&format!("{id:>7}  {}\n", String::from_utf8_lossy(piece).escape_debug()))?;
    }
    Ok(0)
}

impl Args {
    fn text(&self) -> Result<String> {
        let bytes = match (&self.text, &self.file) {
            (Some(text), _) => return Ok(text.clone()),
            (None, Some(path)) if path.as_os_str() != "-" => fs::read(path)
                .with_context(|| format!("failed to read the text `{}`", path.display()))?,
            (None, _) => {
                let mut bytes = Vec::new();
                std::io::stdin()
                    .read_to_end(&mut bytes)
                    .context("failed to read the text from standard input")?;
                bytes
            }
        };
        String::from_utf8(bytes).context("failed to read the text: expected UTF-8")
    }
}
