//! SentencePiece's BPE: characters joined, the pair of highest score first, the leftmost among equals; what is no token is
//! spelled in bytes. Blanks are U+2581 in tokens. Source: llama.cpp, `src/llama-vocab.cpp`, `llm_tokenizer_spm`.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use super::known::Known;
use crate::Result;

/// What stands for a blank in the tokens' texts.
pub(super) const BLANK: char = '\u{2581}';

/// See the file's door.
#[derive(Debug)]
pub(super) struct Spm {
    /// Texts of normal tokens.
    pub(super) ids: HashMap<Box<str>, u32>,
    /// By id; finite.
    pub(super) scores: Vec<f32>,
    /// The token of each byte.
    pub(super) bytes: Box<[u32; 256]>,
    /// Whether a text gets a blank in front, as a word in its middle has one.
    pub(super) adds_blank: bool,
    /// Whether no token goes on from another character to a blank: then words can be joined one by one.
    pub(super) by_words: bool,
}

impl Spm {
    /// Appends the ids of `text`, in which blanks are replaced already.
    pub(super) fn encode<'t>(
        &self,
        text: &'t str,
        known: &mut Known<'t>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let mut rest = text;
        while !rest.is_empty() {
            let (word, others) = rest.split_at(if self.by_words { word(rest) } else { rest.len() });
            known.extend(word, out, |ids| {
                self.join(word, ids);
                Ok(())
            })?;
            rest = others;
        }
        Ok(())
    }

    fn join(&self, word: &str, ids: &mut Vec<u32>) {
        let mut symbols = Symbols::new(word);
        let mut pairs = BinaryHeap::new();
        for left in 0..symbols.parts.len().saturating_sub(1) {
            pairs.extend(self.pair(&symbols, left));
        }
        while let Some(pair) = pairs.pop() {
            if symbols.join(&pair) {
                let before = symbols.parts[pair.left].previous;
                for left in before.into_iter().chain([pair.left]) {
                    pairs.extend(self.pair(&symbols, left));
                }
            }
        }
        let mut next = (!word.is_empty()).then_some(0);
        while let Some(at) = next {
            let text = symbols.text(at);
            match self.ids.get(text) {
                Some(id) => ids.push(*id),
                None => ids.extend(text.bytes().map(|byte| self.bytes[usize::from(byte)])),
            }
            next = symbols.parts[at].next;
        }
    }

    /// The symbol at `left` and the one behind it, if they are a token together.
    fn pair(&self, symbols: &Symbols<'_>, left: usize) -> Option<Pair> {
        let right = symbols.parts[left].next?;
        let (start, len) = (symbols.parts[left].start, symbols.len(left) + symbols.len(right));
        let id = *self.ids.get(&symbols.word[start..start + len])?;
        Some(Pair { score: *self.scores.get(id as usize)?, left, right, len })
    }
}

/// Bytes of the first word: blanks, then characters up to the next blank.
fn word(text: &str) -> usize {
    let start = text.find(|c| c != BLANK).unwrap_or(text.len());
    text[start..].find(BLANK).map_or(text.len(), |n| start + n)
}

/// The characters of a word and what was joined of them, as a list that loses its members.
struct Symbols<'w> {
    word: &'w str,
    parts: Vec<Symbol>,
}

struct Symbol {
    start: usize,
    /// 0 once it is a part of the one before.
    len: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

impl<'w> Symbols<'w> {
    fn new(word: &'w str) -> Self {
        let n = word.chars().count();
        let symbol = |(i, (start, c)): (usize, (usize, char))| Symbol {
            start,
            len: c.len_utf8(),
            previous: i.checked_sub(1),
            next: Some(i + 1).filter(|next| *next < n),
        };
        Self { word, parts: word.char_indices().enumerate().map(symbol).collect() }
    }

    fn len(&self, at: usize) -> usize {
        self.parts[at].len
    }

    fn text(&self, at: usize) -> &'w str {
        let Symbol { start, len, .. } = self.parts[at];
        &self.word[start..start + len]
    }

    /// Joins a pair, unless one of the two was joined with another meanwhile.
    fn join(&mut self, pair: &Pair) -> bool {
        let Pair { left, right, len, .. } = *pair;
        let (a, b) = (self.len(left), self.len(right));
        if a == 0 || b == 0 || a + b != len {
            return false;
        }
        let next = self.parts[right].next;
        self.parts[left].len = len;
        self.parts[left].next = next;
        self.parts[right].len = 0;
        if let Some(next) = next {
            self.parts[next].previous = Some(left);
        }
        true
    }
}

/// Two neighbours that are a token together.
#[derive(Debug)]
struct Pair {
    score: f32,
    left: usize,
    right: usize,
    /// Of both, when it was found.
    len: usize,
}

impl Ord for Pair {
    /// The greatest is joined first.
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_blanks_and_what_follows_them() {
        for (text, n) in [("▁a▁b", 4), ("a▁b", 1), ("▁▁a", 7), ("▁", 3), ("a", 1)] {
            assert_eq!(word(text), n, "{text}");
        }
    }
}
