//! Chat templates: a conversation as the text that the model was trained on, by the Jinja template in its file.
//!
//! In: messages. Out: a text that names control tokens, for [`Tokenizer::encode_chat`], which takes those that a message
//! names as text: a user cannot end a turn. Templates are programs of strangers: they see the messages and the names of
//! BOS and EOS, nothing else, and have a limited number of instructions and bytes. Rendered as `transformers` does
//! (`trim_blocks`, `lstrip_blocks`, Python's methods).

use std::io::{self, Write};

use minijinja::{
    Environment, context,
    syntax::SyntaxConfig,
    value::{Kwargs, Value},
};
use serde::Serialize as _;
use serde_json::ser::Formatter;

use crate::{Error, ErrorKind, Result, Tokenizer, gguf::File};

const KEY: &str = "tokenizer.chat_template";

/// Instructions, and 64 bytes each, that a template may use besides what the messages need.
const FUEL: u64 = 500_000;

/// The format that BitNet 2B-4T was trained on. Source: microsoft/BitNet, `gpu/tokenizer.py`.
const BITNET_2B_4T: &str = "{% for message in messages %}{{ message.role | capitalize }}: {{ message.content | trim }}\
                            <|eot_id|>{% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}";

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
}

impl Message {
    /// A turn of `role`.
    #[must_use]
    pub fn new(role: &str, content: &str) -> Self {
        Self { role: role.to_owned(), content: content.to_owned() }
    }
}

/// The template of one model.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    source: String,
    note: Option<String>,
}

impl ChatTemplate {
    /// The template of `file`, if it has one. The official 2B-4T file's is known to be wrong and replaced, with a note.
    ///
    /// # Errors
    /// [`ErrorKind::Gguf`] if the key is no text.
    pub fn from_gguf(file: &File) -> Result<Option<Self>> {
        let Some(source) = file.find_string(KEY)? else { return Ok(None) };
        if source.contains("BITNETAssistant") {
            let note = format!(
                "key `{KEY}`: `BITNETAssistant` is not what the model was trained on; `User: …<|eot_id|>Assistant: ` is used"
            );
            return Ok(Some(Self { source: BITNET_2B_4T.to_owned(), note: Some(note) }));
        }
        Ok(Some(Self::new(source)))
    }

    /// A template of this text.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self { source: source.to_owned(), note: None }
    }

    /// What was changed about the file's template.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The text of `messages`, and where the model's turn begins.
    ///
    /// # Errors
    /// [`ErrorKind::ChatTemplate`] if the template is broken, asks for what there is not, refuses the messages, or does not
    /// come to an end.
    pub fn render(&self, messages: &[Message], bos: &str, eos: &str) -> Result<String> {
        let said: usize = messages.iter().map(|message| message.content.len()).sum();
        let failed = |e: minijinja::Error| {
            let line = e.line().map_or_else(String::new, |line| format!(", line {line}"));
            Error::new(ErrorKind::ChatTemplate, format!("chat template{line}: {e}"))
        };
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        let mut environment = Environment::new();
        environment.set_syntax(syntax.map_err(failed)?);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_fuel(Some(FUEL + said as u64));
        environment.add_filter("tojson", json);
        environment.add_function(
            "raise_exception",
            |text: String| -> Result<Value, minijinja::Error> {
                Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, text))
            },
        );
        let messages: Vec<Value> = messages
            .iter()
            .map(|Message { role, content }| context! { role => role, content => content })
            .collect();
        let context = context! {
            messages => messages,
            add_generation_prompt => true,
            bos_token => bos,
            eos_token => eos,
        };
        environment.render_str(&self.source, context).map_err(failed)
    }
}

/// JSON as Python's `json.dumps` writes it: blanks behind separators, no escapes but those that JSON needs.
#[expect(clippy::needless_pass_by_value, reason = "the library passes it so")]
fn json(value: &Value, options: Kwargs) -> Result<String, minijinja::Error> {
    let indent: Option<usize> = options.get("indent")?;
    options.assert_all_used()?;
    let mut out = Vec::new();
    let written = match indent {
        Some(n) => {
            let blanks = " ".repeat(n.min(80));
            let pretty = serde_json::ser::PrettyFormatter::with_indent(blanks.as_bytes());
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, pretty))
        }
        None => value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, OneLine)),
    };
    let failed = |text| minijinja::Error::new(minijinja::ErrorKind::BadSerialization, text);
    written.map_err(|e| failed(e.to_string()))?;
    String::from_utf8(out).map_err(|e| failed(e.to_string()))
}

