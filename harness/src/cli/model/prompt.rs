//! The prompt of `bench model generate`: a text, or the user's turn of a conversation in the model's own form.
//! In: what the command line says, or standard input. Out: what the engine goes on from; a template's note as a warning.

use std::io::Read;

use anyhow::{Context as _, Result, ensure};
use engine::{Message, Model, Prompt};

use super::Context;

/// Stands for standard input.
const STDIN: &str = "-";
/// More than any context holds: who pipes an endless stream hears of it before the memory is full.
const BYTES_MAX: u64 = 64 << 20;

/// What to go on from.
#[derive(Debug, clap::Args)]
pub(super) struct PromptArgs {
    /// Text to go on from; `-` reads standard input.
    #[arg(long, value_name = "TEXT")]
    prompt: String,

    /// Take the prompt for a user's turn and put it into the model's chat template; only the answer is printed.
    #[arg(long)]
    chat: bool,

    /// Turn of the system before the user's.
    #[arg(long, value_name = "TEXT", requires = "chat")]
    system: Option<String>,
}

impl PromptArgs {
    /// The prompt, and the text that is printed before what the model adds to it.
    pub(super) fn read(&self, model: &Model, context: &Context<'_>) -> Result<(Prompt, String)> {
        let text = if self.prompt == STDIN {
            utf_8(std::io::stdin().lock())
                .context("failed to read the prompt from standard input")?
        } else {
            self.prompt.clone()
        };
        if !self.chat {
            return Ok((Prompt::Text(text.clone()), text));
        }
        let template = model.chat_template().context("failed to read the chat template")?;
        let template = template.with_context(|| {
            format!(
                "failed to set up the conversation: model `{}` has no chat template (key `tokenizer.chat_template`): \
                 leave out `--chat`, and give the text in the form that the model was trained on",
                model.name()
            )
        })?;
        if let Some(note) = template.note() {
            context.progress.note(&format!("warning: {note}"));
        }
        let system = self.system.iter().map(|text| Message::new("system", text));
        let messages = system.chain([Message::new("user", &text)]).collect();
        Ok((Prompt::Chat(template, messages), String::new()))
    }
}

/// All of `input`, which must be text.
fn utf_8(input: impl Read) -> Result<String> {
    let mut bytes = Vec::new();
    input.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= BYTES_MAX,
        "expected at most {BYTES_MAX} bytes, found more; no context holds that much"
    );
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow::anyhow!("expected UTF-8, found other bytes from byte {at} on; convert it first")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_taken_whole_and_anything_else_says_where_it_begins() {
        assert_eq!(utf_8("a\u{e9}".as_bytes()).unwrap(), "a\u{e9}");
        assert_eq!(utf_8(&b""[..]).unwrap(), "");
        let error = utf_8(&b"ab\xffc"[..]).unwrap_err().to_string();
        assert!(error.contains("expected UTF-8") && error.contains("byte 2"), "{error}");
    }

    #[test]
    fn a_stream_without_an_end_is_refused() {
        let error = utf_8(std::io::repeat(b'a')).unwrap_err().to_string();
        assert!(error.contains("at most 67108864 bytes"), "{error}");
    }
}
