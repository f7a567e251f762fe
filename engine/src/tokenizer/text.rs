//! The tokenizer itself: encode and decode.

use std::borrow::Cow;

use super::bpe::Bpe;
use super::known::Known;
use super::special::{Part, Specials};
use super::spm::{BLANK, Spm};
use super::stream::TokenStream;
use super::vocabulary::Vocabulary;
use crate::{Error, ErrorKind, Result};

/// Text to ids and back, with the vocabulary of one model.
#[derive(Debug)]
pub struct Tokenizer {
    pub(super) vocabulary: Vocabulary,
    pub(super) specials: Specials,
    pub(super) family: Family,
    pub(super) bos: Option<u32>,
    pub(super) eos: Option<u32>,
    pub(super) adds_bos: bool,
    /// Sorted.
    pub(super) ends: Vec<u32>,
    pub(super) notes: Vec<String>,
}

/// How text becomes tokens.
#[derive(Debug)]
pub(super) enum Family {
    Bpe(Box<Bpe>),
    Spm(Box<Spm>),
}

impl Tokenizer {
    /// The ids of `text`, taken as text: `<|eos|>` in it is seven characters. User-defined tokens are matched.
    /// With `add_bos`, the BOS id comes first.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if `add_bos` is asked of a model without one, or `text` has a byte that the vocabulary
    /// has no token for ([`notes`](Self::notes)).
    pub fn encode(&self, text: &str, add_bos: bool) -> Result<Vec<u32>> {
        self.encode_parts(text, add_bos, false)
    }

    /// As [`encode`](Self::encode), but control tokens named in `text` become those tokens: for templates and corpora,
    /// never for what a user typed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if `add_bos` is asked of a model without one, or `text` has a byte that the vocabulary
    /// has no token for ([`notes`](Self::notes)).
    pub fn encode_with_control(&self, text: &str, add_bos: bool) -> Result<Vec<u32>> {
        self.encode_parts(text, add_bos, true)
    }

    /// As [`encode_with_control`](Self::encode_with_control), without the character `guard`, which keeps a name in it from
    /// being one.
    pub(crate) fn encode_guarded(
        &self,
        text: &str,
        add_bos: bool,
        guard: char,
    ) -> Result<Vec<u32>> {
        self.encode_specials(text, add_bos, true, Some(guard))
    }

    /// `text` with `guard` inside every name of a control token.
    pub(crate) fn guarded(&self, text: &str, guard: char) -> String {
        self.specials.guarded(text, guard)
    }

    fn encode_parts(&self, text: &str, add_bos: bool, with_control: bool) -> Result<Vec<u32>> {
        self.encode_specials(text, add_bos, with_control, None)
    }

    fn encode_specials(
        &self,
        text: &str,
        add_bos: bool,
        with_control: bool,
        guard: Option<char>,
    ) -> Result<Vec<u32>> {
        let mut ids = Vec::with_capacity(text.len() / 3 + 1);
        if add_bos {
            ids.push(self.bos.ok_or_else(|| {
                let text = "encode with BOS: expected key `tokenizer.ggml.bos_token_id`, found none in the model file";
                Error::new(ErrorKind::InvalidArgument, text)
            })?);
        }
        let parts = self.specials.parts(text, with_control, guard);
        let texts = self.spelled(&parts, guard);
        let mut known = Known::default();
        for (part, text) in parts.iter().zip(&texts) {
            match (part, &self.family) {
                (Part::Token(id), _) => ids.push(*id),
                (Part::Text(_), Family::Bpe(bpe)) => bpe.encode(text, &mut known, &mut ids)?,
                (Part::Text(_), Family::Spm(spm)) => spm.encode(text, &mut known, &mut ids)?,
            }
        }
        Ok(ids)
    }

    /// The parts as the family spells them, without the guard. SentencePiece has U+2581 for blanks, and one more in front of a
    /// text that begins the whole or follows a token.
    fn spelled<'t>(&self, parts: &[Part<'t>], guard: Option<char>) -> Vec<Cow<'t, str>> {
        let mut after_token = true;
        let spell = |part: &Part<'t>| {
            let Part::Text(text) = *part else {
                after_token = true;
                return Cow::Borrowed("");
            };
            let text = match guard.filter(|guard| text.contains(*guard)) {
                Some(guard) => Cow::Owned(text.replace(guard, "")),
                None => Cow::Borrowed(text),
            };
            let Family::Spm(spm) = &self.family else { return text };
            let front = if spm.adds_blank && after_token { " " } else { "" };
            after_token = false;
            let mut blank = [0; 4];
            Cow::Owned([front, &text].concat().replace(' ', BLANK.encode_utf8(&mut blank)))
        };
        parts.iter().map(spell).collect()
    }

    /// The text of `ids`, taken as a whole text: the blank that a tokenizer of SentencePiece's kind put in front is taken
    /// away. Control tokens add nothing; bytes that form no character become U+FFFD.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for an id outside the vocabulary.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        let pieces: Vec<&[u8]> = ids.iter().map(|&id| self.piece(id)).collect::<Result<_>>()?;
        let bytes = pieces.concat();
        let adds_blank = matches!(&self.family, Family::Spm(spm) if spm.adds_blank);
        let text = bytes.strip_prefix(b" ").filter(|_| adds_blank).unwrap_or(&bytes);
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// A decoder that takes ids one by one, which go on from a text before them.
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

    /// The name of a token in texts, whatever its kind.
    pub(crate) fn name(&self, id: u32) -> Option<&str> {
        std::str::from_utf8(self.vocabulary.bytes(id).ok()?).ok()
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

    /// What was taken for granted about the file, a sentence each.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Size of the vocabulary: ids are below it.
    #[must_use]
    pub const fn n_tokens(&self) -> usize {
        self.vocabulary.len()
    }
}
