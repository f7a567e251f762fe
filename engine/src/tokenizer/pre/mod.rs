//! The pre-tokenizer: how text is cut into words before pairs are merged, by the name the file gives.
//!
//! A family is a sequence of expressions; each cuts the pieces that the one before left, and sees a piece without its
//! surroundings. Parts that no expression matches stay pieces of their own. Source of names and expressions: llama.cpp,
//! `src/llama-vocab.cpp`; written by hand, since they look ahead, and held against `fancy-regex` in this folder's test.

mod classes;
mod digits;
mod punctuation;
#[cfg(test)]
mod tests;
mod words;

use crate::{Error, ErrorKind, Result, gguf::File};

const KEY: &str = "tokenizer.ggml.pre";

/// How many bytes at the start of a text one expression matches; 0 if it does not match there. The text is never empty.
type Expression = fn(&str) -> usize;

/// A family of pre-tokenizers that cut alike.
#[derive(Debug)]
pub(super) struct Pre {
    /// Their names in files.
    names: &'static [&'static str],
    expressions: &'static [Expression],
    /// Whether a word that is a token as a whole is never merged from its parts.
    pub(super) ignore_merges: bool,
    /// Whether the model starts with BOS where the file does not say.
    pub(super) adds_bos: bool,
}

/// The families this build knows.
const PRES: &[Pre] = &[
    Pre {
        names: &["default"],
        expressions: &[punctuation::runs, words::gpt2, digits::run_of_numbers, digits::three],
        ignore_merges: false,
        adds_bos: false,
    },
    Pre {
        names: &["falcon"],
        expressions: &[punctuation::runs_and_backticks, words::gpt2, digits::three],
        ignore_merges: false,
        adds_bos: false,
    },
    Pre {
        names: &[
            "a.x-4.0",
            "exaone4",
            "gigachat",
            "gpt-2",
            "jais",
            "jina-de",
            "jina-es",
            "jina-v1-en",
            "jina-v2-code",
            "jina-v2-de",
            "jina-v2-es",
            "mellum",
            "modern-bert",
            "mpt",
            "olmo",
            "phi-2",
            "roberta-bpe",
            "trillion",
        ],
        expressions: &[words::gpt2],
        ignore_merges: false,
        adds_bos: false,
    },
    Pre {
        names: &[
            "falcon-h1",
            "falcon3",
            "falcon_e",
            "jina-v5-nano",
            "lfm2",
            "llama-bpe",
            "llama-v3",
            "llama3",
            "midm-2.0",
            "pixtral",
        ],
        expressions: &[words::llama3],
        ignore_merges: true,
        adds_bos: true,
    },
    Pre {
        names: &[
            "deepseek-r1-qwen",
            "hunyuan",
            "kormo",
            "megrez",
            "qwen2",
            "solar-open",
            "stablelm2",
        ],
        expressions: &[words::qwen2],
        ignore_merges: false,
        adds_bos: false,
    },
    Pre {
        names: &["codeshell", "command-r", "exaone", "minerva-7b", "refact", "smollm", "starcoder"],
        expressions: &[digits::one, words::gpt2],
        ignore_merges: false,
        adds_bos: false,
    },
];

/// The name of the family of Llama 3, which the official 2B-4T file leaves out.
pub(super) const LLAMA3: &str = "llama-bpe";

/// Whether the file names one.
pub(super) fn is_named(file: &File) -> Result<bool> {
    Ok(file.find_string(KEY)?.is_some())
}

/// What the file names, or `missing` where it names nothing. A file without a name is else refused: the usual guess,
/// `default`, cuts numbers, punctuation and line ends differently, which costs quality without a sign.
pub(super) fn read(file: &File, missing: Option<&str>) -> Result<&'static Pre> {
    let refuse = |found: &str| {
        let mut known: Vec<&str> = PRES.iter().flat_map(|pre| pre.names).copied().collect();
        known.sort_unstable();
        let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let known = known.join(", ");
        let text = format!("key `{KEY}`: expected a known pre-tokenizer ({known}), found {found}");
        Err(Error::new(ErrorKind::MissingTokenizer, text))
    };
    match file.find_string(KEY)?.or(missing) {
        None => refuse("no such key; add it to the file with the name the model was trained with"),
        Some(name) => match PRES.iter().find(|pre| pre.names.contains(&name)) {
            Some(pre) => Ok(pre),
            None => refuse(&format!("`{}`", name.escape_debug())),
        },
    }
}

impl Pre {
    /// Calls `each` with the words of `text`, in order; together they are `text`.
    pub(super) fn split<'t>(&self, text: &'t str, each: &mut impl FnMut(&'t str)) {
        split(self.expressions, text, each);
    }
}

fn split<'t>(expressions: &[Expression], text: &'t str, each: &mut impl FnMut(&'t str)) {
    let Some((expression, others)) = expressions.split_first() else {
        each(text);
        return;
    };
    let mut unmatched = 0; // where the part not matched yet begins
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let n = expression(&text[at..]);
        if n == 0 {
            at += first.len_utf8();
            continue;
        }
        if unmatched < at {
            split(others, &text[unmatched..at], each);
        }
        split(others, &text[at..at + n], each);
        at += n;
        unmatched = at;
    }
    if unmatched < at {
        split(others, &text[unmatched..], each);
    }
}
