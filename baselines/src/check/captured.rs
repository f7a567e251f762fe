//! What a command wrote to one stream, as text: head and tail of it, and the digest of the whole.
//! In: bytes. Out: text from which the kept bytes can be had again, also those that were no UTF-8.

use crate::Digest;

/// Bytes of a stream that are kept at most.
pub const KEPT_BYTES: usize = 1 << 20;
/// Of these, bytes of the head where something had to be left out; summaries stand at the end, so the tail gets the rest.
pub const KEPT_HEAD_BYTES: usize = 256 << 10;
/// Stands for bytes that were no UTF-8.
const MARK: char = char::REPLACEMENT_CHARACTER;

/// One captured stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The stream, or its head where something was left out; U+FFFD for each run of bytes that was no UTF-8.
    pub text: String,
    /// Its end, where something was left out before.
    pub tail: String,
    /// Bytes between the two that were not kept.
    pub left_out_bytes: u64,
    /// Bytes of the whole stream.
    pub total_bytes: u64,
    /// For each U+FFFD of `text` and `tail` in turn the bytes that it stands for: hex digits, blanks between.
    pub replaced: String,
    /// SHA-256 of the whole stream.
    pub digest: Digest,
}

/// The kept bytes of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Those of `text`.
    pub head: Vec<u8>,
    /// Those of `tail`.
    pub tail: Vec<u8>,
}

impl Captured {
    /// A stream that was kept whole.
    #[must_use]
    pub fn whole(bytes: &[u8]) -> Self {
        Self::of(bytes, &[], bytes.len() as u64, Digest::of(bytes))
    }

    /// A stream of `total_bytes` of which `head` and `tail` were kept.
    #[must_use]
    pub fn of(head: &[u8], tail: &[u8], total_bytes: u64, digest: Digest) -> Self {
        let mut replaced = Vec::new();
        let (text, rest) = (lossy(head, &mut replaced), lossy(tail, &mut replaced));
        let kept_bytes = (head.len() + tail.len()) as u64;
        Self {
            text,
            tail: rest,
            left_out_bytes: total_bytes.saturating_sub(kept_bytes),
            total_bytes,
            replaced: replaced.join(" "),
            digest,
        }
    }

    /// The kept bytes again; `None` where `replaced` does not fit the text.
    #[must_use]
    pub fn parts(&self) -> Option<Parts> {
        let mut replaced = self.replaced.split(' ').filter(|bytes| !bytes.is_empty());
        let head = restored(&self.text, &mut replaced)?;
        let tail = restored(&self.tail, &mut replaced)?;
        replaced.next().is_none().then_some(Parts { head, tail })
    }
}

fn lossy(bytes: &[u8], replaced: &mut Vec<String>) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        // A mark that the command wrote itself stands for its own bytes.
        replaced.extend(valid.matches(MARK).map(hex::encode));
        text.push_str(valid);
        if !chunk.invalid().is_empty() {
            replaced.push(hex::encode(chunk.invalid()));
            text.push(MARK);
        }
    }
    text
}

fn restored<'a>(text: &str, replaced: &mut impl Iterator<Item = &'a str>) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut between = text.split(MARK);
    bytes.extend_from_slice(between.next().unwrap_or_default().as_bytes());
    for part in between {
        bytes.extend(hex::decode(replaced.next()?).ok()?);
        bytes.extend_from_slice(part.as_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_bytes_come_back_whatever_they_are() {
        let every: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        for bytes in [
            b"".as_slice(),
            b"plain\r\n",
            "ä € 𝄞 \u{fffd} end".as_bytes(),
            b"\xff\xfe",
            b"a\xc3",
            b"\xe2\x82 b \xf0\x9d\x84",
            "\u{fffd}".as_bytes(),
            &every,
        ] {
            let captured = Captured::whole(bytes);
            let parts = captured.parts().expect("it was made here");
            assert_eq!((parts.head.as_slice(), parts.tail.as_slice()), (bytes, b"".as_slice()));
            assert_eq!((captured.left_out_bytes, captured.total_bytes), (0, bytes.len() as u64));
        }
    }

    #[test]
    fn a_character_cut_in_two_comes_back_in_two_pieces() {
        let euro = "€".as_bytes();
        let captured = Captured::of(&euro[..2], &euro[1..], 100, Digest::of(b"x"));
        assert_eq!((captured.text.as_str(), captured.left_out_bytes), ("\u{fffd}", 96));
        let parts = captured.parts().expect("it was made here");
        assert_eq!((parts.head.as_slice(), parts.tail.as_slice()), (&euro[..2], &euro[1..]));
    }

    #[test]
    fn bytes_that_do_not_fit_the_text_are_none() {
        let clean = Captured::whole(b"a\xffb");
        for replaced in ["", "ff ff", "f", "xx"] {
            let edited = Captured { replaced: replaced.to_owned(), ..clean.clone() };
            assert_eq!(edited.parts(), None, "{replaced:?}");
        }
    }
}
