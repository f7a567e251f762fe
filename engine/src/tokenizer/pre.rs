//! The pre-tokenizer: how text is cut into words before pairs are merged, by the name the file gives.

use crate::gguf::File;
use crate::{Error, ErrorKind, Result};

const KEY: &str = "tokenizer.ggml.pre";

/// A way to cut text into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pre {
    /// Its name in files.
    pub(super) name: &'static str,
    /// Whether the model starts with BOS where the file does not say.
    pub(super) adds_bos: bool,
}

/// The names this build knows. `gpt-2` is the expression built into the `tokenizers` crate's byte-level splitter.
pub(super) const PRES: &[Pre] = &[Pre { name: "gpt-2", adds_bos: false }];

/// What the file names. A file without a name is refused: the usual guess, `default`, cuts numbers, punctuation and line
/// ends differently, which costs quality without a sign (the official 2B4T file is such a one).
pub(super) fn read(file: &File) -> Result<Pre> {
    let known: Vec<String> = PRES.iter().map(|pre| format!("`{}`", pre.name)).collect();
    let known = known.join(", ");
    let refuse = |found: &str| {
        let text = format!("key `{KEY}`: expected a known pre-tokenizer ({known}), found {found}");
        Err(Error::new(ErrorKind::MissingTokenizer, text))
    };
    match file.find_string(KEY)? {
        None => refuse("no such key; add it to the file with the name the model was trained with"),
        Some(name) => match PRES.iter().find(|pre| pre.name == name) {
            Some(pre) => Ok(*pre),
            None => refuse(&format!("`{}`", name.escape_debug())),
        },
    }
}
