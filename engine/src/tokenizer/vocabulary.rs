//! The tokens by id: what kind each is, and the bytes it stands for.
//! In: the file's token texts and types. Out: one run of bytes with an end for every id.

use super::alphabet::byte_of;
use crate::{Error, ErrorKind, Result};

/// What a token is for, numbered as in `tokenizer.ggml.token_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

impl TokenKind {
    /// The kind numbered `id` in the file.
    pub(super) const fn from_id(id: i32) -> Option<Self> {
        match id {
            1 => Some(Self::Normal),
            2 => Some(Self::Unknown),
            3 => Some(Self::Control),
            4 => Some(Self::UserDefined),
            5 => Some(Self::Unused),
            6 => Some(Self::Byte),
            _ => None,
        }
    }

    /// Whether its text is bytes in GPT-2's alphabet; the other kinds' text stands for itself.
    const fn is_mapped(self) -> bool {
        matches!(self, Self::Normal | Self::Byte)
    }
}

/// The bytes of all tokens.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    kinds: Vec<TokenKind>,
}

impl Vocabulary {
    /// Adds the next id.
    pub(super) fn push(&mut self, text: &str, kind: TokenKind) {
        let start = self.bytes.len();
        let mapped = kind.is_mapped() && {
            self.bytes.extend(text.chars().map_while(byte_of));
            text.chars().all(|character| byte_of(character).is_some())
        };
        if !mapped {
            self.bytes.truncate(start);
            self.bytes.extend(text.as_bytes());
        }
        self.ends.push(self.bytes.len());
        self.kinds.push(kind);
    }

    /// How many tokens there are.
    pub(super) const fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of token `id`, whatever its kind.
    pub(super) fn bytes(&self, id: u32) -> Result<&[u8]> {
        let i = self.index(id)?;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        Ok(&self.bytes[start..self.ends[i]])
    }

    /// The bytes token `id` adds to a text: none for a control token.
    pub(super) fn text(&self, id: u32) -> Result<&[u8]> {
        match self.kinds[self.index(id)?] {
            TokenKind::Control => Ok(&[]),
            _ => self.bytes(id),
        }
    }

    fn index(&self, id: u32) -> Result<usize> {
        usize::try_from(id).ok().filter(|&i| i < self.len()).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "token id: expected below {}, the size of the vocabulary, found {id}",
                    self.len()
                ),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_tokens_are_mapped_and_others_stand_for_themselves() {
        let mut vocabulary = Vocabulary::default();
        vocabulary.push("\u{120}the", TokenKind::Normal);
        vocabulary.push("<|eos|>", TokenKind::Control);
        vocabulary.push("\u{120}é", TokenKind::UserDefined);
        vocabulary.push("Ãµ", TokenKind::Normal);
        // A character outside the alphabet: the text itself, as the decoder of the `tokenizers` crate has it.
        vocabulary.push("a b", TokenKind::Normal);
        let texts = (0..5).map(|id| std::str::from_utf8(vocabulary.bytes(id).unwrap()).unwrap());
        assert!(texts.eq([" the", "<|eos|>", "\u{120}é", "õ", "a b"]));
        assert_eq!(vocabulary.text(1).unwrap(), b"");
        assert_eq!(vocabulary.bytes(5).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}
