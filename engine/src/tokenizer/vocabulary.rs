//! The tokens by id: what kind each is, and the bytes it stands for.
//! In: the file's token texts and types. Out: one run of bytes with an end for every id.

use super::alphabet::byte_of;
use super::spm::BLANK;
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

    /// Whether its text is spelled as the family spells; the other kinds' text stands for itself.
    const fn is_spelled(self) -> bool {
        matches!(self, Self::Normal | Self::Byte)
    }
}

/// How the texts of normal tokens are written in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Bytes in GPT-2's alphabet.
    Mapped,
    /// Text with U+2581 for a blank, and `<0xNN>` for a byte.
    Blanks,
}

/// The byte that `text` names as `<0xNN>`.
pub(super) fn named_byte(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    let two = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| two)
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
    pub(super) fn push(&mut self, text: &str, kind: TokenKind, spelling: Spelling) {
        match spelling {
            Spelling::Mapped if kind.is_spelled() && text.chars().all(|c| byte_of(c).is_some()) => {
                self.bytes.extend(text.chars().filter_map(byte_of));
            }
            Spelling::Blanks if kind == TokenKind::Byte && named_byte(text).is_some() => {
                self.bytes.extend(named_byte(text));
            }
            Spelling::Blanks if kind.is_spelled() => {
                self.bytes.extend(text.replace(BLANK, " ").as_bytes());
            }
            Spelling::Mapped | Spelling::Blanks => self.bytes.extend(text.as_bytes()),
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
        for (text, kind) in [
            ("\u{120}the", TokenKind::Normal),
            ("<|eos|>", TokenKind::Control),
            ("\u{120}é", TokenKind::UserDefined),
            ("Ãµ", TokenKind::Normal),
            // A character outside the alphabet: the text itself, as the decoder of the `tokenizers` crate has it.
            ("a b", TokenKind::Normal),
        ] {
            vocabulary.push(text, kind, Spelling::Mapped);
        }
        let texts = (0..5).map(|id| std::str::from_utf8(vocabulary.bytes(id).unwrap()).unwrap());
        assert!(texts.eq([" the", "<|eos|>", "\u{120}é", "õ", "a b"]));
        assert_eq!(vocabulary.text(1).unwrap(), b"");
        assert_eq!(vocabulary.bytes(5).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn blanks_and_bytes_are_unspelled_where_the_family_spells_them_so() {
        let mut vocabulary = Vocabulary::default();
        for (text, kind) in [
            ("▁the▁", TokenKind::Normal),
            ("<0x0A>", TokenKind::Byte),
            ("<0x0A>", TokenKind::Normal),
            ("▁", TokenKind::UserDefined),
        ] {
            vocabulary.push(text, kind, Spelling::Blanks);
        }
        let texts = (0..4).map(|id| std::str::from_utf8(vocabulary.bytes(id).unwrap()).unwrap());
        assert!(texts.eq([" the ", "\n", "<0x0A>", "▁"]));
        for not_one in ["<0x>", "<0x1>", "<0x+1>", "<0x111>", "0x11", "<0xG1>"] {
            assert_eq!(named_byte(not_one), None, "{not_one}");
        }
    }
}
