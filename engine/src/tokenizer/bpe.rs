//! Byte-level BPE: words by the pre-tokenizer, every byte as a character of GPT-2's alphabet, then pairs merged inside each
//! word by the `tokenizers` crate.

use tokenizers::Model as _;
use tokenizers::models::bpe::BPE;

use super::alphabet;
use super::known::Known;
use super::pre::Pre;
use crate::{Error, ErrorKind, Result};

/// See the file's door.
#[derive(Debug)]
pub(super) struct Bpe {
    pre: &'static Pre,
    merges: BPE,
    characters: [char; 256],
    /// Bytes without a token. The library would leave them out of a text without a sign.
    missing: Vec<u8>,
}

impl Bpe {
    pub(super) fn new(pre: &'static Pre, merges: BPE, missing: Vec<u8>) -> Self {
        Self { pre, merges, characters: alphabet::characters(), missing }
    }

    /// Appends the ids of `text`.
    pub(super) fn encode<'t>(
        &self,
        text: &'t str,
        known: &mut Known<'t>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let mut result = Ok(());
        let mut mapped = String::new();
        self.pre.split(text, &mut |word| {
            if result.is_ok() {
                result = known.extend(word, out, |ids| {
                    self.check(word)?;
                    mapped.clear();
                    mapped.extend(word.bytes().map(|byte| self.characters[usize::from(byte)]));
                    self.merge(&mapped, ids)
                });
            }
        });
        result
    }

    fn check(&self, word: &str) -> Result<()> {
        match word.bytes().find(|byte| self.missing.contains(byte)) {
            None => Ok(()),
            Some(byte) => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "encode text: expected bytes that the vocabulary has a token for, found {byte:#04x} in {word:?}"
                ),
            )),
        }
    }

    fn merge(&self, word: &str, ids: &mut Vec<u32>) -> Result<()> {
        let tokens = self
            .merges
            .tokenize(word)
            .map_err(|e| Error::new(ErrorKind::InvalidArgument, format!("encode text: {e}")))?;
        ids.extend(tokens.iter().map(|token| token.id));
        Ok(())
    }
}
