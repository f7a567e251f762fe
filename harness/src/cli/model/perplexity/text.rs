//! A text as a stream: bytes in, UTF-8 checked as they come, cut where the tokens of both sides are those of the whole.
//!
//! A piece ends before a blank between two ASCII letters. Every pre-tokenizer cuts words there, but a vocabulary may have tokens
//! that reach across, and SentencePiece puts a blank in front of each text; so a cut is taken only if the surroundings give the
//! same ids cut as whole, with or without its blank. A text without such a place is one piece, and as large in memory.

use std::io::Read;

use anyhow::{Context as _, Result, bail};
use engine::Tokenizer;

/// Bytes of a piece, or more.
const PIECE_SIZE: usize = 1 << 18;
/// Bytes read at a time.
const READ_SIZE: usize = 1 << 16;
/// Bytes on each side of a cut that are tokenized to judge it.
const AROUND: usize = 128;
/// Places that are judged before a piece grows.
const TRIES: usize = 32;

/// A text that is read.
pub(super) struct Text<'r> {
    input: Box<dyn Read + 'r>,
    piece_size: usize,
    /// What is read and not taken yet.
    bytes: Vec<u8>,
    /// How many of them are whole characters.
    n_valid: usize,
    /// Bytes taken before them.
    n_taken: u64,
    at_end: bool,
}

impl<'r> Text<'r> {
    pub(super) fn new(input: Box<dyn Read + 'r>) -> Self {
        let (bytes, piece_size) = (Vec::new(), PIECE_SIZE);
        Self { input, piece_size, bytes, n_valid: 0, n_taken: 0, at_end: false }
    }

    /// Bytes read so far.
    pub(super) fn n_bytes(&self) -> u64 {
        self.n_taken + self.bytes.len() as u64
    }

    /// The ids of the next piece; none at the end.
    pub(super) fn next_ids(&mut self, tokenizer: &Tokenizer) -> Result<Option<Vec<u32>>> {
        let mut wanted = self.piece_size;
        loop {
            self.read_to(wanted)?;
            if self.at_end && self.bytes.len() <= wanted {
                let rest = self.take(self.bytes.len());
                let ids = tokenizer.encode(&rest, false).context("failed to tokenize")?;
                return Ok(Some(ids).filter(|_| !rest.is_empty()));
            }
            let text = self.valid();
            let text = &text[..floor(text, wanted.saturating_add(AROUND))];
            if let Some((at, skips_blank)) = cut(text, tokenizer)? {
                let piece = self.take(at);
                if skips_blank {
                    self.take(1);
                }
                return Ok(Some(tokenizer.encode(&piece, false).context("failed to tokenize")?));
            }
            wanted *= 2;
        }
    }

    /// The next text between empty lines, and the byte it begins at; none at the end.
    pub(super) fn next_story(&mut self) -> Result<Option<(u64, String)>> {
        let mut searched = 0;
        loop {
            let gap = self.valid().bytes().take_while(|byte| *byte == b'\n').count();
            if gap > 0 {
                self.take(gap);
                searched = 0;
            }
            let start = self.n_taken;
            if let Some(at) = self.valid()[searched..].find("\n\n") {
                return Ok(Some((start, self.take(searched + at))));
            }
            if self.at_end {
                let rest = self.take(self.bytes.len());
                let story = rest.trim_end_matches('\n').to_owned();
                return Ok(Some((start, story)).filter(|(_, story)| !story.is_empty()));
            }
            // The last line end may be the first of two.
            searched = floor(self.valid(), self.n_valid.saturating_sub(1));
            self.read_to(self.bytes.len() + 1)?;
        }
    }

    fn valid(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.n_valid]).expect("checked when it was read")
    }

    fn take(&mut self, n: usize) -> String {
        let rest = self.bytes.split_off(n);
        let taken = std::mem::replace(&mut self.bytes, rest);
        self.n_valid -= n;
        self.n_taken += n as u64;
        String::from_utf8(taken).expect("checked when it was read, and cut between characters")
    }

    /// Reads until there are `wanted` bytes or no more.
    fn read_to(&mut self, wanted: usize) -> Result<()> {
        while self.bytes.len() < wanted && !self.at_end {
            let len = self.bytes.len();
            self.bytes.resize(len + READ_SIZE, 0);
            let n = self.input.read(&mut self.bytes[len..]);
            self.bytes.truncate(len + *n.as_ref().unwrap_or(&0));
            match n {
                Ok(n) => self.at_end = n == 0,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("failed to read it"),
            }
            self.validate()?;
        }
        Ok(())
    }

    fn validate(&mut self) -> Result<()> {
        let Err(error) = std::str::from_utf8(&self.bytes[self.n_valid..]) else {
            self.n_valid = self.bytes.len();
            return Ok(());
        };
        self.n_valid += error.valid_up_to();
        // The beginning of a character at the end of what is read may go on.
        if error.error_len().is_none() && !self.at_end {
            return Ok(());
        }
        let offset = self.n_taken + self.n_valid as u64;
        let byte = self.bytes[self.n_valid];
        bail!("expected UTF-8, found byte {byte:#04x} at byte {offset} of the text")
    }
}