/// `{"a": [1, 2]}`.
struct OneLine;

impl Formatter for OneLine {
    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

impl Tokenizer {
    /// The ids of a conversation in the model's own form. Control tokens that a message names are text; BOS comes first where
    /// the template or the tokenizer puts it.
    ///
    /// # Errors
    /// As [`ChatTemplate::render`]; [`ErrorKind::InvalidArgument`] as [`Tokenizer::encode`].
    pub fn encode_chat(&self, template: &ChatTemplate, messages: &[Message]) -> Result<Vec<u32>> {
        let name = |id: Option<u32>| id.and_then(|id| self.name(id)).unwrap_or_default();
        let (bos, eos) = (name(self.bos()), name(self.eos()));
        let guard = self.guard(messages, &template.source);
        let guarded: Vec<Message> = messages
            .iter()
            .map(|message| Message {
                role: message.role.clone(),
                content: self.guarded(&message.content, guard),
            })
            .collect();
        let text = template.render(&guarded, bos, eos)?;
        let adds_bos = self.adds_bos() && (bos.is_empty() || !text.starts_with(bos));
        self.encode_guarded(&text, adds_bos, guard)
    }

    /// A character that none of them holds: one of those that never stand for anything.
    fn guard(&self, messages: &[Message], template: &str) -> char {
        let is_free = |c: &char| {
            !template.contains(*c) && messages.iter().all(|message| !message.content.contains(*c))
        };
        // Of 32 such characters, a text that holds them all holds none of a control token: any of them will do.
        ('\u{fdd0}'..='\u{fdef}').find(is_free).unwrap_or('\u{fdd0}')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str) -> Result<String> {
        let messages = [Message::new("user", " Hi <|x|> "), Message::new("assistant", "Yes?")];
        ChatTemplate::new(source).render(&messages, "<s>", "</s>")
    }

    #[test]
    fn the_2b_4t_form_is_turns_of_names_and_a_prompt() {
        assert_eq!(
            render(BITNET_2B_4T).unwrap(),
            "User: Hi <|x|><|eot_id|>Assistant: Yes?<|eot_id|>Assistant: "
        );
    }

    #[test]
    fn templates_have_blocks_trimmed_methods_of_python_and_namespaces() {
        let source = "{% set ns = namespace(n=0) %}\n{% for m in messages %}\n  {% set ns.n = ns.n + 1 %}\n\
                      {{ ns.n }}{{ m['content'].strip().upper() }}{{ eos_token }}{% endfor %}\n";
        assert_eq!(render(source).unwrap(), "1HI <|X|></s>2YES?</s>");
        assert_eq!(
            render("{{ bos_token }}{{ messages[0].role | tojson }}").unwrap(),
            "<s>\"user\""
        );
    }

    #[test]
    fn what_is_broken_unknown_refused_or_endless_is_an_error_with_its_reason() {
        let endless = "{% for a in range(100000) %}{% for b in range(100000) %}{{ b }}{% endfor %}{% endfor %}";
        let doubling = "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}\
                        {% set ns.x = ns.x ~ ns.x %}{% endfor %}";
        let deep = "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}";
        for (source, part) in [
            ("{% for %}", "syntax error"),
            ("{{ open('/etc/passwd') }}", "unknown function"),
            ("{{ messages | frobnicate }}", "unknown filter"),
            ("{{ messages[0].nothing.at_all }}", "undefined value"),
            ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
            ("{{ 'a' * 1000000000 }}", "fuel"),
            ("{% include 'x' %}", ""),
            (endless, "fuel"),
            (doubling, "fuel"),
            (deep, "recursion"),
        ] {
            let e = render(source).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::ChatTemplate, "{source}");
            assert!(e.to_string().contains(part), "{source}: {e}");
        }
    }
}
