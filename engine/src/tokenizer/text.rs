//! The tokenizer itself: encode and decode.

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{
    Model as _, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _,
};

use super::special::{Part, Specials};
use super::stream::TokenStream;
use super::vocabulary::Vocabulary;
use crate::{Error, ErrorKind, Result};

/// Text to ids and back, with the vocabulary of one model.
#[derive(Debug)]
pub struct Tokenizer {
    pub(super) vocabulary: Vocabulary,
    pub(super) specials: Specials,
    pub(super) words: ByteLevel,
    pub(super) bpe: BPE,
    pub(super) bos: Option<u32>,
    pub(super) eos: Option<u32>,
    pub(super) adds_bos: bool,
    /// Sorted.
    pub(super) ends: Vec<u32>,
}

impl Tokenizer {
    /// The ids of `text`, taken as text: `<|eos|>` in it is seven characters. User-defined tokens are matched.
    /// With `add_bos`, the BOS id comes first.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if `add_bos` is asked of a model without one.
    pub fn encode(&self, text: &str, add_bos: bool) -> Result<Vec<u32>> {
        self.encode_parts(text, add_bos, false)
    }

    /// As [`encode`](Self::encode), but control tokens named in `text` become those tokens: for templates and corpora,
    /// never for what a user typed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if `add_bos` is asked of a model without one.
    pub fn encode_with_control(&self, text: &str, add_bos: bool) -> Result<Vec<u32>> {
        self.encode_parts(text, add_bos, true)
    }

    fn encode_parts(&self, text: &str, add_bos: bool, with_control: bool) -> Result<Vec<u32>> {
        let mut ids = Vec::with_capacity(text.len() / 3 + 1);
        if add_bos {
            ids.push(self.bos.ok_or_else(|| {
                let text = "encode with BOS: expected key `tokenizer.ggml.bos_token_id`, found none in the model file";
                Error::new(ErrorKind::InvalidArgument, text)
            })?);
        }
        for part in self.specials.parts(text, with_control) {
            match part {
                Part::Token(id) => ids.push(id),
                Part::Text(text) => self.encode_text(text, &mut ids).map_err(|e| {
                    Error::new(ErrorKind::InvalidArgument, format!("encode text: {e}"))
                })?,
            }
        }
        Ok(ids)
    }

    /// Words by the pre-tokenizer, then pairs merged inside each word.
    fn encode_text(&self, text: &str, ids: &mut Vec<u32>) -> tokenizers::Result<()> {
        let mut words = PreTokenizedString::from(text);
        self.words.pre_tokenize(&mut words)?;
        for (word, _, _) in words.get_splits(OffsetReferential::Original, OffsetType::Byte) {
            ids.extend(self.bpe.tokenize(word)?.iter().map(|token| token.id));
        }
        Ok(())
    }

    /// The text of `ids`. Control tokens add nothing; bytes that form no character become U+FFFD.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for an id outside the vocabulary.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        let pieces: Vec<&[u8]> = ids.iter().map(|&id| self.piece(id)).collect::<Result<_>>()?;
        Ok(String::from_utf8_lossy(&pieces.concat()).into_owned())
    }

    /// A decoder that takes ids one by one.
    #[must_use]
    pub const fn stream(&self) -> TokenStream<'_> {
        TokenStream::new(self)
    }

    /// The bytes `id` adds to a text, which may be part of a character; none for a control token.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for an id outside the vocabulary.
    pub fn piece(&self, id: u32) -> Result<&[u8]> {
        self.vocabulary.text(id)
    }

    /// The id a text begins with, if the model has one.
    #[must_use]
    pub const fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// The id a text ends with, if the model has one.
    #[must_use]
    pub const fn eos(&self) -> Option<u32> {
        self.eos
    }

    /// Whether the model expects BOS in front of a prompt: `tokenizer.ggml.add_bos_token`, or its family's habit.
    #[must_use]
    pub const fn adds_bos(&self) -> bool {
        self.adds_bos
    }

    /// Whether generation stops at `id`: EOS, end of turn, end of message, or a token of a text that means one of them.
    #[must_use]
    pub fn is_end_of_generation(&self, id: u32) -> bool {
        self.ends.binary_search(&id).is_ok()
    }

    /// Size of the vocabulary: ids are below it.
    #[must_use]
    pub const fn n_tokens(&self) -> usize {
        self.vocabulary.len()
    }
}