/// Where to end a piece of `text`, and whether the blank behind it is left out.
fn cut(text: &str, tokenizer: &Tokenizer) -> Result<Option<(usize, bool)>> {
    let bytes = text.as_bytes();
    let places = (1..bytes.len().saturating_sub(AROUND)).rev().filter(|&at| {
        bytes[at] == b' '
            && bytes[at - 1].is_ascii_alphabetic()
            && bytes[at + 1].is_ascii_alphabetic()
    });
    for at in places.take(TRIES) {
        let before = &text[floor(text, at.saturating_sub(AROUND))..at];
        let behind = &text[at..floor(text, at + AROUND)];
        let ids = |text: &str| tokenizer.encode(text, false).context("failed to tokenize");
        let whole = ids(&[before, behind].concat())?;
        let first = ids(before)?;
        for skips_blank in [false, true] {
            let second = ids(&behind[usize::from(skips_blank)..])?;
            if [&first[..], &second].concat() == whole {
                return Ok(Some((at, skips_blank)));
            }
        }
    }
    Ok(None)
}

/// The last place up to `at` that is between two characters.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::{
        Model,
        synthetic::{SHAPES, Shape, Synthetic},
    };

    fn text(bytes: &[u8], piece_size: usize) -> Text<'_> {
        Text { piece_size, ..Text::new(Box::new(bytes)) }
    }

    fn all_ids(text: &mut Text<'_>, tokenizer: &Tokenizer) -> (Vec<u32>, usize) {
        let (mut ids, mut n) = (Vec::new(), 0);
        while let Some(more) = text.next_ids(tokenizer).unwrap() {
            ids.extend(more);
            n += 1;
        }
        (ids, n)
    }

    /// Tokenizers of both families: the built-in model's, and that of a small SentencePiece vocabulary.
    fn models() -> [Model; 2] {
        let shape = SHAPES.iter().find(|shape| shape.vocabulary.pre.is_none()).unwrap();
        let sizes = Shape { n_layers: 1, n_embd: 320, n_ff: 480, n_heads: 4, ..shape.clone() };
        let small = Shape { n_kv_heads: 2, head_dim: 80, n_vocab: 4000, ..sizes };
        let mut bytes = Vec::new();
        Synthetic::new(&small, 1).unwrap().write(1, &mut bytes).unwrap();
        [Model::builtin("stories").unwrap(), Model::from_bytes(bytes.into()).unwrap()]
    }

    #[test]
    fn pieces_have_the_ids_of_the_whole() {
        let held_out = &engine::builtin::held_out()[..20_000];
        let odd = "a b\n\n  c d  é è ü 12 345 6,7 \u{1f600} x y\r\n z".repeat(100);
        for model in models() {
            let tokenizer = model.tokenizer().unwrap();
            for whole in [held_out, &odd, "one two", "x", "日本語".repeat(500).as_str()] {
                let want = tokenizer.encode(whole, false).unwrap();
                for piece_size in [1, 300, 1000, 100_000] {
                    let (ids, n) = all_ids(&mut text(whole.as_bytes(), piece_size), tokenizer);
                    assert_eq!(ids, want, "{piece_size}: {:?}", &whole.chars().take(20));
                    let many = whole.len() > 10_000 && piece_size < 2000;
                    assert!(!many || n >= whole.len() / 1500, "{n} pieces of {}", whole.len());
                }
            }
            assert_eq!(text(b"", 10).next_ids(tokenizer).unwrap(), None);
        }
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_named_by_their_place_wherever_it_is() {
        let [model, _] = models();
        let tokenizer = model.tokenizer().unwrap();
        for before in [0, 1, 65_535, 65_536, 400_000] {
            let mut bytes = "ab cd ".repeat(100_000).into_bytes();
            bytes.truncate(before);
            for (bad, found) in
                [(&b"\xff"[..], "byte 0xff"), (b"\xc3(", "byte 0xc3"), (b"\xe2\x82", "0xe2")]
            {
                let all = [&bytes[..], bad].concat();
                let mut text = Text::new(Box::new(&all[..]));
                let error = loop {
                    match text.next_ids(tokenizer) {
                        Ok(Some(_)) => {}
                        Ok(None) => panic!("{before} {found}: it was taken for UTF-8"),
                        Err(error) => break error.to_string(),
                    }
                };
                assert!(
                    error.contains(found) && error.contains(&format!("at byte {before} ")),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn stories_are_what_stands_between_empty_lines() {
        let all = "\n\nOne.\nStill one.\n\nTwo é.\n\n\n\nThree.\n\n\n";
        let mut text = text(all.as_bytes(), 8);
        let mut stories = Vec::new();
        while let Some((at, story)) = text.next_story().unwrap() {
            assert_eq!(&all[usize::try_from(at).unwrap()..][..story.len()], story);
            stories.push(story);
        }
        assert_eq!(stories, ["One.\nStill one.", "Two é.", "Three."]);
        assert_eq!(Text::new(Box::new(&b"\n\n\n"[..])).next_story().unwrap(), None);
    }
}
