//! Token ids to text as they come, never cutting a character in two.
//! In: one id at a time, going on from a text. Out: the text that is certain so far; all of it together is what `decode` gives,
//! with the blank in front that `decode` takes away where the tokenizer is of SentencePiece's kind.

use super::text::Tokenizer;
use crate::Result;

/// Text being decoded id by id; made by [`Tokenizer::stream`].
#[derive(Clone, Debug)]
pub struct TokenStream<'a> {
    tokenizer: &'a Tokenizer,
    /// The beginning of a character: at most three bytes between calls.
    pending: Vec<u8>,
}

impl<'a> TokenStream<'a> {
    pub(super) const fn new(tokenizer: &'a Tokenizer) -> Self {
        Self { tokenizer, pending: Vec::new() }
    }

    /// Takes the next id; gives the text it completes, if any. Bytes that cannot become a character are U+FFFD at once.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] for an id outside the vocabulary.
    pub fn push(&mut self, id: u32) -> Result<Option<String>> {
        self.pending.extend(self.tokenizer.piece(id)?);
        let tail = incomplete_tail(&self.pending);
        let rest = self.pending.split_off(self.pending.len() - tail);
        let text = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending = rest;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// Ends the text: what is left is the beginning of a character that never came, and becomes U+FFFD.
    ///
    /// # Errors
    /// None today; a decoder that keeps more state may have one.
    pub fn finish(&mut self) -> Result<Option<String>> {
        let text = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending.clear();
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

/// How many bytes at the end are the beginning of a character that more bytes could complete.
fn incomplete_tail(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    loop {
        match std::str::from_utf8(rest) {
            Ok(_) => return 0,
            Err(e) => match e.error_len() {
                None => return rest.len() - e.valid_up_to(),
                Some(bad) => rest = &rest[e.valid_up_to() + bad..],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_still_become_a_character_is_held_back() {
        for (bytes, tail) in [
            (&b""[..], 0),
            (b"abc", 0),
            (b"a\xc3", 1),
            (b"a\xe2\x82", 2),
            (b"\xf0\x9f\x98", 3),
            (b"\xf0\x9f\x98\x80", 0),
            (b"\xff", 0),
            (b"\xff\xc3", 1),
            (b"\xe2\x28", 0),
            (b"\x80\x80\xe2", 1),
        ] {
            assert_eq!(incomplete_tail(bytes), tail, "{bytes:?}");
        }
    }
}
